import { describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../json.ts";
import { dig } from "../json.ts";
import type { OpenApiResource } from "./document.ts";
import { openApiV2 } from "./v2.ts";
import { openApiHash, openApiV3, openApiV3Index, openApiV3Path } from "./v3.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const pullRequests: OpenApiResource = {
  group: "forge.krate.a5c.ai",
  version: "v1alpha1",
  kind: "PullRequest",
  plural: "pullrequests",
  namespaced: true,
  verbs,
  hasStatus: true,
  description: "A change somebody proposes.",
  schema: {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          title: { type: "string", description: "Title." },
          port: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
        },
      },
    },
  },
  subresources: [["log", { group: "", version: "v1", kind: "Log", verbs: ["get"] }]],
};
const document = openApiV3([pullRequests], { version: "1.0" });
const root = "/apis/forge.krate.a5c.ai/v1alpha1";
const item = `${root}/namespaces/{namespace}/pullrequests/{name}`;
const name = "ai.a5c.krate.forge.v1alpha1.PullRequest";

function parameterNames(operation: unknown): unknown[] {
  return (dig(operation, "parameters") as JsonObject[]).map((parameter) => parameter.name);
}

describe("openApiV3", () => {
  it("has the paths of a namespaced resource, its status and subresources", () => {
    expect(Object.keys(document.paths as JsonObject).sort()).toEqual(
      [
        `${root}/namespaces/{namespace}/pullrequests`,
        item,
        `${item}/log`,
        `${item}/status`,
        `${root}/pullrequests`,
      ].sort(),
    );
  });

  it("says of each operation which kind it is about and what it does", () => {
    const patch = dig(document.paths, item, "patch");
    expect(patch).toMatchObject({
      operationId: "patchForgeKrateA5cAiV1alpha1NamespacedPullRequest",
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": { group: "forge.krate.a5c.ai", version: "v1alpha1", kind: "PullRequest" },
    });
    expect(parameterNames(patch)).toEqual(["dryRun", "fieldManager", "fieldValidation", "force"]);
    expect(dig(document.paths, `${root}/pullrequests`, "get", "operationId")).toBe(
      "listForgeKrateA5cAiV1alpha1PullRequestForAllNamespaces",
    );
  });

  it("names schemas as Kubernetes does and gives them the fields of every resource", () => {
    const schemas = dig(document, "components", "schemas") as JsonObject;
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining([name, `${name}List`, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]),
    );
    expect(schemas[name]).toMatchObject({
      description: "A change somebody proposes.",
      properties: {
        metadata: { allOf: [{ $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" }] },
      },
      "x-kubernetes-group-version-kind": [{ group: "forge.krate.a5c.ai", version: "v1alpha1", kind: "PullRequest" }],
    });
  });

  it("has no reference without a target", () => {
    const text = JSON.stringify(document);
    const schemas = dig(document, "components", "schemas") as JsonObject;
    for (const [, target] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(schemas).toHaveProperty([target as string]);
  });

  it("keeps names of given definitions and leaves out what nobody refers to", () => {
    const pod = { type: "object", properties: { spec: { $ref: "#/components/schemas/io.k8s.api.core.v1.PodSpec" } } };
    const definitions = {
      "io.k8s.api.core.v1.Pod": pod,
      "io.k8s.api.core.v1.PodSpec": { type: "object" },
      "io.k8s.api.core.v1.Other": {},
    };
    const core = openApiV3(
      [{ group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true, verbs: ["get"], schema: pod }],
      { version: "1", definitions },
    );
    const names = Object.keys(dig(core, "components", "schemas") as JsonObject);
    expect(names).toEqual(expect.arrayContaining(["io.k8s.api.core.v1.Pod", "io.k8s.api.core.v1.PodSpec"]));
    expect(names).not.toContain("io.k8s.api.core.v1.Other");
  });

  it("is indexed by hash", () => {
    const path = openApiV3Path("forge.krate.a5c.ai", "v1alpha1");
    expect(openApiV3Index([[path, openApiHash("x").slice(0, 4)]])).toEqual({
      paths: {
        "apis/forge.krate.a5c.ai/v1alpha1": {
          serverRelativeURL: "/openapi/v3/apis/forge.krate.a5c.ai/v1alpha1?hash=A4AB",
        },
      },
    });
  });
});

describe("openApiV2", () => {
  it("says in v2 what v2 can say", () => {
    const v2 = openApiV2([pullRequests], { version: "1.0" });
    const spec = dig(v2, "definitions", name, "properties");
    expect(dig(spec, "metadata", "$ref")).toBe("#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    expect(dig(spec, "spec", "properties", "port")).toEqual({ "x-kubernetes-int-or-string": true });
    expect(dig(v2, "paths", item, "patch", "consumes")).toContain("application/apply-patch+yaml");
    expect(JSON.stringify(v2)).not.toContain("#/components/");
  });
});
