import { randomBytes } from "node:crypto";
import type { JsonObject } from "@krate/apimachinery";

/** The kube-apiserver is shared: what this run makes in it is named after it. */
export const run = randomBytes(3).toString("hex");
export const group = `adm-${run}.example.com`;
export const namespace = `adm-${run}`;

const schema: JsonObject = {
  openAPIV3Schema: {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          color: { type: "string", enum: ["red", "blue"] },
          size: { type: "integer", default: 1 },
          tags: { type: "array", items: { type: "string" } },
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
      status: { type: "object", properties: { phase: { type: "string" }, size: { type: "integer" } } },
    },
  },
};

const version = (name: string, storage: boolean): JsonObject => ({
  name,
  storage,
  served: true,
  subresources: { status: {}, scale: { specReplicasPath: ".spec.size", statusReplicasPath: ".status.size" } },
  schema,
});

/** What is admitted in the comparison: two versions, so that one can be asked for and the other be meant. */
export const definition: JsonObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `wheels.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { kind: "Wheel", plural: "wheels", singular: "wheel", listKind: "WheelList" },
    versions: [version("v1", true), version("v2", false)],
  },
};

export const wheels = `/apis/${group}/v1/namespaces/${namespace}/wheels`;

export const wheel = (scenario: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: `${group}/v1`,
  kind: "Wheel",
  metadata: { name: scenario, namespace, labels: { scenario } },
  spec: { color: "red" },
  ...more,
});

/** Generated names end at random. */
export function withoutSuffix(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/generated-[a-z0-9]{5}/g, "generated-<random>")) as unknown;
}
