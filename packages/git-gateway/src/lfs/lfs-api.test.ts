/** The Git LFS API as requests, well-formed and not. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { GatewayFixture } from "../testing/gateway-fixture.ts";
import { newObject } from "../testing/lfs-store-conformance.ts";
import { lfsMediaType } from "./protocol.ts";

let gateway: GatewayFixture;
let name: string;
let count = 0;

beforeAll(async () => {
  gateway = await GatewayFixture.start(
    {},
    { lfsRequestsPerRepository: 4 },
    { maxObjectBytes: 1_000_000, maxBatchBytes: 1_500_000, maxBatchObjects: 200 },
  );
  gateway.cluster.addUser("bob-token", "bob");
  gateway.cluster.addUser("carol-token", "carol");
});
afterAll(() => gateway.stop());

/** Each test has a repository that alice may use, bob may read, and carol may not. */
beforeEach(async () => {
  name = `lfs-${++count}`;
  await gateway.createRepository(name);
  gateway.cluster.grant("bob", "get", "content", "acme", name);
});

interface Answer {
  status: number;
  body: unknown;
  headers: Headers;
}

interface Call {
  method?: string;
  token?: string | null;
  body?: unknown;
  raw?: Uint8Array;
  headers?: Record<string, string>;
  repository?: string;
}

