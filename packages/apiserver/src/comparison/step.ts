/** What the steps of a comparison are made of. */
import type { JsonObject } from "@krate/apimachinery";

export type Body = JsonObject | JsonObject[] | string;

/** What the same server answered to earlier steps, by their names. */
export interface Seen {
  uid(step: string): string;
  revision(step: string): string;
  continue(step: string): string;
}

export interface Step {
  name: string;
  method?: string;
  path: string | ((seen: Seen) => string);
  contentType?: string;
  accept?: string;
  body?: Body | ((seen: Seen) => Body);
}

export const core = "/api/v1/namespaces/cmp";
export const gadgets = "/apis/cmp.example.com/v1/namespaces/cmp/gadgets";
export const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/cmp";
export const merge = "application/merge-patch+json";
export const json = "application/json-patch+json";
export const strategic = "application/strategic-merge-patch+json";
export const apply = "application/apply-patch+yaml";
export const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

export const gadget = (name: string, spec: JsonObject = { color: "red" }): JsonObject => ({
  apiVersion: "cmp.example.com/v1",
  kind: "Gadget",
  metadata: { name, namespace: "cmp" },
  spec,
});
export const configMap = (name: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "cmp" },
  ...more,
});

export const sprockets = "/apis/cmp.example.com/v1/namespaces/cmp/sprockets";
export const sprocket = (name: string, spec: JsonObject = {}, more: JsonObject = {}): JsonObject => ({
  apiVersion: "cmp.example.com/v1",
  kind: "Sprocket",
  metadata: { name, namespace: "cmp" },
  spec,
  ...more,
});
