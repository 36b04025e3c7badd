/** What no git-lfs sends. */
import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { LfsApiFixture, type LfsRequest } from "../testing/lfs-api-fixture.ts";
import { newObject } from "../testing/lfs-store-conformance.ts";
import { lfsMediaType } from "./protocol.ts";

let lfs: LfsApiFixture;
beforeAll(async () => {
  lfs = await LfsApiFixture.start();
});
afterAll(() => lfs.gateway.stop());
beforeEach(() => lfs.nextRepository());

describe("what is not as it should be is refused and leaves nothing", () => {
  const object = newObject();
  const { oid, size, content } = object;
  const octets = { "content-type": "application/octet-stream" };

  test.each<{ reason: string; path: string; call: LfsRequest; status: number; message: RegExp }>([
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
    const answer = await lfs.call(path, request);
    expect({ status: answer.status, type: answer.headers.get("content-type") }).toEqual({ status, type: lfsMediaType });
    expect((answer.body as { message: string }).message).toMatch(message);
    expect(await lfs.files()).toEqual([]);
  });

  test("a name that is none is refused before anything is looked for", async () => {
    expect((await lfs.call("objects/batch", { repository: "..%2fother", body: {} })).status).toBe(404);
  });

  test("an upload that breaks off leaves nothing", async () => {
    const { port } = new URL(lfs.gateway.origin);
    const before = lfs.gateway.requests.length;
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      `PUT /acme/${lfs.name}.git/info/lfs/objects/${oid} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\n` +
        `content-length: ${size}\r\n\r\n`,
    );
    socket.write(content.subarray(0, 50_000));
    await eventually(async () => (await lfs.files()).length === 1, { description: "the upload being under way" });
    socket.destroy();
    await eventually(() => lfs.gateway.requests.length > before, { description: "the request being over" });
    expect(await lfs.files()).toEqual([]);
  });

  test("an upload without a length is checked against the size it was announced with", async () => {
    const chunked = (bytes: Buffer) =>
      fetch(`${lfs.gateway.origin}/acme/${lfs.name}.git/info/lfs/objects/${oid}?size=${size}`, {
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
    expect(await lfs.files()).toEqual([]);
    expect((await chunked(content)).status).toBe(200);
    expect(await lfs.files()).toEqual([oid]);
  });

  test("more at once than a repository may have under way is told to wait", async () => {
    const { port } = new URL(lfs.gateway.origin);
    const sockets = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const socket = connect(Number(port), "127.0.0.1");
        await once(socket, "connect");
        socket.write(
          `PUT /acme/${lfs.name}.git/info/lfs/objects/${oid} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice-token\r\n` +
            `content-length: ${size}\r\n\r\nx`,
        );
        return socket;
      }),
    );
    await eventually(async () => (await lfs.files()).length === 4, { description: "the uploads being under way" });
    const refused = await lfs.batch("download", [{ oid, size }]);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(refused.body).toMatchObject({
      message: `repository "acme/${lfs.name}" has 4 Git LFS requests under way, which is its limit; try again in a moment`,
    });
    expect((await lfs.gateway.git(["ls-remote", lfs.gateway.url(lfs.name)])).code).toBe(0);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await lfs.batch("download", [{ oid, size }])).status === 200, {
      description: "the repository having room again",
    });
    expect(await lfs.files()).toEqual([]);
  });
});
