import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { JsonObject, JsonValue } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import { type Cluster, cluster } from "../../testing/cluster.ts";
import { type WebhookServer, webhookServer } from "../../testing/webhook-server.ts";

// A whole server per file.
jest.setTimeout(60_000);

const admission = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const maps = "/api/v1/namespaces/default/configmaps";
let server: Cluster;
let webhook: WebhookServer;
let serial = 0;
let name = "";

beforeAll(async () => {
  server = await cluster();
  webhook = await webhookServer();
});
afterAll(async () => {
  await server.stop();
  await webhook.stop();
});
beforeEach(() => {
  name = `m${++serial}`;
});

const patchOf = (patch: JsonValue): JsonObject => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
});
const mark = (value: string): JsonObject =>
  patchOf([{ op: "add", path: "/metadata/annotations", value: { mark: value } }]);

async function configure(...webhooks: JsonObject[]): Promise<void> {
  const common = {
    name: `${name}.example.com`,
    clientConfig: { url: webhook.url("/one"), caBundle: webhook.caBundle },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] }],
    objectSelector: { matchLabels: { test: name } },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const body = { metadata: { name }, webhooks: webhooks.map((each) => ({ ...common, ...each })) };
  const { status, json } = await server.send({ method: "POST", url: admission, body });
  expect({ status, message: json["message"] }).toEqual({ status: 201, message: undefined });
}

const body = (more: JsonObject = {}) => ({ metadata: { name: `${name}-map`, labels: { test: name } }, ...more });
const create = (query = "?dryRun=All", more: JsonObject = {}) =>
  server.send({ method: "POST", url: `${maps}${query}`, body: body(more) });

/** The configuration is followed within moments: asks until the webhook was. */
async function known(): Promise<void> {
  await eventually(async () => {
    webhook.requests.length = 0;
    await create();
    return webhook.requests.length > 0;
  });
  webhook.requests.length = 0;
}

test("a patch changes the object, in the order of the webhooks; who set the fields is not recorded", async () => {
  webhook.answer(({ object }, path) => {
    const { data } = object as { data?: JsonObject };
    return patchOf([
      { op: "add", path: "/data", value: { ...data, [path.slice(1)]: String(Object.keys(data ?? {}).length) } },
    ]);
  });
  await configure(
    {},
    { name: "second.example.com", clientConfig: { url: webhook.url("/two"), caBundle: webhook.caBundle } },
  );
  await known();
  const { json, status } = await create("?fieldManager=me");
  expect({ status, data: json["data"] }).toEqual({ status: 201, data: { one: "0", two: "1" } });
  const { managedFields } = json["metadata"] as { managedFields: JsonObject[] };
  expect(JSON.stringify(managedFields)).not.toContain("f:data");
  const stored = await server.send({ url: `${maps}/${name}-map` });
  expect(stored.json["data"]).toEqual({ one: "0", two: "1" });
});

test("a webhook that asks for it sees once more what those after it did", async () => {
  webhook.answer((_request, path) => (path === "/one" ? { allowed: true } : mark("two")));
  await configure(
    { reinvocationPolicy: "IfNeeded" },
    { name: "second.example.com", clientConfig: { url: webhook.url("/two"), caBundle: webhook.caBundle } },
  );
  await known();
  await create();
  const marks = webhook.requests.map(({ object }) => {
    const { metadata } = object as { metadata: { annotations?: JsonObject } };
    return metadata.annotations?.["mark"];
  });
  expect(marks).toEqual([undefined, undefined, "two"]);
});

