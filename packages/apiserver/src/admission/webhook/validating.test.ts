import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { createMetrics } from "@krate/telemetry/metrics";
import { eventually } from "@krate/testing";
import { type Cluster, cluster, mergePatch } from "../../testing/cluster.ts";
import { fixture, widget, widgetPath } from "../../testing/fixture.ts";
import { type WebhookServer, webhookServer } from "../../testing/webhook-server.ts";
import { admissionMetrics } from "../metrics.ts";
import { webhookClient } from "./client.ts";
import { validatingWebhooks } from "./validating.ts";

// A whole server per file.
jest.setTimeout(60_000);

const admission = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
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
  name = `h${++serial}`;
  webhook.answer(() => ({ allowed: true }));
});

const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] };

/** One webhook about ConfigMaps labelled with this test's name. */
const entry = (more: JsonObject = {}): JsonObject => ({
  name: `${name}.example.com`,
  clientConfig: { url: webhook.url(`/${name}`), caBundle: webhook.caBundle },
  rules: [rule],
  objectSelector: { matchLabels: { test: name } },
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  ...more,
});

async function configure(...webhooks: JsonObject[]): Promise<void> {
  const { status, json } = await server.send({
    method: "POST",
    url: admission,
    body: { metadata: { name }, webhooks },
  });
  expect({ status, message: json["message"] }).toEqual({ status: 201, message: undefined });
}

const create = (more: JsonObject = {}, query = "?dryRun=All", user?: string) =>
  server.send({
    method: "POST",
    url: `${maps}${query}`,
    ...(user !== undefined && { user }),
    body: { metadata: { name: `${name}-map`, labels: { test: name } }, ...more },
  });

/** The configuration is followed within moments: asks until the webhook refuses. */
const refused = () =>
  eventually(async () => {
    const answer = await create();
    return answer.status >= 400 ? answer : undefined;
  });

test("a refusal is told in the webhook's words, with its code and reason", async () => {
  webhook.answer(() => ({ allowed: false, status: { message: "no, thank you", reason: "Teapot", code: 418 } }));
  await configure(entry());
  const { status, json } = await refused();
  expect({ status, json }).toEqual({
    status: 418,
    json: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: `admission webhook "${name}.example.com" denied the request: no, thank you`,
      reason: "Teapot",
      code: 418,
    },
  });
  webhook.answer(() => ({ allowed: false }));
  expect((await create()).json).toEqual({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `admission webhook "${name}.example.com" denied the request without explanation`,
    code: 400,
  });
});

test("the review says who wants what", async () => {
  webhook.answer(() => ({ allowed: false }));
  await configure(entry());
  await refused();
  webhook.requests.length = 0;
  await create({ data: { a: "1" } }, "?dryRun=All&fieldManager=me", "ada,system:masters");
  const [request] = webhook.requests;
  const kind = { group: "", version: "v1", kind: "ConfigMap" };
  const resource = { group: "", version: "v1", resource: "configmaps" };
  expect(request).toEqual({
    uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    name: `${name}-map`,
    namespace: "default",
    operation: "CREATE",
    userInfo: { username: "ada", groups: expect.arrayContaining(["system:masters"]) },
    object: expect.objectContaining({ kind: "ConfigMap", data: { a: "1" } }),
    oldObject: null,
    dryRun: true,
    options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions", dryRun: ["All"], fieldManager: "me" },
  });
});

test("a refusal for a conflict is final", async () => {
  await create({}, "");
  webhook.answer(() => ({ allowed: false, status: { reason: "Conflict", code: 409 } }));
  await configure(entry());
  const patch = () =>
    server.send({ method: "PATCH", url: `${maps}/${name}-map`, headers: mergePatch, body: { data: { a: "1" } } });
  await refused();
  webhook.requests.length = 0;
  expect((await patch()).status).toBe(409);
  expect(webhook.requests).toHaveLength(1);
});

test("calls and refusals are counted", async () => {
  webhook.answer(() => ({ allowed: false, status: { code: 418 } }));
  await configure(entry());
  await refused();
  const { text } = await server.send({ url: "/metrics" });
  const about = text
    .split("\n")
    .filter((line) => line.includes(`name="${name}.example.com"`) && !line.includes("_bucket"));
  const labels = `name="${name}.example.com",type="validating",operation="CREATE"`;
  expect(about.map((line) => line.replace(/component="[^"]*",?/, "").replace(/,?\} [\d.e-]+$/, "}"))).toEqual(
    expect.arrayContaining([
      `apiserver_admission_webhook_rejection_count{${labels},error_type="no_error",rejection_code="418"}`,
      `apiserver_admission_webhook_request_total{${labels},code="418",rejected="true"}`,
      `apiserver_admission_webhook_admission_duration_seconds_count{${labels},rejected="true"}`,
    ]),
  );
});

