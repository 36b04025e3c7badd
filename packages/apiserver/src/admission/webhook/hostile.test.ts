/** Webhooks that do what none should: the server refuses (or ignores) soon, with bounded memory, and goes on. */
import { createServer as createPlainServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import { type Cluster, cluster } from "../../testing/cluster.ts";
import { type RawHandler, type WebhookServer, webhookServer } from "../../testing/webhook-server.ts";

// A whole server per file.
jest.setTimeout(60_000);

const admission = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const maps = "/api/v1/namespaces/default/configmaps";
let server: Cluster;
let webhook: WebhookServer;
/** Its certificate is for another name. */
let misnamed: WebhookServer;
let plain: Server;
let serial = 0;
let name = "";

const portOf = (listening: { address(): unknown }) => (listening.address() as AddressInfo).port;

beforeAll(async () => {
  [server, webhook, misnamed] = await Promise.all([
    cluster(),
    webhookServer(),
    webhookServer(["elsewhere.example.com"]),
  ]);
  plain = createPlainServer((_request, response) => response.end("{}"));
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await server.stop();
  await webhook.stop();
  await misnamed.stop();
  plain.closeAllConnections();
  plain.close();
});
beforeEach(() => {
  name = `x${++serial}`;
});

async function configure(clientConfig: JsonObject, more: JsonObject = {}): Promise<void> {
  const entry = {
    name: `${name}.example.com`,
    clientConfig,
    rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] }],
    objectSelector: { matchLabels: { test: name } },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    timeoutSeconds: 2,
    ...more,
  };
  const { status, json } = await server.send({
    method: "POST",
    url: admission,
    body: { metadata: { name }, webhooks: [entry] },
  });
  expect({ status, message: json["message"] }).toEqual({ status: 201, message: undefined });
}

const create = () =>
  server.send({
    method: "POST",
    url: `${maps}?dryRun=All`,
    body: { metadata: { name: `${name}-map`, labels: { test: name } } },
  });
const refused = () =>
  eventually(async () => {
    const answer = await create();
    return answer.status >= 400 ? answer : undefined;
  });

const ours = (path: string) => ({ url: webhook.url(path), caBundle: webhook.caBundle });
const chunk = Buffer.alloc(64 * 1024, " ");

/** Says nothing, or something every now and then, until it is closed. */
const dripping =
  (head: boolean): RawHandler =>
  (_request, response) => {
    if (head) response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => (head ? response.write(" ") : undefined), 100);
    response.on("close", () => clearInterval(timer));
  };
/** 100 MB, as fast as they are taken. */
const flooding: RawHandler = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  let left = 1600;
  const more = (): void => {
    while (left-- > 0) if (!response.write(chunk)) return void response.once("drain", more);
    response.end();
  };
  response.on("error", () => {});
  more();
};

