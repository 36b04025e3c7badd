/** Large files in buckets of a real S3 server (Versity's gateway, hack/control-plane.d/modules/versitygw). */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type S3Server, skipWithout, startS3Server, type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { LfsRepositories, lfsStoreConformance, newObject, pieces } from "../testing/lfs-store-conformance.ts";
import { type LfsRepository, LfsUnavailableError } from "./lfs-store.ts";
import { S3LfsStore } from "./s3-store.ts";

const never = new AbortController().signal;

skipWithout("s3")("large files in a bucket", () => {
  let server: S3Server;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    folder = await temporaryFolder("s3");
    server = await startS3Server(folder.path, ["media", "other"]);
  }, 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.remove();
  });

  function storeOf(bucket: string, prefix?: string): S3LfsStore {
    const config = { bucket, endpoint: server.url, region: "us-east-1", forcePathStyle: true };
    return new S3LfsStore(bucket, { ...config, ...(prefix && { prefix }) }, server.credentials);
  }

  async function keysIn(bucket: string): Promise<string[]> {
    const root = server.bucketFolder(bucket);
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  }

  lfsStoreConformance(async () => ({
    store: storeOf("media", "platform"),
    files: async ({ view }: LfsRepository) =>
      (await keysIn("media")).filter((key) => key.startsWith(`platform/acme/${view.name}/`)),
  }));

  describe("and besides", () => {
    let repositories: LfsRepositories;
    beforeAll(async () => {
      repositories = await LfsRepositories.create();
    });
    afterAll(() => repositories.folder.remove());

    test("lie under the prefixes of the platform and of the repository", async () => {
      const repository = await repositories.add("prefixed", { prefix: "/team-a/art/" });
      const object = newObject();
      await storeOf("other", "krate").write(repository, object, pieces(object.content), never);
      expect((await keysIn("other")).map((key) => key.replace(/[0-9a-f-]{36}/, "<id>"))).toEqual([
        `krate/team-a/art/acme/prefixed/<id>/${object.oid.slice(0, 2)}/${object.oid}`,
      ]);
    });

    test.each(["../acme", "a//b", "a/./b", "a b", "..", "a\\b", "ü"])(
      "a prefix such as %j names no key",
      async (prefix) => {
        const repository = await repositories.add(undefined, { prefix });
        const object = newObject();
        await expect(storeOf("other").write(repository, object, pieces(object.content), never)).rejects.toThrow(
          /^spec\.objectStorage\.prefix of repository "acme\/.*" must be names of letters/,
        );
      },
    );

    test("a bucket that is not there, and credentials that do not count, are failures of the storage", async () => {
      const repository = await repositories.add();
      const object = newObject();
      const write = (store: S3LfsStore) => store.write(repository, object, pieces(object.content), never);
      await expect(write(storeOf("nowhere"))).rejects.toBeInstanceOf(LfsUnavailableError);
      const config = { bucket: "media", endpoint: server.url, region: "us-east-1", forcePathStyle: true };
      const stranger = new S3LfsStore("media", config, { accessKeyId: "nobody", secretAccessKey: "none" });
      await expect(write(stranger)).rejects.toThrow(/^large files cannot be reached at the moment: bucket "media"/);
      await expect(stranger.sizeOf(repository, object.oid)).rejects.toBeInstanceOf(LfsUnavailableError);
    });

    test("a server that is down is a failure of the storage; when it is back all is there", async () => {
      const repository = await repositories.add();
      const store = storeOf("media");
      const object = newObject();
      await store.write(repository, object, pieces(object.content), never);
      await server.stop();
      try {
        await expect(store.sizeOf(repository, object.oid)).rejects.toBeInstanceOf(LfsUnavailableError);
        await expect(store.read(repository, object.oid)).rejects.toBeInstanceOf(LfsUnavailableError);
        await expect(store.write(repository, object, pieces(object.content), never)).rejects.toBeInstanceOf(
          LfsUnavailableError,
        );
      } finally {
        await server.start();
      }
      expect(await store.sizeOf(repository, object.oid)).toBe(object.size);
    }, 60_000);
  });
});