test("warnings and deletes", async () => {
  webhook.answer(({ operation }) => ({ allowed: operation === "CREATE", warnings: ["mind the gap"] }));
  await configure(entry());
  const { headers } = await eventually(async () => {
    const answer = await create({}, "");
    return answer.headers["warning"] === undefined ? undefined : answer;
  });
  expect(headers["warning"]).toEqual(['299 - "mind the gap"']);
  webhook.requests.length = 0;
  const removal = await server.send({ method: "DELETE", url: `${maps}/${name}-map?propagationPolicy=Background` });
  expect(removal.status).toBe(400);
  expect(webhook.requests).toEqual([
    expect.objectContaining({
      operation: "DELETE",
      object: null,
      oldObject: expect.objectContaining({ kind: "ConfigMap" }),
      options: { apiVersion: "meta.k8s.io/v1", kind: "DeleteOptions", propagationPolicy: "Background" },
    }),
  ]);
  const all = await server.send({ method: "DELETE", url: `${maps}?labelSelector=test%3D${name}` });
  expect(all.status).toBe(400);
  webhook.answer(() => ({ allowed: true }));
  expect((await server.send({ method: "DELETE", url: `${maps}?labelSelector=test%3D${name}` })).status).toBe(200);
});

test("of several webhooks all are asked, and the first that refuses is told", async () => {
  webhook.answer((_request, path) => ({ allowed: path === "/yes", status: { message: path } }));
  const at = (path: string) => ({
    name: `${path}.${name}.example.com`,
    clientConfig: { url: webhook.url(`/${path}`), caBundle: webhook.caBundle },
  });
  await configure(entry(at("yes")), entry(at("b")), entry(at("a")));
  webhook.requests.length = 0;
  const { json } = await refused();
  expect(json["message"]).toBe(`admission webhook "b.${name}.example.com" denied the request: /b`);
  expect(webhook.requests).toHaveLength(3);
});

describe("whom it is asked about", () => {
  test("match conditions", async () => {
    webhook.answer(() => ({ allowed: false }));
    await configure(
      entry({ matchConditions: [{ name: "people", expression: "request.userInfo.username != 'robot'" }] }),
    );
    await refused();
    expect((await create({}, "?dryRun=All", "robot,system:masters")).status).toBe(201);
  });

  test("a match condition that fails refuses, unless failures are ignored", async () => {
    webhook.answer(() => ({ allowed: false }));
    await configure(entry({ matchConditions: [{ name: "broken", expression: "object.data.missing == 'x'" }] }));
    expect((await refused()).json).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message: `configmaps "${name}-map" is forbidden: expression 'object.data.missing == 'x'' resulted in error: no such key: data`,
    });
    await server.send({
      method: "PATCH",
      url: `${admission}/${name}`,
      headers: { "content-type": "application/json-patch+json" },
      body: [{ op: "add", path: "/webhooks/0/failurePolicy", value: "Ignore" }],
    });
    await eventually(async () => (await create()).status === 201);
  });

  test("namespaces by label", async () => {
    webhook.answer(() => ({ allowed: false }));
    await configure(
      entry({ namespaceSelector: { matchLabels: { guarded: "yes" } } }),
      entry({ name: "x.example.com" }),
    );
    await refused();
    await server.send({
      method: "PATCH",
      url: "/api/v1/namespaces/default",
      headers: mergePatch,
      body: { metadata: { labels: { guarded: "no" } } },
    });
    webhook.requests.length = 0;
    await refused();
    expect(webhook.requests).toHaveLength(1);
  });

  test("never the configurations themselves", async () => {
    webhook.answer(() => ({ allowed: false }));
    await configure(entry(), {
      ...entry({
        name: "all.example.com",
        rules: [{ ...rule, apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }],
      }),
    });
    await refused();
    expect((await server.send({ method: "DELETE", url: `${admission}/${name}` })).status).toBe(200);
  });
});

test("in a dry run a webhook with side effects is not asked: the request is refused", async () => {
  const configuration = {
    metadata: { name: "old" },
    webhooks: [
      {
        ...entry({ sideEffects: "Some", objectSelector: {} }),
        rules: [{ ...rule, apiGroups: ["*"], resources: ["*"] }],
      },
    ],
  };
  const client = webhookClient();
  const admission = [validatingWebhooks({ client, metrics: admissionMetrics(createMetrics({ component: "test" })) })];
  const config = { ...fixture().services.config, list: () => [configuration as JsonObject] };
  const { send } = fixture({ services: { admission, config } });
  const { json } = await send({ method: "POST", url: `${widgetPath}?dryRun=All`, body: widget("a") });
  expect(json).toMatchObject({
    code: 400,
    message: `admission webhook "${name}.example.com" does not support dry run`,
  });
  expect((await send({ method: "POST", url: widgetPath, body: widget("a") })).status).toBe(201);
  client.close();
});
