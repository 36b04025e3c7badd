/** The Git LFS API as well-formed requests of people who may and may not. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type LfsAnswer, LfsApiFixture } from "../testing/lfs-api-fixture.ts";
import { newObject } from "../testing/lfs-store-conformance.ts";

let lfs: LfsApiFixture;
beforeAll(async () => {
  lfs = await LfsApiFixture.start();
});
afterAll(() => lfs.gateway.stop());
beforeEach(() => lfs.nextRepository());

describe("a large file", () => {
  test("is announced, sent, verified, announced again, and fetched whole and in parts", async () => {
    const object = newObject();
    const { oid, size } = object;
    const base = `${lfs.gateway.origin}/acme/${lfs.name}.git/info/lfs/objects`;
    expect(await lfs.batch("upload", [{ oid, size }])).toMatchObject({
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
    expect(await lfs.call("objects/verify", { body: { oid, size } })).toMatchObject({ status: 404 });
    expect(await lfs.put(object)).toMatchObject({ status: 200, body: "" });
    expect(await lfs.call("objects/verify", { body: { oid, size } })).toMatchObject({ status: 200 });
    expect((await lfs.batch("upload", [{ oid, size }])).body).toMatchObject({ objects: [{ oid, size }] });
    expect((await lfs.batch("download", [{ oid, size }], { token: "bob-token" })).body).toMatchObject({
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
    const beyond = await lfs.call(`objects/${oid}`, { headers: { range: "bytes=100000-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */100000"]);
  });

  test("of another repository is not found, neither by its batch nor by its link", async () => {
    const object = newObject();
    await lfs.put(object);
    const mine = lfs.name;
    const other = `other-of-${lfs.name}`;
    await lfs.gateway.createRepository(other);
    const { oid, size } = object;
    expect((await lfs.batch("download", [{ oid, size }], { repository: other })).body).toMatchObject({
      objects: [{ oid, size, error: { code: 404, message: expect.stringContaining(`"acme/${other}" has no object`) } }],
    });
    expect((await lfs.call(`objects/${oid}`, { repository: other })).status).toBe(404);
    expect((await lfs.call(`objects/${oid}`, { repository: mine })).status).toBe(200);
    expect((await lfs.batch("upload", [{ oid, size }], { repository: other })).body).toMatchObject({
      objects: [{ actions: { upload: {} } }],
    });
  });

  test("of a batch that has some and has not others is answered each for itself", async () => {
    const [there, missing, lied] = [newObject(), newObject(), newObject()];
    await lfs.put(there);
    await lfs.put(lied);
    const asked = [there, missing, { ...lied, size: 5 }].map(({ oid, size }) => ({ oid, size }));
    const answer = await lfs.batch("download", [
      ...asked,
      { oid: "../../../../etc/passwd", size: 1 },
      { oid: there.oid },
    ]);
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
    const answers: Record<string, LfsAnswer> = {
      download: await lfs.batch("download", [item], { token }),
      upload: await lfs.batch("upload", [item], { token }),
      put: await lfs.put(object, { token }),
      get: await lfs.call(`objects/${object.oid}`, { token }),
      locks: await lfs.call("locks", { token }),
      lock: await lfs.call("locks", { token, body: { path: "a.psd" } }),
      verifyLocks: await lfs.call("locks/verify", { token, body: {} }),
    };
    expect(Object.fromEntries(Object.entries(answers).map(([what, { status }]) => [what, status]))).toEqual(statuses);
    const challenges = Object.values(answers)
      .filter(({ status }) => status === 401)
      .map(({ headers }) => headers.get("lfs-authenticate"));
    expect(challenges.every((challenge) => challenge?.startsWith("Basic realm="))).toBe(true);
  });

  test("a refusal is a message in the form of Git LFS, with what to do and the id to ask about", async () => {
    const { body, headers } = await lfs.batch("upload", [item], { token: "bob-token" });
    expect(body).toEqual({
      message:
        `"bob" cannot update repositories/content.krate.a5c.ai "${lfs.name}" in namespace "acme": no RBAC rule grants it; ` +
        "ask a repository admin for a RepositoryPermission",
      request_id: headers.get("x-request-id"),
    });
  });

  test("anybody reads from a public repository, nobody writes", async () => {
    await lfs.put(object);
    const view = lfs.gateway.cluster.repositories.get(`acme/${lfs.name}`);
    if (view) view.visibility = "public";
    expect((await lfs.batch("download", [item], { token: null })).body).toMatchObject({
      objects: [{ actions: { download: {} } }],
    });
    expect((await lfs.call(`objects/${object.oid}`, { token: null })).status).toBe(200);
    expect((await lfs.batch("upload", [item], { token: null })).status).toBe(401);
  });

  test("switched off, nothing is uploaded or locked; what is there can be read", async () => {
    await lfs.put(object);
    const locked = await lfs.call("locks", { body: { path: "old" } });
    const view = lfs.gateway.cluster.repositories.get(`acme/${lfs.name}`);
    if (view) view.lfs = { enabled: false };
    const refused = await lfs.batch("upload", [item]);
    expect([refused.status, (refused.body as { message: string }).message]).toEqual([
      403,
      `Git LFS is switched off for repository "acme/${lfs.name}": set spec.objectStorage.lfs.enabled to true`,
    ]);
    expect((await lfs.put(newObject())).status).toBe(403);
    expect((await lfs.call("locks", { body: { path: "a" } })).status).toBe(403);
    const { lock } = locked.body as { lock: { id: string } };
    expect((await lfs.call("locks/verify", { body: {} })).body).toEqual({ ours: [lock], theirs: [] });
    expect((await lfs.call(`locks/${lock.id}/unlock`, { body: {} })).status).toBe(200);
    expect((await lfs.batch("download", [item])).body).toMatchObject({ objects: [{ actions: { download: {} } }] });
  });

  test("an archived repository takes no uploads", async () => {
    const view = lfs.gateway.cluster.repositories.get(`acme/${lfs.name}`);
    if (view) view.archived = true;
    const answers = [
      await lfs.batch("upload", [item]),
      await lfs.put(object),
      await lfs.call("locks", { body: { path: "a" } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(answers[0]?.body).toMatchObject({ message: expect.stringContaining("is archived and read-only") });
  });

  test("a bucket the platform does not know is said to be so; Git is not affected", async () => {
    const view = lfs.gateway.cluster.repositories.get(`acme/${lfs.name}`);
    if (view) view.lfs = { enabled: true, bucket: "nowhere" };
    const answer = await lfs.batch("download", [item]);
    expect(answer.status).toBe(501);
    expect(answer.body).toMatchObject({
      message: expect.stringContaining(
        `bucketRef of repository "acme/${lfs.name}" is "nowhere", a bucket this gateway does not know`,
      ),
    });
    expect((await lfs.gateway.git(["ls-remote", lfs.gateway.url(lfs.name)])).code).toBe(0);
  });
});
