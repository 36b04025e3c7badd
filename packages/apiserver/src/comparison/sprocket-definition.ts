import type { JsonObject } from "@krate/apimachinery";

const string: JsonObject = { type: "string" };
const integer: JsonObject = { type: "integer" };
const item: JsonObject = {
  type: "object",
  required: ["name"],
  properties: {
    name: string,
    protocol: { type: "string", default: "TCP" },
    port: { type: "integer", maximum: 65535 },
    note: string,
  },
};

/** A second custom resource: what a schema can say about defaults, rules, lists and unknown fields. */
export const sprocketDefinition: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "sprockets.cmp.example.com" },
  spec: {
    group: "cmp.example.com",
    scope: "Namespaced",
    names: { kind: "Sprocket", plural: "sprockets", singular: "sprocket", listKind: "SprocketList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: "Teeth", type: "integer", jsonPath: ".spec.teeth", description: "how many" },
          { name: "Names", type: "string", jsonPath: ".spec.ports[*].name", priority: 1 },
          { name: "Ratio", type: "number", jsonPath: ".spec.ratio" },
          { name: "On", type: "boolean", jsonPath: ".spec.on" },
          { name: "Since", type: "date", jsonPath: ".spec.since" },
          { name: "Any", type: "string", jsonPath: ".spec.free" },
        ],
        selectableFields: [{ jsonPath: ".spec.teeth" }, { jsonPath: ".spec.on" }, { jsonPath: ".status.phase" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                default: {},
                properties: {
                  teeth: { type: "integer", default: 12, minimum: 3 },
                  ratio: { type: "number", exclusiveMinimum: true, minimum: 0, multipleOf: 2 },
                  on: { type: "boolean", default: true },
                  since: { type: "string", format: "date-time" },
                  name: { type: "string", minLength: 2, maxLength: 5, pattern: "^[a-z]+$" },
                  limit: { "x-kubernetes-int-or-string": true },
                  maybe: { type: "string", nullable: true, default: null },
                  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                  labels: { type: "object", additionalProperties: string, maxProperties: 3 },
                  counts: { type: "object", additionalProperties: integer },
                  nested: {
                    type: "object",
                    default: { depth: 1 },
                    properties: { depth: integer, size: { type: "string", default: "small" } },
                  },
                  plain: { type: "array", items: string, maxItems: 3 },
                  set: { type: "array", items: string, "x-kubernetes-list-type": "set" },
                  atomic: { type: "array", items: string, "x-kubernetes-list-type": "atomic" },
                  atomicMap: { type: "object", "x-kubernetes-map-type": "atomic", additionalProperties: string },
                  ports: {
                    type: "array",
                    items: item,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name", "protocol"],
                  },
                  grow: {
                    type: "integer",
                    "x-kubernetes-validations": [
                      {
                        rule: "self >= oldSelf",
                        messageExpression: "self < 0 ? 'must not be negative' : 'must not fall'",
                        reason: "FieldValueForbidden",
                      },
                    ],
                  },
                  once: {
                    type: "string",
                    "x-kubernetes-validations": [
                      {
                        rule: "oldSelf.hasValue() || self != 'late'",
                        optionalOldSelf: true,
                        message: "too late on creation",
                      },
                    ],
                  },
                  range: {
                    type: "object",
                    properties: { min: integer, max: integer },
                    "x-kubernetes-validations": [
                      {
                        rule: "!has(self.min) || !has(self.max) || self.min <= self.max",
                        message: "min must not exceed max",
                        fieldPath: ".max",
                        reason: "FieldValueInvalid",
                      },
                    ],
                  },
                  strict: {
                    type: "string",
                    "x-kubernetes-validations": [{ rule: "self.startsWith('ok')" }],
                  },
                  either: {
                    type: "object",
                    properties: { a: string, b: string },
                    oneOf: [{ required: ["a"] }, { required: ["b"] }],
                  },
                },
              },
              status: {
                type: "object",
                properties: {
                  phase: { type: "string", enum: ["Up", "Down"] },
                  conditions: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                    items: {
                      type: "object",
                      required: ["type", "status"],
                      properties: { type: string, status: string, reason: string },
                    },
                  },
                },
              },
            },
          },
        },
      },
      {
        name: "v1beta1",
        served: true,
        storage: false,
        deprecated: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};
