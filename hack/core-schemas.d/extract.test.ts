import { describe, expect, test } from "@jest/globals";
import { closure, coreResource, type DiscoveredResource, schemaNames } from "./extract.ts";

const gvk = (group: string, kind: string) => ({ "x-kubernetes-group-version-kind": [{ group, version: "v1", kind }] });
const ref = (name: string) => ({ allOf: [{ $ref: `#/components/schemas/${name}` }] });
const statusName = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

const schemas = {
  "core.Pod": { properties: { spec: ref("core.PodSpec") }, ...gvk("", "Pod") },
  "core.PodSpec": { properties: { containers: { items: ref("core.Container") }, parent: ref("core.PodSpec") } },
  "core.Container": { type: "object" },
  "core.Unrelated": { type: "object" },
  "auth.TokenRequest": { type: "object", ...gvk("authentication.k8s.io", "TokenRequest") },
  [statusName]: { type: "object", ...gvk("", "Status") },
};

describe("the closure of schemas", () => {
  test("has what is referred to, however deep and also in circles, and nothing else", () => {
    expect(Object.keys(closure(schemas, ["core.Pod"]))).toEqual(["core.Container", "core.Pod", "core.PodSpec"]);
  });

  test("leaves out which groups a machinery schema was seen in", () => {
    expect(closure(schemas, [statusName])).toEqual({ [statusName]: { type: "object" } });
  });

  test("a reference that leads nowhere is an error", () => {
    expect(() => closure({ a: ref("b") }, ["a"])).toThrow("no schema b in the OpenAPI documents");
  });
});

describe("the row of a resource", () => {
  const noKind = { group: "", version: "" };
  const discovered: DiscoveredResource = {
    resource: "pods",
    responseKind: { ...noKind, kind: "Pod" },
    scope: "Namespaced",
    singularResource: "pod",
    verbs: ["get"],
    subresources: [
      { subresource: "exec", responseKind: { ...noKind, kind: "PodExecOptions" }, verbs: ["create"] },
      { subresource: "log", responseKind: { ...noKind, kind: "Pod" }, verbs: ["get"] },
    ],
  };
  const options = { names: schemaNames(schemas), columns: [] };

  test("an empty kind in discovery is one of the resource's own group and version", () => {
    const row = coreResource({ group: "", version: "v1" }, discovered, { ...options, keptSubresources: ["log"] });
    expect(row).toEqual({
      group: "",
      version: "v1",
      kind: "Pod",
      resource: "pods",
      singular: "pod",
      namespaced: true,
      verbs: ["get"],
      shortNames: [],
      categories: [],
      schema: "core.Pod",
      columns: [],
      subresources: [{ name: "log", group: "", version: "v1", kind: "Pod", verbs: ["get"], schema: "core.Pod" }],
    });
  });

  test("a subresource the server does not have is an error", () => {
    const row = () =>
      coreResource({ group: "", version: "v1" }, discovered, { ...options, keptSubresources: ["bind"] });
    expect(row).toThrow("no subresource bind of pods");
  });
});
