import { afterEach, describe, expect, it } from "@jest/globals";
import { ConfigMap, Namespace } from "@krate/kinds";
import { kubeClient } from "./client.ts";
import { type FaultyServer, faultyServer } from "./testing/faulty-server.ts";

let server: FaultyServer;
afterEach(() => server.close());

const start = async (handler: Parameters<typeof faultyServer>[0]) => {
  server = await faultyServer(handler);
  return kubeClient({ server: server.url, auth: { token: "t0" } }, { userAgent: "test", fieldManager: "test" });
};

const status = (code: number, reason: string, message = "no", details = {}) =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details });

describe("kubeClient", () => {
  it("addresses namespaced, cluster-scoped and subresource paths and sends the token", async () => {
    const seen: string[] = [];
    const client = await start((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end("{}");
    });
    await client.get(ConfigMap, { namespace: "org", name: "a" });
    await client.get(Namespace, { name: "org" });
    await client.apply(
      ConfigMap,
      { metadata: { namespace: "org", name: "a" }, data: { x: "1" } },
      { fieldManager: "me" },
    );
    expect(seen).toEqual([
      "GET /api/v1/namespaces/org/configmaps/a Bearer t0",
      "GET /api/v1/namespaces/org Bearer t0",
      "PATCH /api/v1/namespaces/org/configmaps/a?fieldManager=me&force=false Bearer t0",
    ]);
  });

  it("turns a Status into an ApiError with reason, code and details", async () => {
    const client = await start((_request, response) =>
      response.writeHead(409).end(status(409, "AlreadyExists", "there")),
    );
    await expect(client.get(ConfigMap, { namespace: "org", name: "a" })).rejects.toMatchObject({
      reason: "AlreadyExists",
      code: 409,
      message: "there",
    });
  });

  it("find answers undefined and delete succeeds when the object does not exist", async () => {
    const client = await start((_request, response) => response.writeHead(404).end(status(404, "NotFound")));
    await expect(client.find(ConfigMap, { namespace: "org", name: "a" })).resolves.toBeUndefined();
    await expect(client.delete(ConfigMap, { namespace: "org", name: "a" })).resolves.toBeUndefined();
  });

  it("waits as long as Retry-After says and then sends again", async () => {
    let calls = 0;
    const client = await start((_request, response) => {
      if (++calls === 1) response.writeHead(429, { "retry-after": "0" }).end(status(429, "TooManyRequests"));
      else response.end('{"metadata":{"name":"a"}}');
    });
    await client.create(ConfigMap, { metadata: { namespace: "org", name: "a" } });
    expect(calls).toBe(2);
  });

  it("lists page by page and completes the type of items", async () => {
    const client = await start((request, response) => {
      const second = request.url?.includes("continue=next");
      response.end(
        JSON.stringify({
          metadata: second ? {} : { continue: "next" },
          items: [{ metadata: { name: second ? "b" : "a" } }],
        }),
      );
    });
    const names: string[] = [];
    for await (const item of client.listAll(ConfigMap, { namespace: "org" }))
      names.push(`${item.kind}/${item.metadata?.name}`);
    expect(names).toEqual(["ConfigMap/a", "ConfigMap/b"]);
  });

  it("says which server cannot be reached", async () => {
    const client = await start(() => undefined);
    await server.close();
    await expect(client.get(Namespace, { name: "x" })).rejects.toMatchObject({ reason: "ServiceUnavailable" });
  });

  it("gives up with Timeout when no answer comes in time, and with the caller's reason when aborted", async () => {
    const client = await start(() => undefined);
    await expect(client.get(Namespace, { name: "x" }, { timeoutSeconds: 0.05 })).rejects.toMatchObject({
      reason: "Timeout",
    });
    const reason = new Error("stop");
    await expect(client.get(Namespace, { name: "x" }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("impersonates with every header Kubernetes knows", async () => {
    let headers: Record<string, unknown> = {};
    const client = await start((request, response) => {
      headers = request.headers;
      response.end("{}");
    });
    await client
      .as({ user: "jane", groups: ["a", "b"], uid: "7", extra: { "x/Y": ["1"] } })
      .get(Namespace, { name: "x" });
    expect(headers).toMatchObject({
      "impersonate-user": "jane",
      "impersonate-group": "a, b",
      "impersonate-uid": "7",
      "impersonate-extra-x%2fy": "1",
    });
  });

  it("throws ERROR events of a watch and ends when the server ends it", async () => {
    const client = await start((request, response) => {
      response.write('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n');
      response.end(
        request.url?.includes("resourceVersion=1") ? `{"type":"ERROR","object":${status(410, "Expired")}}\n` : "",
      );
    });
    const types: string[] = [];
    for await (const event of client.watch(ConfigMap)) types.push(event.type);
    expect(types).toEqual(["ADDED"]);
    const broken = async () => {
      for await (const _ of client.watch(ConfigMap, { resourceVersion: "1" }));
    };
    await expect(broken()).rejects.toMatchObject({ reason: "Expired" });
  });

  it("notices a silent watch", async () => {
    const client = await start((_request, response) => response.writeHead(200).flushHeaders());
    const silent = async () => {
      for await (const _ of client.watch(ConfigMap, { silenceSeconds: 0.05 }));
    };
    await expect(silent()).rejects.toMatchObject({ reason: "Timeout" });
  });
});
