/** Server-side apply and managedFields, step by step beside a real kube-apiserver. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { parse } from "yaml";
import type { JsonObject } from "../json.ts";
import { dig } from "../json.ts";
import { compileSchema } from "../schema/index.ts";
import type { Schema } from "../schema/types.ts";
import { referenceServer } from "./kube-apiserver.ts";
import type { Step } from "./model-server.ts";
import { comparable, ModelServer } from "./model-server.ts";

const unique = randomBytes(4).toString("hex");
const group = `ssa-${unique}.krate.test`;
const apiVersion = `${group}/v1`;
const kind = "Widget";

const spec = parse(`
type: object
properties:
  title: {type: string, minLength: 1}
  count: {type: integer, default: 3, maximum: 9}
  port: {x-kubernetes-int-or-string: true}
  labels: {type: object, additionalProperties: {type: string}}
  atomicMap: {type: object, x-kubernetes-map-type: atomic, additionalProperties: {type: string}}
  tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
  plain: {type: array, items: {type: string}}
  steps:
    type: array
    x-kubernetes-list-type: map
    x-kubernetes-list-map-keys: [name]
    items:
      type: object
      required: [name]
      properties:
        name: {type: string}
        run: {type: string}
        env: {type: object, additionalProperties: {type: string}}
        retries: {type: integer, default: 1}
  ports:
    type: array
    x-kubernetes-list-type: map
    x-kubernetes-list-map-keys: [port, protocol]
    items:
      type: object
      required: [port]
      properties: {port: {type: integer}, protocol: {type: string, default: TCP}, name: {type: string}}
  nested:
    type: object
    properties: {a: {type: string}, b: {type: object, properties: {c: {type: string}, d: {type: integer}}}}
  free: {type: object, x-kubernetes-preserve-unknown-fields: true}
  maybe: {type: string, nullable: true}
`) as Schema;
const schema: Schema = {
  type: "object",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec,
    status: {
      type: "object",
      properties: {
        phase: { type: "string" },
        conditions: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["type"],
          items: {
            type: "object",
            required: ["type", "status"],
            properties: { type: { type: "string" }, status: { type: "string" } },
          },
        },
      },
    },
  },
};
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { kind, plural: "widgets" },
    versions: [
      { name: "v1", served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
    ],
  },
};

function widget(body: JsonObject, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion,
    kind,
    metadata: { name: "w", ...metadata },
    ...(body.status || body.spec ? body : { spec: body }),
  };
}
const apply = (manager: string, body: JsonObject, more: Partial<Step> = {}): Step => ({
  verb: "apply",
  manager,
  body: widget(body),
  ...more,
});
const steps = (...names: string[]) => names.map((name) => ({ name, run: name }));

const scenarios: Record<string, Step[]> = {
  "one applier creates, changes and removes": [
    apply("a", { title: "one", nested: { a: "x", b: { c: "y" } }, labels: { p: "1", q: "2" } }),
    apply("a", { title: "two", nested: { b: { c: "y", d: 1 } }, labels: { p: "1" } }),
    apply("a", { title: "two", nested: { b: { c: "y", d: 1 } }, labels: { p: "1" } }),
    apply("a", { title: "two" }),
    apply("a", {}),
  ],
  "two appliers conflict, force, share and let go": [
    apply("a", { title: "one", count: 4 }),
    apply("b", { title: "other" }),
    apply("b", { title: "other", count: 4 }),
    apply("b", { title: "other", count: 5 }, { force: true }),
    apply("a", { title: "one" }),
    apply("a", { title: "other" }),
    apply("b", { count: 5 }),
    apply("a", {}),
  ],
  "an update takes fields from an applier, who then conflicts": [
    apply("a", { title: "one", labels: { p: "1" } }),
    { verb: "merge", manager: "m", body: { spec: { title: "patched", labels: { r: "3" } } } },
    apply("a", { title: "one", labels: { p: "1" } }),
    apply("a", { title: "one", labels: { p: "1" } }, { force: true }),
    { verb: "merge", manager: "m", body: { spec: { title: null } } },
    { verb: "json", manager: "j", body: [{ op: "add", path: "/spec/labels/p", value: "9" }] },
    apply("a", { title: "one", labels: {} }),
  ],
  "lists merge by key, sets by value, others whole": [
    apply("a", { steps: steps("x", "y"), tags: ["t", "u"], plain: ["1", "2"], ports: [{ port: 80 }] }),
    apply("b", { steps: steps("z"), tags: ["v"], ports: [{ port: 80, protocol: "UDP", name: "dns" }] }),
    apply("b", { plain: ["1"] }),
    apply("b", { plain: ["1"], steps: [{ name: "x", run: "other" }] }),
    apply("a", { steps: steps("y", "x"), tags: ["u"], plain: ["1", "2"], ports: [{ port: 80, name: "http" }] }),
    apply("b", { steps: steps("w", "z"), tags: ["v"] }),
    apply("a", { steps: steps("y") }),
    {
      verb: "merge",
      manager: "m",
      body: { spec: { steps: [{ name: "y", run: "y", env: { A: "1" } }, { name: "n" }] } },
    },
    apply("a", { steps: steps("y") }),
  ],
  "nested maps of list items and defaults": [
    apply("a", { steps: [{ name: "x", env: { A: "1" } }] }),
    apply("b", { steps: [{ name: "x", env: { B: "2" }, retries: 5 }] }),
    apply("b", { steps: [{ name: "x", env: { B: "2" }, retries: 5 }] }, { force: true }),
    apply("a", { steps: [{ name: "x" }] }),
    apply("b", { steps: [] }),
  ],
  "atomic maps, preserved fields, int-or-string, null": [
    apply("a", { atomicMap: { a: "1" }, free: { x: { y: [1, { z: 2 }] }, e: {} }, port: "http", maybe: null }),
    apply("b", { atomicMap: { b: "1" } }),
    apply("b", { free: { x: { w: 1 } }, port: 80 }),
    apply("b", { free: { x: { w: 1 } }, port: 80 }, { force: true }),
    apply("a", { free: { x: { y: [1] } } }),
    apply("a", { free: {} }),
  ],
  "status has its own entries": [
    { verb: "create", manager: "c", body: widget({ title: "t" }) },
    {
      verb: "merge",
      manager: "ctl",
      subresource: "status",
      body: { status: { phase: "Open" }, spec: { title: "no" } },
    },
    {
      verb: "apply",
      manager: "ctl",
      subresource: "status",
      body: widget({ status: { conditions: [{ type: "Ready", status: "True" }] } }),
    },
    {
      verb: "apply",
      manager: "ctl2",
      subresource: "status",
      body: widget({ status: { conditions: [{ type: "Ready", status: "False" }] } }),
    },
    {
      verb: "apply",
      manager: "ctl2",
      subresource: "status",
      body: widget({ status: { conditions: [{ type: "Done", status: "False" }] } }),
    },
    { verb: "apply", manager: "ctl", subresource: "status", body: widget({ status: {} }) },
    apply("a", { spec: { title: "t" }, status: { phase: "Closed" } }),
    {
      verb: "update",
      manager: "u",
      subresource: "status",
      body: widget({ spec: { title: "x" }, status: { phase: "Done" } }),
    },
  ],
  // The garbage collector leaves objects alone whose owner is of a kind nobody serves.
  "metadata: labels, annotations, finalizers, owners": [
    {
      verb: "apply",
      manager: "a",
      body: widget({ title: "t" }, { labels: { l: "1" }, annotations: { x: "y" }, finalizers: ["a.b/c"] }),
    },
    { verb: "merge", manager: "kubectl-label", body: { metadata: { labels: { m: "2", l: "3" } } } },
    { verb: "apply", manager: "a", body: widget({ title: "t" }, { labels: { l: "1" } }) },
    { verb: "apply", manager: "a", force: true, body: widget({ title: "t" }, { labels: { l: "1" } }) },
    {
      verb: "merge",
      manager: "u",
      body: {
        metadata: { ownerReferences: [{ apiVersion: "unknown.krate.test/v1", kind: "Owner", name: "p", uid: "p1" }] },
      },
    },
    {
      verb: "apply",
      manager: "b",
      body: widget(
        {},
        { ownerReferences: [{ apiVersion: "unknown.krate.test/v1", kind: "Owner", name: "q", uid: "q1" }] },
      ),
    },
  ],
  "create and update without apply": [
    {
      verb: "create",
      manager: "c",
      body: widget(
        { title: "t", steps: steps("x"), labels: { a: "b" }, nested: { b: { d: 1 } } },
        { labels: { l: "1" } },
      ),
    },
    { verb: "update", manager: "c", body: widget({ title: "u", steps: steps("y") }, { labels: { l: "2" } }) },
    { verb: "update", manager: "d", body: widget({ title: "u", steps: steps("y"), plain: ["z"] }) },
    { verb: "update", manager: "d", body: widget({ title: "u", steps: steps("y"), plain: ["z"] }) },
    apply("a", { title: "v" }),
    apply("a", { title: "u" }),
  ],
  "tracking can be reset": [
    { verb: "create", manager: "c", body: widget({ title: "t" }) },
    { verb: "merge", manager: "m", body: { metadata: { managedFields: [{}] } } },
    { verb: "merge", manager: "m", body: { spec: { title: "u" } } },
    apply("a", { title: "u", count: 5 }, { force: true }),
    { verb: "json", manager: "m", body: [{ op: "replace", path: "/metadata/managedFields", value: [] }] },
  ],
  "what is not a configuration is refused": [
    { verb: "apply", manager: "a", body: { ...widget({ title: "t" }), apiVersion: `${group}/v2` } },
    { verb: "apply", manager: "a", body: widget({ title: "t" }, { managedFields: [{ manager: "x" }] }) },
    apply("a", { steps: [{ name: "x" }, { name: "x" }] }),
    apply("a", { tags: ["x", "x"] }),
    apply("a", { title: "" }),
  ],
  "kubectl moves from client-side to server-side apply": [
    {
      verb: "create",
      manager: "kubectl-client-side-apply",
      body: widget(
        { title: "t", count: 4 },
        {
          annotations: {
            "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(widget({ title: "t", count: 4 })),
          },
        },
      ),
    },
    apply("kubectl", { title: "new", count: 4 }),
    { verb: "merge", manager: "m", body: { spec: { count: 7 } } },
    apply("kubectl", { title: "newer", count: 4 }),
    apply("other", { title: "no" }),
  ],
};

skipWithout("envtest")("managedFields beside kube-apiserver", () => {
  const controlPlane = withControlPlane();
  const namespace = `ssa-${unique}`;
  const collection = `/apis/${group}/v1/namespaces/${namespace}/widgets`;

  beforeAll(async () => {
    const send = referenceServer(controlPlane());
    await send({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: namespace } } });
    await send({ method: "POST", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body: definition });
    await eventually(async () => (await send({ method: "GET", path: collection })).code === 200, {
      timeoutSeconds: 20,
      description: "the CRD",
    });
    await eventually(async () => (await send({ method: "GET", path: `/openapi/v3/apis/${group}/v1` })).code === 200, {
      timeoutSeconds: 20,
      description: "the CRD's schema",
    });
  }, 60_000);

  afterAll(async () => {
    const send = referenceServer(controlPlane());
    await send({ method: "DELETE", path: `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.${group}` });
    await send({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
  });

  test.each(Object.entries(scenarios))("%s", async (title, scenario) => {
    const send = referenceServer(controlPlane());
    const name = title.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
    const model = new ModelServer({ schema: compileSchema(schema), apiVersion, kind, name, namespace });
    for (const [index, step] of scenario.entries()) {
      const named = withName(step, name);
      const there = await send(
        requestOf(
          await withRevision(named, () => send({ method: "GET", path: `${collection}/${name}` })),
          collection,
          name,
        ),
      );
      const here = model.send(named);
      const at = { step: index, code: there.code };
      expect({ ...at, ...outcome(here.code, here.body, model) }).toEqual({
        ...at,
        ...outcome(there.code, there.body, undefined),
      });
    }
  });
});

function withName(step: Step, name: string): Step {
  if (Array.isArray(step.body) || dig(step.body, "metadata", "name") === undefined) return step;
  const text = JSON.stringify(step.body).replaceAll('"name":"w"', `"name":"${name}"`);
  return { ...step, body: JSON.parse(text) as unknown };
}

/** A PUT names the revision it replaces. */
async function withRevision(step: Step, get: () => Promise<{ body: JsonObject }>): Promise<Step> {
  if (step.verb !== "update") return step;
  const resourceVersion = dig((await get()).body, "metadata", "resourceVersion");
  const body = step.body as JsonObject;
  return { ...step, body: { ...body, metadata: { ...(body.metadata as JsonObject), resourceVersion } } };
}

const contentTypes = {
  create: "application/json",
  update: "application/json",
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

function requestOf({ verb, body, manager = "tester", force, subresource }: Step, collection: string, name: string) {
  const method = verb === "create" ? "POST" : verb === "update" ? "PUT" : "PATCH";
  const query = `?fieldManager=${manager}${force ? "&force=true" : ""}`;
  const item = verb === "create" ? "" : `/${name}${subresource ? `/${subresource}` : ""}`;
  return { method, path: `${collection}${item}${query}`, body, contentType: contentTypes[verb] };
}

/** On success the whole object; on failure what a client can act on. */
function outcome(code: number, body: JsonObject, _model: ModelServer | undefined): JsonObject {
  if (code < 300) return { object: comparable(body) as JsonObject };
  if (code === 409)
    return {
      message: String(body.message).replaceAll(/ at \d{4}-[^:\s]+:\d\d:\d\dZ/g, ""),
      causes: dig(body, "details", "causes"),
    };
  return { failed: code >= 500 ? "refused" : "refused" };
}
