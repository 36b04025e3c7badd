/** Strategic merge patches of a Deployment beside a real kube-apiserver. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { skipWithout, withControlPlane } from "@krate/testing";
import type { JsonObject, JsonValue } from "../json.ts";
import { dig, isObject } from "../json.ts";
import { applyStrategicMergePatch } from "../patch/index.ts";
import type { CompiledSchema } from "../schema/index.ts";
import { compileSchema } from "../schema/index.ts";
import type { Definitions, Schema } from "../schema/types.ts";
import { referenceServer } from "./kube-apiserver.ts";

const namespace = `smp-${randomBytes(4).toString("hex")}`;
const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;

const container = (name: string, more: JsonObject = {}): JsonObject => ({ name, image: `${name}:1`, ...more });
const deployment: JsonObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d", labels: { a: "1", b: "2" }, finalizers: ["x.io/a", "x.io/b"] },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "x" } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: { labels: { app: "x" } },
      spec: {
        containers: [
          container("one", {
            args: ["a", "b"],
            env: [
              { name: "A", value: "1" },
              { name: "B", value: "2" },
            ],
            ports: [{ containerPort: 80 }, { containerPort: 81 }],
          }),
          container("two"),
          container("three"),
        ],
        volumes: [{ name: "v", emptyDir: {} }],
        tolerations: [{ key: "k", operator: "Exists" }],
        nodeSelector: { zone: "z" },
      },
    },
  },
};

const inPod = (spec: JsonObject): JsonObject => ({ spec: { template: { spec } } });
const patches: Record<string, JsonObject> = {
  "a container's image": inPod({ containers: [{ name: "two", image: "two:2" }] }),
  "a new container goes first": inPod({ containers: [container("four")] }),
  "a container is deleted": inPod({ containers: [{ name: "two", $patch: "delete" }] }),
  "containers are replaced": inPod({ containers: [container("only"), { $patch: "replace" }] }),
  "order by $setElementOrder, as kubectl apply sends it": inPod({
    "$setElementOrder/containers": [{ name: "three" }, { name: "one" }],
    containers: [{ name: "three", image: "three:2" }],
  }),
  "environment by name": inPod({
    containers: [
      {
        name: "one",
        env: [
          { name: "B", value: "9" },
          { name: "C", value: "3" },
        ],
      },
    ],
  }),
  "an environment variable is deleted": inPod({
    containers: [{ name: "one", env: [{ name: "A", $patch: "delete" }] }],
  }),
  "ports by number": inPod({
    containers: [{ name: "one", ports: [{ containerPort: 81, name: "b" }, { containerPort: 82 }] }],
  }),
  "args as a whole": inPod({ containers: [{ name: "one", args: ["c"] }] }),
  "nulls remove": { metadata: { labels: { a: null } }, ...inPod({ nodeSelector: null, tolerations: null }) },
  "a list without strategy is replaced": inPod({ tolerations: [{ key: "other", operator: "Exists" }] }),
  "finalizers merge": { metadata: { finalizers: ["x.io/c"] } },
  "finalizers are deleted": { metadata: { "$deleteFromPrimitiveList/finalizers": ["x.io/a"] } },
  "finalizers are ordered": { metadata: { "$setElementOrder/finalizers": ["x.io/b", "x.io/a"] } },
  "the strategy keeps only what is named": { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } },
  "labels are replaced": { metadata: { labels: { $patch: "replace", c: "3" } } },
  "a volume changes its source": inPod({
    volumes: [{ name: "v", emptyDir: null, secret: { secretName: "s" }, $retainKeys: ["name", "secret"] }],
  }),
};

skipWithout("envtest")("strategic merge patch beside kube-apiserver", () => {
  const controlPlane = withControlPlane();
  let send: ReturnType<typeof referenceServer>;
  let compiled: CompiledSchema;
  let live: JsonObject;

  beforeAll(async () => {
    send = referenceServer(controlPlane());
    await send({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: namespace } } });
    live = (await send({ method: "POST", path, body: deployment })).body;
    const document = await send({ method: "GET", path: "/openapi/v3/apis/apps/v1" });
    const definitions = dig(document.body, "components", "schemas") as unknown as Definitions;
    compiled = compileSchema(definitions["io.k8s.api.apps.v1.Deployment"] as Schema, definitions);
  }, 60_000);

  afterAll(async () => {
    const free = { metadata: { finalizers: null } };
    await send?.({ method: "PATCH", path: `${path}/d`, body: free, contentType: "application/merge-patch+json" });
    await send?.({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
  });

  test.each(Object.entries(patches))("%s", async (_title, patch) => {
    const there = await send({
      method: "PATCH",
      path: `${path}/d?dryRun=All`,
      body: patch,
      contentType: "application/strategic-merge-patch+json",
    });
    expect([there.code, there.body.message]).toEqual([200, undefined]);
    expect(comparable(applyStrategicMergePatch(live, patch, compiled.schema))).toEqual(comparable(there.body));
  });
});

/** What the patches touch; defaults of new containers are the server's business. */
function comparable(object: JsonObject): JsonObject {
  const pod = dig(object, "spec", "template", "spec");
  const list = (of: JsonValue | undefined, key: string) =>
    (isObject(of) && Array.isArray(of[key]) ? of[key] : []) as JsonObject[];
  return {
    labels: dig(object, "metadata", "labels") ?? null,
    finalizers: dig(object, "metadata", "finalizers") ?? null,
    strategy: dig(object, "spec", "strategy", "type") ?? null,
    rollingUpdate: dig(object, "spec", "strategy", "rollingUpdate") ?? null,
    containers: list(pod, "containers").map((each) => ({
      name: each.name ?? null,
      image: each.image ?? null,
      args: each.args ?? null,
      env: each.env ?? null,
      ports: list(each, "ports").map(({ containerPort, name }) => [containerPort ?? null, name ?? null]),
    })),
    volumes: list(pod, "volumes").map((volume) => Object.keys(volume).sort()),
    tolerations: dig(pod, "tolerations") ?? null,
    nodeSelector: dig(pod, "nodeSelector") ?? null,
  };
}