describe("patches that cannot be", () => {
  const cases: { reason: string; answer: JsonObject; code: number; message: string }[] = [
    {
      reason: "does not fit",
      answer: patchOf([{ op: "remove", path: "/data/missing" }]),
      code: 500,
      message: "Internal error occurred: ",
    },
    {
      reason: "is no list",
      answer: patchOf({ op: "remove" }),
      code: 500,
      message: 'failed calling webhook "NAME.example.com": received undecodable patch in webhook response: ',
    },
    {
      reason: "is not JSON",
      answer: { ...patchOf([]), patch: Buffer.from("[{").toString("base64") },
      code: 500,
      message: 'failed calling webhook "NAME.example.com": received undecodable patch in webhook response: ',
    },
    {
      reason: "is of an unknown type",
      answer: { ...patchOf([{ op: "add", path: "/data", value: {} }]), patchType: "Strange" },
      code: 500,
      message: 'failed calling webhook "NAME.example.com": unsupported patch type "Strange"',
    },
    {
      reason: "has no type",
      answer: { allowed: true, patch: "W10=" },
      code: 500,
      message:
        'failed calling webhook "NAME.example.com": received invalid webhook response: webhook returned response.patch but not response.patchType',
    },
    {
      reason: "has a type and no patch",
      answer: { allowed: true, patchType: "JSONPatch" },
      code: 500,
      message:
        'failed calling webhook "NAME.example.com": received invalid webhook response: webhook returned response.patchType but not response.patch',
    },
    {
      reason: "makes another kind",
      answer: patchOf([{ op: "replace", path: "/kind", value: "Secret" }]),
      code: 422,
      message: "kind: Invalid value",
    },
    {
      reason: "moves it to another namespace",
      answer: patchOf([{ op: "replace", path: "/metadata/namespace", value: "kube-system" }]),
      code: 400,
      message: "the namespace of the provided object does not match the namespace sent on the request",
    },
    {
      reason: "takes the metadata away",
      answer: patchOf([{ op: "remove", path: "/metadata" }]),
      code: 422,
      message: "metadata.name",
    },
    {
      reason: "makes metadata a number",
      answer: patchOf([{ op: "replace", path: "/metadata", value: 1 }]),
      code: 422,
      message: "metadata.name",
    },
    {
      reason: "reaches for a prototype",
      answer: patchOf([{ op: "add", path: "/__proto__/polluted", value: "yes" }]),
      code: 500,
      message: "Internal error occurred: ",
    },
    {
      reason: "makes the schema fail",
      answer: patchOf([{ op: "add", path: "/data", value: { a: 1 } }]),
      code: 422,
      message: "data.a",
    },
  ];

  test.each(cases)("$reason", async ({ answer, code, message }) => {
    webhook.answer(() => answer);
    await configure({});
    await known();
    const refused = await create();
    expect(refused.json).toMatchObject({
      code,
      message: expect.stringContaining(message.replace("NAME", name)),
    });
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });
});

test("an object that grows too large is refused", async () => {
  const data = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, "x".repeat(100_000)]));
  webhook.answer(() => patchOf([{ op: "add", path: "/data", value: data }]));
  await configure({});
  await known();
  expect((await create("")).json).toMatchObject({ code: 413, reason: "RequestEntityTooLarge" });
});

test("what an update may not change, a webhook may not change either", async () => {
  webhook.answer(() => ({ allowed: true }));
  await configure({});
  await known();
  await create("");
  const { json: before } = await server.send({ url: `${maps}/${name}-map` });
  const update = () =>
    server.send({
      method: "PATCH",
      url: `${maps}/${name}-map`,
      headers: { "content-type": "application/merge-patch+json" },
      body: { data: { a: "1" } },
    });
  webhook.answer(() => patchOf([{ op: "replace", path: "/metadata/name", value: "other" }]));
  expect((await update()).json).toMatchObject({ code: 422, details: { causes: [{ field: "metadata.name" }] } });
  webhook.answer(() => patchOf([{ op: "replace", path: "/metadata/uid", value: "other" }]));
  await update();
  const { json: after } = await server.send({ url: `${maps}/${name}-map` });
  const uidOf = ({ metadata }: JsonObject) => (metadata as JsonObject)["uid"];
  expect(uidOf(after)).toBe(uidOf(before));
});

test("a delete cannot be patched", async () => {
  webhook.answer(({ operation }) => (operation === "DELETE" ? mark("x") : { allowed: true }));
  await configure({});
  await known();
  await create("");
  for (const url of [`${maps}/${name}-map`, `${maps}?labelSelector=test%3D${name}`]) {
    const { json } = await server.send({ method: "DELETE", url });
    expect(json).toMatchObject({
      code: 500,
      message: `Internal error occurred: admission webhook "${name}.example.com" attempted to modify the object, which is not supported for this operation`,
    });
  }
});
