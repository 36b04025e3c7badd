import type { JsonObject } from "@krate/apimachinery";

/** The custom resource both servers serve. */
export const definition: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.cmp.example.com" },
  spec: {
    group: "cmp.example.com",
    scope: "Namespaced",
    names: { kind: "Gadget", plural: "gadgets", singular: "gadget", listKind: "GadgetList", shortNames: ["gd"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
        },
        additionalPrinterColumns: [
          { name: "Color", type: "string", jsonPath: ".spec.color" },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        selectableFields: [{ jsonPath: ".spec.color" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["color"],
                "x-kubernetes-validations": [{ rule: "self.replicas <= 10", message: "at most ten" }],
                properties: {
                  color: {
                    type: "string",
                    enum: ["red", "blue"],
                    "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }],
                  },
                  replicas: { type: "integer", minimum: 0, default: 1 },
                  tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: {
                      type: "object",
                      required: ["name"],
                      properties: { name: { type: "string" }, size: { type: "integer" } },
                    },
                  },
                },
              },
              status: { type: "object", properties: { replicas: { type: "integer" }, phase: { type: "string" } } },
            },
          },
        },
      },
    ],
  },
};
