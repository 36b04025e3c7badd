import type { Schema } from "./types.ts";

const text: Schema = { type: "string" };
const time: Schema = { type: "string", format: "date-time" };
const texts: Schema = { type: "object", additionalProperties: { type: "string", default: "" } };

/**
 * `metadata` of every object. Source: ObjectMeta in k8s.io/apimachinery/pkg/apis/meta/v1/types.go, with its patch and apply directives.
 */
export const objectMetaSchema: Schema = {
  type: "object",
  properties: {
    name: text,
    generateName: text,
    namespace: text,
    selfLink: text,
    uid: text,
    resourceVersion: text,
    generation: { type: "integer", format: "int64" },
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: { type: "integer", format: "int64" },
    labels: texts,
    annotations: texts,
    ownerReferences: {
      type: "array",
      items: {
        type: "object",
        required: ["apiVersion", "kind", "name", "uid"],
        properties: {
          apiVersion: text,
          kind: text,
          name: text,
          uid: text,
          controller: { type: "boolean" },
          blockOwnerDeletion: { type: "boolean" },
        },
        "x-kubernetes-map-type": "atomic",
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-patch-merge-key": "uid",
    },
    finalizers: {
      type: "array",
      items: text,
      "x-kubernetes-list-type": "set",
      "x-kubernetes-patch-strategy": "merge",
    },
    managedFields: {
      type: "array",
      items: {
        type: "object",
        properties: {
          manager: text,
          operation: text,
          apiVersion: text,
          time,
          fieldsType: text,
          fieldsV1: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          subresource: text,
        },
      },
      "x-kubernetes-list-type": "atomic",
    },
  },
};

/**
 * A resource's schema in which `metadata` is ObjectMeta; what the schema itself says about metadata (a CRD may restrict the name) comes on top.
 * A schema that describes no resource is returned as it is.
 */
export function withObjectMeta(schema: Schema): Schema {
  const own = schema.properties?.metadata;
  if (own === undefined && schema.properties?.apiVersion === undefined) return schema;
  const standard = objectMetaSchema.properties ?? {};
  const properties = { ...standard };
  for (const [key, each] of Object.entries(own?.properties ?? {})) properties[key] = { ...standard[key], ...each };
  return { ...schema, properties: { ...schema.properties, metadata: { ...own, ...objectMetaSchema, properties } } };
}