const hostile: { reason: string; handler: RawHandler; message: string }[] = [
  { reason: "hangs", handler: dripping(false), message: "context deadline exceeded" },
  { reason: "drips for ever", handler: dripping(true), message: "context deadline exceeded" },
  { reason: "answers 100 MB", handler: flooding, message: "the answer is larger than 4194304 bytes" },
  {
    reason: "claims to answer 100 MB",
    handler: (_request, response) => {
      response.writeHead(200, { "content-length": 100_000_000 });
      response.write("{");
    },
    message: "context deadline exceeded",
  },
  {
    reason: "answers garbage",
    handler: (_request, response) => response.end("\u0000\u0001garbage"),
    message: "couldn't get version/kind; json parse error",
  },
  {
    reason: "answers deeply nested lists",
    handler: (_request, response) => response.end(`${"[".repeat(200_000)}`),
    message: "couldn't get version/kind; json parse error",
  },
  {
    reason: "redirects",
    handler: (_request, response) => response.writeHead(307, { location: webhook.url("/allow") }).end(),
    message: "the server responded with the status code 307 but did not return more information",
  },
  { reason: "hangs up", handler: (request) => void request.socket.destroy(), message: "EOF" },
  {
    reason: "switches protocols",
    handler: (request) =>
      void request.socket.end("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    message: "failed to call webhook",
  },
  {
    reason: "speaks no HTTP",
    handler: (request) => void request.socket.end("220 mail.example.com ESMTP\r\n"),
    message: "failed to call webhook",
  },
];

test.each(hostile)("a webhook that $reason", async ({ handler, message }) => {
  webhook.raw(`/${name}`, handler);
  webhook.raw("/allow", () => {
    throw new Error("the redirect was followed");
  });
  await configure(ours(`/${name}`));
  const before = process.memoryUsage.rss();
  const { json } = await refused();
  expect(json).toMatchObject({
    code: 500,
    reason: "InternalError",
    message: expect.stringContaining(
      `Internal error occurred: failed calling webhook "${name}.example.com": failed to call webhook: `,
    ),
  });
  expect(json["message"]).toContain(message);
  expect(process.memoryUsage.rss() - before).toBeLessThan(80 * 1024 * 1024);
});

test("when failures are ignored, the request passes", async () => {
  webhook.raw(`/${name}`, flooding);
  await configure(ours(`/${name}`));
  await refused();
  await server.send({
    method: "PATCH",
    url: `${admission}/${name}`,
    headers: { "content-type": "application/json-patch+json" },
    body: [{ op: "add", path: "/webhooks/0/failurePolicy", value: "Ignore" }],
  });
  await eventually(async () => (await create()).status === 201);
});

const unreachable: { reason: string; config: () => JsonObject; message: string }[] = [
  {
    reason: "an unknown authority",
    config: () => ({ url: webhook.url(), caBundle: misnamed.caBundle }),
    message: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  },
  {
    reason: "the authorities of the system do not know it",
    config: () => ({ url: webhook.url() }),
    message: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  },
  {
    reason: "a certificate for another name",
    config: () => ({ url: misnamed.url(), caBundle: misnamed.caBundle }),
    message: "tls: failed to verify certificate: x509: ",
  },
  {
    reason: "no TLS",
    config: () => ({ url: `https://127.0.0.1:${portOf(plain)}/`, caBundle: webhook.caBundle }),
    message: "http: server gave HTTP response to HTTPS client",
  },
  {
    reason: "a name that is not there",
    config: () => ({ url: "https://nowhere.invalid/", caBundle: webhook.caBundle }),
    message: "dial tcp: lookup nowhere.invalid: no such host",
  },
  {
    reason: "a Service that is not there",
    config: () => ({ service: { namespace: "default", name: "gone" }, caBundle: webhook.caBundle }),
    message: 'service "gone" not found',
  },
];

test.each(unreachable)("$reason", async ({ config, message }) => {
  await configure(config());
  const { json } = await refused();
  expect(json).toMatchObject({ code: 500, message: expect.stringContaining(message) });
});

test("nobody listens", async () => {
  const listener = createTcpServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const port = portOf(listener);
  await new Promise((resolve) => listener.close(resolve));
  await configure({ url: `https://127.0.0.1:${port}/`, caBundle: webhook.caBundle });
  const { json } = await refused();
  expect(json["message"]).toContain(`dial tcp 127.0.0.1:${port}: connect: connection refused`);
});

test("a thousand warnings and annotations are cut", async () => {
  const many = Array.from({ length: 1000 }, (_, index) => `${index} ${"x".repeat(1000)}`);
  webhook.answer(() => ({
    allowed: true,
    warnings: many,
    auditAnnotations: Object.fromEntries(many.map((text, index) => [`k${index}`, text])),
  }));
  await configure(ours("/many"));
  const { headers, status } = await eventually(async () => {
    const answer = await create();
    return answer.headers["warning"] === undefined ? undefined : answer;
  });
  expect(status).toBe(201);
  expect(JSON.stringify(headers["warning"]).length).toBeLessThan(6 * 1024);
});

test("connections are used again", async () => {
  webhook.answer(() => ({ allowed: false }));
  await configure(ours("/again"));
  await refused();
  const before = webhook.connections();
  for (let at = 0; at < 20; at++) await create();
  expect(webhook.connections() - before).toBeLessThanOrEqual(1);
});
