/** The whole program against a real API server and a real HTTP receiver. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type RunningProgram, startProgram } from "@krate/controller";
import { withApiServer } from "@krate/controller/testing";
import {
  findCondition,
  GitEvent,
  type ObjectOf,
  PullRequest,
  Repository,
  Secret,
  WebhookDelivery,
  WebhookSubscription,
} from "@krate/kinds";
import { eventually } from "@krate/testing";
import { readConfig } from "./config.ts";
import { webhookDispatcher } from "./program.ts";

const namespace = "acme";
const organizationRef = "acme";

interface Received {
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

describe("webhook-dispatcher", () => {
  const server = withApiServer({ namespaces: [namespace] });
  const received: Received[] = [];
  /** Status codes to answer with, by path; 200 when used up. `undefined` never answers. */
  const answers = new Map<string, (number | undefined)[]>();
  let receiver: Server;
  let url: string;
  let stop: AbortController;
  let running: RunningProgram;

  const startDispatcher = async () => {
    stop = new AbortController();
    const config = readConfig({
      KRATE_LEADER_ELECTION: "false",
      KRATE_LOG_LEVEL: "silent",
      KRATE_WEBHOOK_ALLOWED_NETWORKS: "127.0.0.0/8",
    });
    running = await startProgram(
      { ...webhookDispatcher(config), client: server().as("webhook-dispatcher") },
      stop.signal,
    );
    await running.ready;
  };
  const stopDispatcher = async () => {
    stop.abort(new Error("test over"));
    await running.finished;
  };

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const path = request.url ?? "";
        received.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
        const script = answers.get(path) ?? [];
        const code = script.length > 0 ? script.shift() : 200;
        if (code !== undefined) response.writeHead(code, { "x-answer": "yes" }).end("thanks");
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    await server().client.create(Repository, {
      metadata: { namespace, name: "web" },
      spec: { organizationRef, visibility: "private" },
    });
    await startDispatcher();
  }, 60_000);
  afterAll(async () => {
    await stopDispatcher();
    receiver.closeAllConnections();
    receiver.close();
  });

  const subscribe = async (name: string, spec: Partial<ObjectOf<typeof WebhookSubscription>["spec"]> = {}) => {
    await server().client.create(WebhookSubscription, {
      metadata: { namespace, name },
      spec: {
        organizationRef,
        url: `${url}/${name}`,
        allowInsecure: true,
        events: ["push"],
        retryPolicy: { initialSeconds: 1, factor: 1, maxAttempts: 3, timeoutSeconds: 1 },
        ...spec,
      },
    });
    return eventually(
      async () => {
        const subscription = await server().client.get(WebhookSubscription, { namespace, name });
        return subscription.status?.phase !== undefined && subscription;
      },
      { description: `status of ${name}` },
    );
  };
  let pushes = 0;
  const push = (spec: Partial<ObjectOf<typeof GitEvent>["spec"]> = {}) =>
    server()
      .as("git-gateway")
      .create(GitEvent, {
        metadata: { namespace, name: `web-${++pushes}-0` },
        spec: {
          organizationRef,
          repository: "web",
          ref: "refs/heads/main",
          oldSha: "0".repeat(40),
          newSha: "1".repeat(40),
          action: "create",
          decision: "Accepted",
          actor: { user: "ada" },
          transport: "http",
          receivedAt: new Date().toISOString(),
          ...spec,
        },
      });
  const deliveriesOf = async (name: string) =>
    (await server().client.list(WebhookDelivery, { namespace, labelSelector: `subscription=${name}` })).items;
  const finished = (name: string, count = 1) =>
    eventually(
      async () => {
        const items = await deliveriesOf(name);
        const done = items.filter(({ status }) => status?.completedAt !== undefined);
        return done.length >= count && items;
      },
      { description: `${count} finished deliveries of ${name}` },
    );
  const remove = async (name: string) => {
    await server().client.delete(WebhookSubscription, { namespace, name });
    await eventually(async () => !(await server().client.find(WebhookSubscription, { namespace, name })));
  };

  it("delivers a push, signed with the key it made, and records the attempt", async () => {
    const subscription = await subscribe("plain");
    expect(findCondition(subscription, "Ready")).toMatchObject({ status: "True" });
    expect(findCondition(subscription, "SecretResolved")).toMatchObject({ reason: "Generated" });
    await push();
    const [delivery] = await finished("plain");
    const ref = subscription.status?.secretRef;
    const secret = await server().client.get(Secret, { namespace, name: ref?.name ?? "" });
    const key = Buffer.from(secret.data?.[ref?.key ?? ""] ?? "", "base64");
    const [request] = received.filter(({ path }) => path === "/plain");
    expect(request?.headers).toMatchObject({
      "content-type": "application/json",
      "x-krate-event": "push",
      "x-krate-delivery": delivery?.metadata.uid,
      "webhook-id": delivery?.metadata.uid,
      "x-krate-signature-256": `sha256=${createHmac("sha256", key)
        .update(request?.body ?? "")
        .digest("hex")}`,
    });
    expect(request?.body).toBe(delivery?.spec.payload);
    expect(JSON.parse(request?.body ?? "")).toMatchObject({
      event: "push",
      ref: "refs/heads/main",
      pusher: { name: "ada" },
    });
    expect(delivery?.status).toMatchObject({ phase: "Succeeded", attemptCount: 1, responseCode: 200 });
    expect(delivery?.status?.attempts?.[0]).toMatchObject({
      n: 1,
      url: `${url}/plain`,
      responseCode: 200,
      responseBody: "thanks",
      responseHeaders: { "x-answer": "yes" },
      requestHeaders: {
        "X-Krate-Event": "push",
        "X-Krate-Signature-256": "[redacted]",
        "webhook-signature": "[redacted]",
      },
    });
    expect(delivery?.metadata.labels).toMatchObject({ status: "succeeded", subscription: "plain" });
    expect(JSON.stringify(delivery)).not.toContain(key.toString("utf8"));
    await remove("plain");
  });

  it("tries again after a failure, and fails when no attempts are left", async () => {
    await subscribe("flaky");
    answers.set("/flaky", [500, 200, 500, 302, 500]);
    await push();
    const [first] = await finished("flaky");
    expect(first?.status).toMatchObject({ phase: "Succeeded", attemptCount: 2 });
    await push();
    const items = await finished("flaky", 2);
    const second = items.find(({ status }) => status?.phase === "Failed");
    expect(second?.status?.attempts?.map(({ responseCode }) => responseCode)).toEqual([500, 302, 500]);
    expect(second?.metadata.labels?.status).toBe("failed");
    await eventually(async () => {
      const { status } = await server().client.get(WebhookSubscription, { namespace, name: "flaky" });
      return status?.phase === "Failing" && status.failedLastHour === 1 && status.consecutiveFailures === 1;
    });
    await remove("flaky");
  });

  it("makes one delivery of one event, however often the log is read", async () => {
    await subscribe("once");
    await push();
    await finished("once");
    await stopDispatcher();
    const cursor = { namespace: "krate-system", name: "webhook-push-events-cursor" };
    await server().client.delete(
      { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", scope: "Namespaced" },
      cursor,
    );
    await startDispatcher();
    await push({ ref: "refs/heads/second" });
    const items = await finished("once", 2);
    expect(items).toHaveLength(2);
    expect(received.filter(({ path }) => path === "/once")).toHaveLength(2);
    await remove("once");
  });

  it("sends again what was claimed when the dispatcher died, and records that the outcome is unknown", async () => {
    await subscribe("killed", { retryPolicy: { initialSeconds: 1, factor: 1, maxAttempts: 5, timeoutSeconds: 30 } });
    answers.set("/killed", [undefined]);
    await push();
    await eventually(() => received.some(({ path }) => path === "/killed"));
    await stopDispatcher();
    const [claimed] = await deliveriesOf("killed");
    expect(claimed?.status).toMatchObject({ phase: "Delivering", attemptCount: 1 });
    await startDispatcher();
    const [delivery] = await finished("killed");
    expect(delivery?.status?.attempts).toMatchObject([
      { n: 1, error: expect.stringContaining("interrupted") },
      { n: 2, responseCode: 200 },
    ]);
    await remove("killed");
  });

  it("repeats a delivery on request, with the same body, and serves a requested test", async () => {
    await subscribe("again");
    await push();
    const [original] = await finished("again");
    await server().client.create(WebhookDelivery, {
      metadata: { namespace, name: "again-replay" },
      spec: { organizationRef, subscription: "again", eventType: "push", replayOf: original?.metadata.name ?? "" },
    });
    await finished("again", 2);
    const bodies = received.filter(({ path }) => path === "/again").map(({ body }) => body);
    expect(bodies).toEqual([original?.spec.payload, original?.spec.payload]);
    expect(
      (await deliveriesOf("again")).find(({ metadata }) => metadata.name === original?.metadata.name)?.status?.replays,
    ).toEqual(["again-replay"]);
    const testRequestedAt = "2026-01-01T00:00:00Z";
    await server().client.patch(
      WebhookSubscription,
      { namespace, name: "again" },
      { spec: { testRequestedAt } },
      { type: "merge" },
    );
    await finished("again", 3);
    expect(received.filter(({ path }) => path === "/again").at(-1)?.headers["x-krate-event"]).toBe("ping");
    await remove("again");
  });

  it("announces a pull request, and refuses a private address", async () => {
    await subscribe("pulls", { events: ["pull_request"] });
    const denied = await subscribe("private", { url: "https://10.0.0.1/hook" });
    expect(findCondition(denied, "EndpointAllowed")).toMatchObject({ status: "False", reason: "PrivateAddressDenied" });
    expect(denied.status?.phase).toBe("Disabled");
    await server().client.create(PullRequest, {
      metadata: { namespace, generateName: "web-" },
      spec: { organizationRef, repository: "web", title: "change", head: "feature", base: "main" },
    });
    const [delivery] = await finished("pulls");
    expect(delivery?.spec.eventType).toBe("pull_request.opened");
    await push();
    await eventually(async () => {
      const [attempted] = await deliveriesOf("private");
      return attempted?.status?.attempts?.[0]?.error?.includes("not an allowed address");
    });
    await remove("private");
    const [cancelled] = await deliveriesOf("private");
    expect(["Cancelled", "Failed"]).toContain(cancelled?.status?.phase);
    await remove("pulls");
  });
});
