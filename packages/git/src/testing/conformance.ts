import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BackendConflictError, type GitBackend, RepositoryMissingError } from "../backend/git-backend.ts";
import { readRefs } from "../objects/refs.ts";
import { gitText, runGit } from "../process/git-process.ts";
import { zeroObjectId } from "../wire/object-id.ts";

export interface BackendFixture {
  backend: GitBackend;
  dispose(): Promise<void>;
}

/**
 * What every GitBackend promises, as tests. Call it in a test file of the implementation; each test gets a backend without
 * repositories.
 */
export function gitBackendConformance(makeBackend: () => Promise<BackendFixture>): void {
  let fixture: BackendFixture;
  let backend: GitBackend;
  const shop = { namespace: "acme", name: "shop", uid: "uid-1" };

  beforeEach(async () => {
    fixture = await makeBackend();
    backend = fixture.backend;
  });
  afterEach(() => fixture.dispose());

  /** A commit without files on top of `parents`, in the repository but below no ref. */
  async function commit(gitDir: string, message: string, ...parents: string[]): Promise<string> {
    const tree = await gitText(["hash-object", "-w", "-t", "tree", "--stdin"], { gitDir, stdin: "" });
    const env = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b" };
    return gitText(["commit-tree", tree, "-m", message, ...parents.flatMap((parent) => ["-p", parent])], {
      gitDir,
      env,
    });
  }

  describe("provisioning", () => {
    test("a new repository is empty, healthy, listed, and has the default branch asked for", async () => {
      expect(await backend.ensure(shop, { defaultBranch: "trunk" })).toEqual({
        outcome: "Created",
        id: expect.any(String),
      });
      const { gitDir } = await backend.open(shop);
      expect(await gitText(["symbolic-ref", "HEAD"], { gitDir })).toBe("refs/heads/trunk");
      expect(await gitText(["for-each-ref"], { gitDir })).toBe("");
      expect(await backend.health()).toEqual({ state: "Healthy" });
      expect(await backend.health(shop)).toEqual({ state: "Healthy" });
      expect((await backend.list()).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(["acme/shop"]);
    });

    test("doing it again changes nothing", async () => {
      const { id } = await backend.ensure(shop);
      expect(await backend.ensure(shop)).toEqual({ outcome: "Unchanged", id });
    });

    test("many at once leave one repository", async () => {
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => backend.ensure(shop)));
      expect(new Set(outcomes.map(({ id }) => id)).size).toBe(1);
      expect(await backend.health(shop)).toEqual({ state: "Healthy" });
    });

    test("the name of a living repository cannot be taken by another object", async () => {
      await backend.ensure(shop);
      await expect(backend.ensure({ ...shop, uid: "uid-2" })).rejects.toThrow(BackendConflictError);
    });

    test("the default branch can be changed, also to one that does not exist yet", async () => {
      await backend.ensure(shop);
      await backend.setDefaultBranch(shop, "next");
      const { gitDir } = await backend.open(shop);
      expect(await gitText(["symbolic-ref", "HEAD"], { gitDir })).toBe("refs/heads/next");
      await expect(backend.setDefaultBranch(shop, "../x")).rejects.toThrow(/not a valid branch name/);
    });

    test("a repository that is not there is said to be missing", async () => {
      await expect(backend.open(shop)).rejects.toThrow(RepositoryMissingError);
      await expect(backend.setDefaultBranch(shop, "main")).rejects.toThrow(RepositoryMissingError);
      expect(await backend.health(shop)).toMatchObject({ state: "Degraded", reason: "RepositoryMissing" });
    });

    test.each(["..", "a/b", "A", ".git", "-x", "a..b", ""])("the name %j is refused", async (name) => {
      await expect(backend.ensure({ namespace: "acme", name })).rejects.toThrow(/DNS-1123/);
      await expect(backend.ensure({ namespace: name, name: "shop" })).rejects.toThrow(/DNS-1123/);
    });
  });

  describe("removal", () => {
    test("Delete removes the data, and doing it again is no error", async () => {
      await backend.ensure(shop);
      await backend.remove(shop, "Delete");
      await expect(backend.open(shop)).rejects.toThrow(RepositoryMissingError);
      await backend.remove(shop, "Delete");
      expect((await backend.ensure({ ...shop, uid: "uid-2" })).outcome).toBe("Created");
    });

    test("Retain keeps the data for whoever takes the name next", async () => {
      await backend.ensure(shop);
      const { gitDir, beginRefTransaction } = await backend.open(shop);
      const id = await commit(gitDir, "kept");
      const transaction = beginRefTransaction([{ ref: "refs/heads/main", newId: id, expectedOldId: zeroObjectId }]);
      await transaction.prepare();
      await transaction.commit();
      await backend.remove(shop, "Retain");
      const heir = { ...shop, uid: "uid-2" };
      expect((await backend.ensure(heir)).outcome).toBe("AdoptedExisting");
      expect((await readRefs(["refs/heads/main"], await backend.open(heir))).get("refs/heads/main")).toBe(id);
    });

    test("a late deletion for the former holder leaves the new one's data alone", async () => {
      await backend.ensure(shop);
      await backend.remove(shop, "Retain");
      await backend.ensure({ ...shop, uid: "uid-2" });
      await backend.remove(shop, "Delete");
      expect(await backend.health({ ...shop, uid: "uid-2" })).toEqual({ state: "Healthy" });
    });
  });

  describe("ref transactions", () => {
    async function repositoryWith(...messages: string[]) {
      await backend.ensure(shop);
      const repository = await backend.open(shop);
      const ids: string[] = [];
      for (const message of messages) ids.push(await commit(repository.gitDir, message, ...ids.slice(-1)));
      return {
        repository,
        ids,
        refs: () => gitText(["for-each-ref", "--format=%(refname) %(objectname)"], { gitDir: repository.gitDir }),
      };
    }

    test("refs are created, moved and deleted together, and not before commit", async () => {
      const { repository, ids, refs } = await repositoryWith("one", "two");
      const [one = "", two = ""] = ids;
      const create = repository.beginRefTransaction([
        { ref: "refs/heads/a", newId: one, expectedOldId: zeroObjectId },
        { ref: "refs/tags/b", newId: one, expectedOldId: zeroObjectId },
      ]);
      expect(await create.prepare()).toEqual([
        { ref: "refs/heads/a", ok: true },
        { ref: "refs/tags/b", ok: true },
      ]);
      expect(await refs()).toBe("");
      await create.commit();
      const move = repository.beginRefTransaction([
        { ref: "refs/heads/a", newId: two, expectedOldId: one },
        { ref: "refs/tags/b", newId: zeroObjectId, expectedOldId: one },
      ]);
      await move.prepare();
      await move.commit();
      expect(await refs()).toBe(`refs/heads/a ${two}`);
    });

    test("a merge lands with its base expected, and everything can be fetched", async () => {
      const { repository, ids } = await repositoryWith("base");
      const [base = ""] = ids;
      const { gitDir } = repository;
      const [ours, theirs] = [await commit(gitDir, "ours", base), await commit(gitDir, "theirs", base)];
      const merged = await commit(gitDir, "merge", ours, theirs);
      for (const [newId, expectedOldId] of [
        [ours, zeroObjectId],
        [merged, ours],
      ] as const) {
        const move = repository.beginRefTransaction([{ ref: "refs/heads/main", newId, expectedOldId }]);
        expect(await move.prepare()).toEqual([{ ref: "refs/heads/main", ok: true }]);
        await move.commit();
      }
      const again = repository.beginRefTransaction([{ ref: "refs/heads/main", newId: theirs, expectedOldId: ours }]);
      expect(await again.prepare()).toMatchObject([{ ok: false, failure: "moved" }]);
      const copy = await mkdtemp(join(tmpdir(), "krate-copy-"));
      try {
        await runGit(["clone", "--quiet", "--mirror", gitDir, copy], {
          config: { "protocol.file.allow": "always", "safe.directory": gitDir },
        });
        const log = await gitText(["log", "--format=%s", "--topo-order", "main"], { gitDir: copy });
        expect(log.split("\n").toSorted()).toEqual(["base", "merge", "ours", "theirs"]);
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    });

    test("a wrong old value fails all refs, names the guilty one, and leaves no lock", async () => {
      const { repository, ids, refs } = await repositoryWith("one", "two");
      const [one = "", two = ""] = ids;
      const first = repository.beginRefTransaction([{ ref: "refs/heads/a", newId: one, expectedOldId: zeroObjectId }]);
      await first.prepare();
      await first.commit();
      const wrong = repository.beginRefTransaction([
        { ref: "refs/heads/a", newId: one, expectedOldId: two },
        { ref: "refs/heads/b", newId: two, expectedOldId: zeroObjectId },
      ]);
      expect(await wrong.prepare()).toMatchObject([
        { ref: "refs/heads/a", ok: false, failure: "moved" },
        { ref: "refs/heads/b", ok: false, failure: "sibling" },
      ]);
      const again = repository.beginRefTransaction([{ ref: "refs/heads/b", newId: two, expectedOldId: zeroObjectId }]);
      expect(await again.prepare()).toEqual([{ ref: "refs/heads/b", ok: true }]);
      await again.abort();
      expect(await refs()).toBe(`refs/heads/a ${one}`);
    });

    test("a ref cannot be created below another", async () => {
      const { repository, ids } = await repositoryWith("one");
      const [one = ""] = ids;
      const first = repository.beginRefTransaction([{ ref: "refs/heads/a", newId: one, expectedOldId: zeroObjectId }]);
      await first.prepare();
      await first.commit();
      const below = repository.beginRefTransaction([
        { ref: "refs/heads/a/b", newId: one, expectedOldId: zeroObjectId },
      ]);
      expect(await below.prepare()).toMatchObject([{ ok: false, failure: "conflict" }]);
    });

    test("of two transactions for one ref one wins", async () => {
      const { repository, ids, refs } = await repositoryWith("one", "two");
      const contenders = ids.map((newId) =>
        repository.beginRefTransaction([{ ref: "refs/heads/a", newId, expectedOldId: zeroObjectId }]),
      );
      const outcomes = await Promise.all(
        contenders.map(async (transaction) => {
          const [result] = await transaction.prepare();
          if (result?.ok) await transaction.commit();
          return result?.ok;
        }),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await refs()).toMatch(/^refs\/heads\/a [0-9a-f]{40}$/);
    });
  });
}
