import type { Kind } from "@krate/kinds";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

const envelope = {
  apiVersion: {
    type: "string",
    description:
      "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources",
  },
  kind: {
    type: "string",
    description:
      "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
  },
  metadata: { type: "object" },
} satisfies Record<string, StructuralSchema>;

/** The schema of a whole object of `kind`: envelope, spec (required) and status. */
export function objectSchemaOf(kind: Kind): StructuralSchema {
  return {
    type: "object",
    description: kind.description,
    required: ["spec"],
    properties: {
      ...envelope,
      spec: structuralSchema(kind.spec, `${kind.kind}.spec`),
      status: structuralSchema(kind.status, `${kind.kind}.status`),
    },
  };
}

/** Name of the schema in OpenAPI documents: the group reversed, the version, the kind, as kube-apiserver names those of CRDs. */
export function openApiNameOf(kind: Pick<Kind, "group" | "version" | "kind">): string {
  return `${kind.group.split(".").reverse().join(".")}.${kind.version}.${kind.kind}`;
}

/**
 * The OpenAPI component of `kind`, as `kubectl explain` and client-side validation read it: the object schema with
 * `metadata` described by ObjectMeta (a reference the server resolves in its document) and the group-version-kind.
 */
export function openApiSchemaOf(kind: Kind): StructuralSchema {
  const schema = objectSchemaOf(kind);
  return {
    ...schema,
    properties: {
      ...schema.properties,
      metadata: {
        description: "Standard object's metadata.",
        allOf: [{ $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" }],
        default: {},
      } as StructuralSchema,
    },
    "x-kubernetes-group-version-kind": [{ group: kind.group, version: kind.version, kind: kind.kind }],
  };
}
