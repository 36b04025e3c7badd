import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { LfsRepositories, lfsStoreConformance, newObject, pieces } from "../testing/lfs-store-conformance.ts";
import { FileLfsStore, lfsFolder } from "./file-store.ts";
import { type LfsRepository, LfsUnavailableError } from "./lfs-store.ts";

const never = new AbortController().signal;

async function filesOf({ backend }: LfsRepository): Promise<string[]> {
  const entries = await readdir(lfsFolder(backend), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe("large files on disk", () => {
  lfsStoreConformance(async () => ({ store: new FileLfsStore(), files: filesOf }));

  describe("and besides", () => {
    let repositories: LfsRepositories;
    beforeAll(async () => {
      repositories = await LfsRepositories.create();
    });
    afterAll(() => repositories.folder.remove());

    test("lie in folders of two bytes each", async () => {
      const repository = await repositories.add();
      const object = newObject();
      await new FileLfsStore().write(repository, object, pieces(object.content), never);
      const { oid } = object;
      expect(await readdir(join(lfsFolder(repository.backend), "objects", oid.slice(0, 2), oid.slice(2, 4)))).toEqual([
        oid,
      ]);
    });

    test("what a crash left behind goes with a later upload, what is under way stays", async () => {
      const repository = await repositories.add();
      const incoming = join(lfsFolder(repository.backend), "incoming");
      await mkdir(incoming, { recursive: true });
      for (const name of ["crashed", "running"]) await writeFile(join(incoming, name), "half");
      const longAgo = new Date(Date.now() - 2 * 3_600_000);
      await utimes(join(incoming, "crashed"), longAgo, longAgo);
      const object = newObject();
      await new FileLfsStore().write(repository, object, pieces(object.content), never);
      expect(await readdir(incoming)).toEqual(["running"]);
    });

    test("a disk that cannot be used is told from content that is wrong", async () => {
      const repository = await repositories.add();
      await mkdir(lfsFolder(repository.backend), { recursive: true });
      await writeFile(join(lfsFolder(repository.backend), "incoming"), "in the way");
      const object = newObject();
      await expect(new FileLfsStore().write(repository, object, pieces(object.content), never)).rejects.toBeInstanceOf(
        LfsUnavailableError,
      );
    });
  });
});
