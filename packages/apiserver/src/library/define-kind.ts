import { ageColumn, type Schema, type TableColumn, tableConvertor } from "@krate/apimachinery";
import { compileObjectSchema } from "../resources/object-schema.ts";
import { defineResource, type ServedResource, type Strategy, type Subresource } from "../resources/resource.ts";

/** A kind of your own, as data: what a CustomResourceDefinition says, and in `strategy` what one cannot. */
export interface KindOptions {
  /** A domain name: `example.com`. */
  group: string;
  /** `v1`, `v1beta1`. */
  version: string;
  /** CamelCase, singular. */
  kind: string;
  /** @defaultValue the kind in lower case with an `s` */
  plural?: string;
  shortNames?: readonly string[];
  /** `kubectl get <category>` lists every kind of it. */
  categories?: readonly string[];
  /** @defaultValue true */
  namespaced?: boolean;
  /** What `kubectl explain` says about the kind. */
  description: string;
  /** Structural OpenAPI v3 schema; defaults, `x-kubernetes-validations`, `x-kubernetes-list-type` and the like count as in a CRD. */
  spec: Schema;
  /** With it the kind has the subresource `status`, and only that writes it. */
  status?: Schema;
  /** Columns of `kubectl get` between Name and Age. */
  columns?: readonly TableColumn[];
  /** Paths that field selectors may name besides metadata.name and metadata.namespace: `spec.color`. */
  selectableFields?: readonly string[];
  strategy?: Strategy;
  subresources?: Record<string, Subresource>;
}

/** @throws Error when a schema is not structural or a column's JSONPath malformed */
export function defineKind(options: KindOptions): ServedResource {
  const { kind, spec, status, columns = [], plural = `${kind.toLowerCase()}s`, ...rest } = options;
  const openapi: Schema = {
    type: "object",
    description: options.description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec,
      ...(status !== undefined && { status }),
    },
  };
  return defineResource({
    ...rest,
    kind,
    plural,
    schema: compileObjectSchema(openapi),
    openapi,
    table: tableConvertor([...columns, ageColumn]),
    hasStatus: status !== undefined,
    countsGeneration: true,
  });
}