async function call(path: string, { method, token = "alice-token", body, raw, headers, repository = name }: Call = {}) {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${gateway.origin}/acme/${repository}.git/info/lfs/${path}`, {
    method: method ?? (payload === undefined ? "GET" : "POST"),
    headers: {
      accept: lfsMediaType,
      ...(payload !== undefined && { "content-type": lfsMediaType }),
      ...(token !== null && { authorization: `Basic ${Buffer.from(`any:${token}`).toString("base64")}` }),
      ...headers,
    },
    ...(payload !== undefined && { body: payload as string }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === lfsMediaType;
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers } as Answer;
}

const batch = (operation: string, objects: unknown, more: Call = {}) =>
  call("objects/batch", { body: { operation, transfers: ["basic"], objects }, ...more });

const put = ({ oid, content }: { oid: string; content: Buffer }, more: Call = {}) =>
  call(`objects/${oid}?size=${content.length}`, {
    method: "PUT",
    raw: content,
    headers: { "content-type": "application/octet-stream" },
    ...more,
  });

/** What the repository keeps for Git LFS on disk, as names of files. */
async function files(): Promise<string[]> {
  const root = join(gateway.backend.gitDir({ namespace: "acme", name }), "krate/lfs");
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe("a large file", () => {
  test("is announced, sent, verified, announced again, and fetched whole and in parts", async () => {
    const object = newObject();
    const { oid, size } = object;
    const base = `${gateway.origin}/acme/${name}.git/info/lfs/objects`;
    expect(await batch("upload", [{ oid, size }])).toMatchObject({
      status: 200,
      body: {
        transfer: "basic",
        hash_algo: "sha256",
        objects: [
          {
            oid,
            size,
            actions: { upload: { href: `${base}/${oid}?size=${size}` }, verify: { href: `${base}/verify` } },
          },
        ],
      },
    });
    expect(await call("objects/verify", { body: { oid, size } })).toMatchObject({ status: 404 });
    expect(await put(object)).toMatchObject({ status: 200, body: "" });
    expect(await call("objects/verify", { body: { oid, size } })).toMatchObject({ status: 200 });
    expect((await batch("upload", [{ oid, size }])).body).toMatchObject({ objects: [{ oid, size }] });
    expect((await batch("download", [{ oid, size }], { token: "bob-token" })).body).toMatchObject({
      objects: [{ oid, size, actions: { download: { href: `${base}/${oid}` } } }],
    });
    const fetched = await fetch(`${base}/${oid}`, { headers: { authorization: "Bearer bob-token" } });
    expect(Buffer.from(await fetched.arrayBuffer()).equals(object.content)).toBe(true);
    expect(Object.fromEntries(fetched.headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
      "x-content-type-options": "nosniff",
      "content-length": "100000",
      etag: `"${oid}"`,
    });
    const rest = await fetch(`${base}/${oid}`, {
      headers: { authorization: "Bearer bob-token", range: "bytes=99990-" },
    });
    expect([rest.status, rest.headers.get("content-range")]).toEqual([206, "bytes 99990-99999/100000"]);
    expect(Buffer.from(await rest.arrayBuffer()).equals(object.content.subarray(99_990))).toBe(true);
    const beyond = await call(`objects/${oid}`, { headers: { range: "bytes=100000-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */100000"]);
  });

  test("of another repository is not found, neither by its batch nor by its link", async () => {
    const object = newObject();
    await put(object);
    const mine = name;
    const other = `other-of-${name}`;
    await gateway.createRepository(other);
    const { oid, size } = object;
    expect((await batch("download", [{ oid, size }], { repository: other })).body).toMatchObject({
      objects: [{ oid, size, error: { code: 404, message: expect.stringContaining(`"acme/${other}" has no object`) } }],
    });
    expect((await call(`objects/${oid}`, { repository: other })).status).toBe(404);
    expect((await call(`objects/${oid}`, { repository: mine })).status).toBe(200);
    expect((await batch("upload", [{ oid, size }], { repository: other })).body).toMatchObject({
      objects: [{ actions: { upload: {} } }],
    });
  });

  test("of a batch that has some and has not others is answered each for itself", async () => {
    const [there, missing, lied] = [newObject(), newObject(), newObject()];
    await put(there);
    await put(lied);
    const asked = [there, missing, { ...lied, size: 5 }].map(({ oid, size }) => ({ oid, size }));
    const answer = await batch("download", [...asked, { oid: "../../../../etc/passwd", size: 1 }, { oid: there.oid }]);
    expect(answer.status).toBe(200);
    const { objects } = answer.body as { objects: { error?: { code: number; message: string } }[] };
    expect(objects.map(({ error }) => error?.code)).toEqual([undefined, 404, 422, 422, 422]);
    expect(objects[2]?.error?.message).toContain("has 100000 bytes, not 5: the pointer file is wrong");
    expect(objects[3]?.error?.message).toBe("oid must be a SHA-256 in lower-case hex");
  });
});

describe("who may do what", () => {
  const object = newObject();
  const item = { oid: object.oid, size: object.size };

  test.each<{ reason: string; token: string | null; statuses: Record<string, number> }>([
    {
      reason: "nobody",
      token: null,
      statuses: { download: 401, upload: 401, put: 401, get: 401, locks: 401, lock: 401, verifyLocks: 401 },
    },
    {
      reason: "a token that does not count",
      token: "forged",
      statuses: { download: 401, upload: 401, put: 401, get: 401, locks: 401, lock: 401, verifyLocks: 401 },
    },
    {
      reason: "somebody without rights",
      token: "carol-token",
      statuses: { download: 403, upload: 403, put: 403, get: 403, locks: 403, lock: 403, verifyLocks: 403 },
    },
    {
      reason: "a reader",
      token: "bob-token",
      statuses: { download: 200, upload: 403, put: 403, get: 404, locks: 200, lock: 403, verifyLocks: 403 },
    },
    {
      reason: "a writer",
      token: "alice-token",
      statuses: { download: 200, upload: 200, put: 200, get: 200, locks: 200, lock: 201, verifyLocks: 200 },
    },
  ])("$reason", async ({ token, statuses }) => {
    const answers: Record<string, Answer> = {
      download: await batch("download", [item], { token }),
      upload: await batch("upload", [item], { token }),
      put: await put(object, { token }),
      get: await call(`objects/${object.oid}`, { token }),
      locks: await call("locks", { token }),
      lock: await call("locks", { token, body: { path: "a.psd" } }),
      verifyLocks: await call("locks/verify", { token, body: {} }),
    };
    expect(Object.fromEntries(Object.entries(answers).map(([what, { status }]) => [what, status]))).toEqual(statuses);
    const challenges = Object.values(answers)
      .filter(({ status }) => status === 401)
      .map(({ headers }) => headers.get("lfs-authenticate"));
    expect(challenges.every((challenge) => challenge?.startsWith("Basic realm="))).toBe(true);
  });

  test("a refusal is a message in the form of Git LFS, with what to do and the id to ask about", async () => {
    const { body, headers } = await batch("upload", [item], { token: "bob-token" });
    expect(body).toEqual({
      message:
        `"bob" cannot update repositories/content.krate.a5c.ai "${name}" in namespace "acme": no RBAC rule grants it; ` +
        "ask a repository admin for a RepositoryPermission",
      request_id: headers.get("x-request-id"),
    });
  });

  test("anybody reads from a public repository, nobody writes", async () => {
    await put(object);
    const view = gateway.cluster.repositories.get(`acme/${name}`);
    if (view) view.visibility = "public";
    expect((await batch("download", [item], { token: null })).body).toMatchObject({
      objects: [{ actions: { download: {} } }],
    });
    expect((await call(`objects/${object.oid}`, { token: null })).status).toBe(200);
    expect((await batch("upload", [item], { token: null })).status).toBe(401);
  });

  test("switched off, nothing is uploaded or locked; what is there can be read", async () => {
    await put(object);
    const locked = await call("locks", { body: { path: "old" } });
    const view = gateway.cluster.repositories.get(`acme/${name}`);
    if (view) view.lfs = { enabled: false };
    const refused = await batch("upload", [item]);
    expect([refused.status, (refused.body as { message: string }).message]).toEqual([
      403,
      `Git LFS is switched off for repository "acme/${name}": set spec.objectStorage.lfs.enabled to true`,
    ]);
    expect((await put(newObject())).status).toBe(403);
    expect((await call("locks", { body: { path: "a" } })).status).toBe(403);
    const { lock } = locked.body as { lock: { id: string } };
    expect((await call("locks/verify", { body: {} })).body).toEqual({ ours: [lock], theirs: [] });
    expect((await call(`locks/${lock.id}/unlock`, { body: {} })).status).toBe(200);
    expect((await batch("download", [item])).body).toMatchObject({ objects: [{ actions: { download: {} } }] });
  });

  test("an archived repository takes no uploads", async () => {
    const view = gateway.cluster.repositories.get(`acme/${name}`);
    if (view) view.archived = true;
    const answers = [await batch("upload", [item]), await put(object), await call("locks", { body: { path: "a" } })];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(answers[0]?.body).toMatchObject({ message: expect.stringContaining("is archived and read-only") });
  });

  test("a bucket the platform does not know is said to be so; Git is not affected", async () => {
    const view = gateway.cluster.repositories.get(`acme/${name}`);
    if (view) view.lfs = { enabled: true, bucket: "nowhere" };
    const answer = await batch("download", [item]);
    expect(answer.status).toBe(501);
    expect(answer.body).toMatchObject({
      message: expect.stringContaining(
        `bucketRef of repository "acme/${name}" is "nowhere", a bucket this gateway does not know`,
      ),
    });
    expect((await gateway.git(["ls-remote", gateway.url(name)])).code).toBe(0);
  });
});

describe("what is not as it should be is refused and leaves nothing", () => {
  const object = newObject();
  const { oid, size, content } = object;
  const octets = { "content-type": "application/octet-stream" };

  test.each<{ reason: string; path: string; call: Call; status: number; message: RegExp }>([
    {
      reason: "other content than announced",
      path: `objects/${newObject().oid}`,
      call: { method: "PUT", raw: content, headers: octets },
      status: 422,
      message: /^what was sent as [0-9a-f]{64} has the SHA-256 [0-9a-f]{64}: was the file changed meanwhile\?$/,
    },
    {
      reason: "another length than announced",
      path: `objects/${oid}?size=5`,
      call: { method: "PUT", raw: content, headers: octets },
      status: 422,
      message: /^100000 bytes are being sent of an object announced with 5$/,
    },
    {
      reason: "a file above the limit",
      path: `objects/${oid}`,
      call: { method: "PUT", raw: Buffer.alloc(1_000_001), headers: octets },
      status: 413,
      message: /^the file is larger than the 1000000 bytes allowed for one$/,
    },
    {
      reason: "a packed body",
      path: `objects/${oid}`,
      call: { method: "PUT", raw: gzipSync(content), headers: { ...octets, "content-encoding": "gzip" } },
      status: 415,
      message: /^an object is sent as it is: take the Content-Encoding header away$/,
    },
    {
      reason: "an archive instead of the object",
      path: `objects/${oid}`,
      call: { method: "PUT", raw: gzipSync(content), headers: octets },
      status: 422,
      message: /^what was sent as /,
    },
    {
      reason: "a size that is none",
      path: `objects/${oid}?size=-1`,
      call: { method: "PUT", raw: content, headers: octets },
      status: 422,
      message: /^the size of an object is a whole number of bytes$/,
    },
    {
      reason: "capitals in an id",
      path: `objects/${oid.toUpperCase()}`,
      call: { method: "PUT", raw: content, headers: octets },
      status: /[A-F]/.test(oid.toUpperCase()) ? 404 : 200,
      message: /^the Git LFS API has nothing at /,
    },
    {
      reason: "a way out in an id",
      path: "objects/..%2f..%2f..%2fowner.json",
      call: {},
      status: 404,
      message: /^the Git LFS API has nothing at /,
    },
    {
      reason: "an id that is a path",
      path: `objects/${"a/".repeat(32)}`,
      call: {},
      status: 404,
      message: /^the Git LFS API has nothing at /,
    },
    {
      reason: "another method",
      path: `objects/${oid}`,
      call: { method: "DELETE" },
      status: 405,
      message: /takes GET or HEAD or PUT, not DELETE$/,
    },
    {
      reason: "a body that is not JSON",
      path: "objects/batch",
      call: { raw: Buffer.from("{") },
      status: 400,
      message: /^the body is not JSON: /,
    },
    {
      reason: "a body of another type",
      path: "objects/batch",
      call: { raw: Buffer.from("{}"), headers: { "content-type": "text/plain" } },
      status: 415,
      message: /^content type must be application\/vnd\.git-lfs\+json$/,
    },
    {
      reason: "a body that is a list",
      path: "objects/batch",
      call: { body: [] },
      status: 422,
      message: /^the body must be a JSON object$/,
    },
    {
      reason: "an operation that is none",
      path: "objects/batch",
      call: { body: { operation: "delete", objects: [] } },
      status: 422,
      message: /^operation is "delete": it must be "download" or "upload"$/,
    },
    {
      reason: "another hash",
      path: "objects/batch",
      call: { body: { operation: "download", hash_algo: "sha1", objects: [] } },
      status: 409,
      message: /^hash_algo is "sha1": only "sha256" is supported$/,
    },
    {
      reason: "another transfer alone",
      path: "objects/batch",
      call: { body: { operation: "download", transfers: ["tus"], objects: [] } },
      status: 422,
      message: /^transfers must hold "basic"/,
    },
    {
      reason: "too many objects",
      path: "objects/batch",
      call: { body: { operation: "download", objects: Array.from({ length: 201 }, () => ({ oid, size })) } },
      status: 413,
      message: /^a batch may name 200 objects, not 201: send several batches$/,
    },
    {
      reason: "too many bytes",
      path: "objects/batch",
      call: {
        body: { operation: "upload", objects: [object, newObject()].map((each) => ({ oid: each.oid, size: 900_000 })) },
      },
      status: 413,
      message: /^a batch may upload 1500000 bytes, not 1800000/,
    },
    {
      reason: "a giant body",
      path: "objects/batch",
      call: { raw: Buffer.alloc(1_100_000, " ") },
      status: 413,
      message: /^the request is larger than 1048576 bytes$/,
    },
    {
      reason: "a body that unpacks to a giant one",
      path: "objects/batch",
      call: { raw: gzipSync(Buffer.alloc(50_000_000, " ")), headers: { "content-encoding": "gzip" } },
      status: 413,
      message: /^the request is larger than 1048576 bytes$/,
    },
    {
      reason: "a verification of nothing",
      path: "objects/verify",
      call: { body: {} },
      status: 422,
      message: /^oid must be a SHA-256/,
    },
    ...["/a", "a/../b", "a//b", "", ".git/config", "a/.GIT/hooks", "a\u0000b", "x".repeat(5000), 5].map((path) => ({
      reason: `a lock of ${JSON.stringify(path).slice(0, 20)}`,
      path: "locks",
      call: { body: { path } },
      status: 422,
      message: /^path /,
    })),
    {
      reason: "a lock that is none",
      path: `locks/${"0".repeat(40)}-${"0".repeat(16)}/unlock`,
      call: { body: {} },
      status: 404,
      message: /^there is no such lock/,
    },
    {
      reason: "a lock id that is a path",
      path: "locks/..%2f..%2fowner.json/unlock",
      call: { body: {} },
      status: 404,
      message: /^the Git LFS API has nothing at /,
    },
  ])("$reason", async ({ path, call: request, status, message }) => {
    const answer = await call(path, request);
    expect({ status: answer.status, type: answer.headers.get("content-type") }).toEqual({ status, type: lfsMediaType });
    expect((answer.body as { message: string }).message).toMatch(message);
    expect(await files()).toEqual([]);
  });

  test("a name that is none is refused before anything is looked for", async () => {
    expect((await call("objects/batch", { repository: "..%2fother", body: {} })).status).toBe(404);
  });

  test("an upload that breaks off leaves nothing", async () => {
    const { port } = new URL(gateway.origin);
    const before = gateway.requests.length;
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      `PUT /acme/${name}.git/info/lfs/objects/${oid} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\n` +
        `content-length: ${size}\r\n\r\n`,
    );
    socket.write(content.subarray(0, 50_000));
    await eventually(async () => (await files()).length === 1, { description: "the upload being under way" });
    socket.destroy();
    await eventually(() => gateway.requests.length > before, { description: "the request being over" });
    expect(await files()).toEqual([]);
  });

  test("an upload without a length is checked against the size it was announced with", async () => {
    const chunked = (bytes: Buffer) =>
      fetch(`${gateway.origin}/acme/${name}.git/info/lfs/objects/${oid}?size=${size}`, {
        method: "PUT",
        headers: { authorization: "Bearer alice-token" },
        body: new ReadableStream({
          start(controller) {
            controller.enqueue(bytes);
            controller.close();
          },
        }),
        duplex: "half",
      });
    expect((await chunked(Buffer.concat([content, Buffer.from("x")]))).status).toBe(422);
    expect((await chunked(content.subarray(1))).status).toBe(422);
    expect(await files()).toEqual([]);
    expect((await chunked(content)).status).toBe(200);
    expect(await files()).toEqual([oid]);
  });

  test("more at once than a repository may have under way is told to wait", async () => {
    const { port } = new URL(gateway.origin);
    const sockets = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const socket = connect(Number(port), "127.0.0.1");
        await once(socket, "connect");
        socket.write(
          `PUT /acme/${name}.git/info/lfs/objects/${oid} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\n` +
            `content-length: ${size}\r\n\r\nx`,
        );
        return socket;
      }),
    );
    await eventually(async () => (await files()).length === 4, { description: "the uploads being under way" });
    const refused = await batch("download", [{ oid, size }]);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(refused.body).toMatchObject({
      message: `repository "acme/${name}" has 4 Git LFS requests under way, which is its limit; try again in a moment`,
    });
    expect((await gateway.git(["ls-remote", gateway.url(name)])).code).toBe(0);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await batch("download", [{ oid, size }])).status === 200, {
      description: "the repository having room again",
    });
    expect(await files()).toEqual([]);
  });
});

describe("locks", () => {
  const lock = async (path: string, token = "alice-token") => call("locks", { token, body: { path } });
  const lockOf = (answer: Answer) => (answer.body as { lock: { id: string; path: string; owner: object } }).lock;

  beforeEach(() => gateway.cluster.grant("bob", "update", "content", "acme", name));

  test("one at a time, whoever comes second learns who was first", async () => {
    const tokens = Array.from({ length: 12 }, (_, index) => (index % 2 ? "alice-token" : "bob-token"));
    const answers = [];
    // The repository may have four requests under way.
    for (let at = 0; at < tokens.length; at += 4)
      answers.push(...(await Promise.all(tokens.slice(at, at + 4).map((token) => lock("art/hero.psd", token)))));
    const created = answers.filter(({ status }) => status === 201);
    expect(created).toHaveLength(1);
    const winner = lockOf(created[0] as Answer);
    const others = answers.filter(({ status }) => status !== 201);
    expect(others.map(({ status, body }) => [status, (body as { lock: object }).lock])).toEqual(
      others.map(() => [409, winner]),
    );
    expect(others.map(({ body }) => (body as { message: string }).message)).toEqual(
      others.map(() =>
        expect.stringMatching(/^"art\/hero\.psd" is locked by "(alice|bob)" since .*Z: ask them to unlock it$/),
      ),
    );
    expect(winner).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{40}-[0-9a-f]{16}$/),
      path: "art/hero.psd",
      locked_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      owner: winner.owner,
    });
  });

  test("are listed by page, by path and by id, and told apart by owner", async () => {
    const mine = [lockOf(await lock("a")), lockOf(await lock("b"))];
    const theirs = lockOf(await lock("ü/c", "bob-token"));
    const pages: unknown[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await call(`locks?limit=1&cursor=${cursor}`);
      const page = body as { locks: unknown[]; next_cursor?: string };
      pages.push(...page.locks);
      if (page.next_cursor === undefined) break;
      cursor = page.next_cursor;
    }
    const byPath = (locks: unknown[]) => [...(locks as { path: string }[])].sort((x, y) => (x.path < y.path ? -1 : 1));
    expect(byPath(pages)).toEqual(byPath([...mine, theirs]));
    expect((await call(`locks?path=${encodeURIComponent("ü/c")}`)).body).toEqual({ locks: [theirs] });
    expect((await call(`locks?id=${mine[0]?.id}`)).body).toEqual({ locks: [mine[0]] });
    expect((await call("locks?path=nowhere")).body).toEqual({ locks: [] });
    const verified = (await call("locks/verify", { body: { ref: { name: "refs/heads/main" } } })).body;
    expect(verified).toEqual({ ours: expect.arrayContaining(mine), theirs: [theirs] });
  });

  test("are taken away by their owner, or with force by an admin of the repository", async () => {
    const own = lockOf(await lock("a"));
    const unlock = (id: string, token: string, body: object = {}) => call(`locks/${id}/unlock`, { token, body });
    expect(await unlock(own.id, "bob-token")).toMatchObject({
      status: 403,
      body: { message: expect.stringMatching(/^"a" is locked by "alice" .* unlock --force$/) },
    });
    expect(await unlock(own.id, "bob-token", { force: true })).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining("only an admin of the repository (update repositories/admin)") },
    });
    expect(await unlock(own.id, "alice-token")).toMatchObject({ status: 200, body: { lock: own } });
    expect((await unlock(own.id, "alice-token")).status).toBe(404);
    const again = lockOf(await lock("a"));
    expect((await unlock(own.id, "alice-token")).status).toBe(404);
    gateway.cluster.grant("bob", "update", "admin", "acme", name);
    expect(await unlock(again.id, "bob-token", { force: true })).toMatchObject({ status: 200, body: { lock: again } });
    expect((await call("locks")).body).toEqual({ locks: [] });
  });
});

test("what is written beside is whole: a hash of what lies on disk is its name", async () => {
  const object = newObject(randomBytes(700_000));
  await put(object);
  const [file = ""] = await files();
  expect(file).toBe(createHash("sha256").update(object.content).digest("hex"));
});
