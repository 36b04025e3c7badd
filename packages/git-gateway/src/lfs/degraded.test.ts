/** A repository whose large files are in a bucket, while the bucket is away: Git goes on, only Git LFS says why it cannot (GIT-21). */
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type S3Server, skipWithout, startS3Server, type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { GatewayFixture, git, ok } from "../testing/gateway-fixture.ts";
import { lfsMediaType } from "./protocol.ts";
import { S3LfsStore } from "./s3-store.ts";

skipWithout(
  "s3",
  "git",
  "git-lfs",
)("a bucket of large files", () => {
  let folder: TemporaryFolder;
  let server: S3Server;
  let gateway: GatewayFixture;

  beforeAll(async () => {
    folder = await temporaryFolder("bucket");
    server = await startS3Server(folder.path, ["media"]);
    const config = { bucket: "media", endpoint: server.url, region: "us-east-1", forcePathStyle: true };
    const stores = new Map([["media", new S3LfsStore("media", config, server.credentials)]]);
    gateway = await GatewayFixture.start({}, {}, { buckets: { stores, defaultBucket: undefined } });
  }, 60_000);
  afterAll(async () => {
    await gateway?.stop();
    await server?.[Symbol.asyncDispose]();
    await folder?.remove();
  });

  const lfs = (args: string[], cwd = gateway.folder, env: NodeJS.ProcessEnv = {}) =>
    git(
      [
        ...[
          "process=git-lfs filter-process",
          "clean=git-lfs clean -- %f",
          "smudge=git-lfs smudge -- %f",
          "required=true",
        ].flatMap((setting) => ["-c", `filter.lfs.${setting}`]),
        // git-lfs tries again for minutes otherwise.
        ...["-c", "lfs.transfer.maxretries=1", "-c", "lfs.transfer.maxretrydelay=1"],
        ...args,
      ],
      cwd,
      env,
    );

  const download = async (object: { oid: string; size: number }) => {
    const response = await fetch(`${gateway.origin}/acme/art.git/info/lfs/objects/batch`, {
      method: "POST",
      headers: { authorization: "Bearer alice-token", "content-type": lfsMediaType },
      body: JSON.stringify({ operation: "download", objects: [object] }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as { message: string } };
  };

  test("that is away stops large files and nothing else; when it is back they are all there", async () => {
    await gateway.createRepository("art", { lfs: { enabled: true, bucket: "media", prefix: "art" } });
    const content = randomBytes(2_000_000);
    const work = await gateway.workTree("art-work", "art");
    await ok(lfs(["lfs", "install", "--local"], work));
    await ok(lfs(["lfs", "track", "*.bin"], work));
    await writeFile(join(work, "a.bin"), content);
    await ok(lfs(["add", "-A"], work));
    await ok(lfs(["commit", "-q", "-m", "large"], work));
    await ok(lfs(["push", "-q", "origin", "main"], work));
    await ok(lfs(["clone", "-q", gateway.url("art"), "art-before"]));
    expect((await readFile(join(gateway.folder, "art-before/a.bin"))).equals(content)).toBe(true);

    await server.stop();
    try {
      const object = { oid: createHash("sha256").update(content).digest("hex"), size: content.length };
      const { status, headers, body } = await download(object);
      expect([status, headers.get("retry-after")]).toEqual([503, "10"]);
      expect(body).toEqual({
        message: expect.stringMatching(
          /^large files cannot be reached at the moment: bucket "media" does not answer .*; try again later \(commits, trees and small files are not affected/,
        ),
        request_id: headers.get("x-request-id"),
      });
      await ok(lfs(["clone", "-q", gateway.url("art"), "art-without"], gateway.folder, { GIT_LFS_SKIP_SMUDGE: "1" }));
      await gateway.commit(join(gateway.folder, "art-without"), "small.txt", "small\n", "small");
      await ok(gateway.git(["push", "-q", "origin", "main"], join(gateway.folder, "art-without")));
      const clone = await lfs(["clone", gateway.url("art"), "art-failed"]);
      expect(clone.code).not.toBe(0);
      expect(clone.stderr).toContain("large files cannot be reached at the moment");
    } finally {
      await server.start();
    }
    await ok(lfs(["lfs", "pull"], join(gateway.folder, "art-without")));
    expect((await readFile(join(gateway.folder, "art-without/a.bin"))).equals(content)).toBe(true);
  }, 180_000);
});
