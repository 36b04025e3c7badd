/** The embedded index when something goes wrong: restarts, damage, hostile queries, too many of them. */
import { readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { Background } from "../background/jobs.ts";
import { BusyError, type IndexedRepository } from "../engine/code-search.ts";
import { parseQuery } from "../query/parse.ts";
import { type Files, GitRepository } from "../testing/git-repository.ts";
import { EmbeddedSearch } from "./embedded-search.ts";

const small: IndexedRepository = { uid: "small", namespace: "acme", name: "small" };
const huge: IndexedRepository = { uid: "huge", namespace: "acme", name: "huge" };
const signal = new AbortController().signal;

describe("the embedded index", () => {
  let folder: TemporaryFolder;
  let background: Background;
  let engine: EmbeddedSearch;
  let damaged: string[];

  beforeEach(async () => {
    folder = await temporaryFolder("code-search");
    background = new Background();
    damaged = [];
    engine = start();
  });
  afterEach(async () => {
    await engine.close();
    await background.close();
    await folder.remove();
  });

  function start(limits: { seconds?: number; fileBytes?: number; documents?: number } = {}): EmbeddedSearch {
    return new EmbeddedSearch({
      folder: join(folder.path, "index"),
      background,
      limits,
      onDamaged: (uid) => damaged.push(uid),
    });
  }

  async function index(repository: IndexedRepository, files: Files) {
    const git = await GitRepository.create(join(folder.path, `${repository.uid}.git`));
    const branches = [await git.write("main", files)];
    return engine.index({ repository, branches, gitDir: git.gitDir, signal });
  }

  const search = (query: string, repositories = [small]) =>
    engine.search({ query: parseQuery(query), repositories, limit: 10, signal });
  const paths = async (query: string, repositories = [small]) =>
    (await search(query, repositories)).files.map(({ path }) => path);
  const indexFile = () =>
    join(folder.path, "index", readdirSync(join(folder.path, "index")).find((name) => name.endsWith(".sqlite")) ?? "");

  test("a restart finds what was indexed", async () => {
    await index(small, { "a.txt": "needle\n" });
    const tips = await engine.indexed(small);
    await engine.close();
    engine = start();
    expect(await engine.known()).toEqual(["small"]);
    expect(await engine.indexed(small)).toEqual(tips);
    expect(await paths("needle")).toEqual(["a.txt"]);
  });

  test.each<[string, (file: string) => void]>([
    ["overwritten", (file) => writeFileSync(file, "this is no database, it only has its name. ".repeat(500))],
    ["cut short", (file) => truncateSync(file, 5000)],
    ["empty", (file) => truncateSync(file, 0)],
  ])("an index that is %s is forgotten, told, and built anew", async (_how, damage) => {
    await index(small, { "a.txt": "needle\n" });
    await engine.close();
    damage(indexFile());
    engine = start();
    expect(await search("needle")).toMatchObject({ files: [], incomplete: true });
    expect({ damaged, indexed: await engine.indexed(small), known: await engine.known() }).toEqual({
      damaged: ["small"],
      indexed: undefined,
      known: [],
    });
    await index(small, { "a.txt": "needle\n" });
    expect(await search("needle")).toMatchObject({ files: [{ path: "a.txt" }], incomplete: false });
  });

  test("an index that cannot be made leaves the one before", async () => {
    await index(small, { "a.txt": "needle\n" });
    const branches = [{ name: "main", commit: "0123456789".repeat(4) }];
    const failing = engine.index({ repository: small, branches, gitDir: join(folder.path, "small.git"), signal });
    await expect(failing).rejects.toThrow(/ls-tree failed/);
    expect(await paths("needle")).toEqual(["a.txt"]);
  });

  test("what is binary, too large or too much is counted, and found by its path as far as it is indexed", async () => {
    await engine.close();
    engine = start({ fileBytes: 100, documents: 3 });
    const files = {
      "a.bin": Buffer.from("needle\0"),
      "b.txt": `needle ${"x".repeat(200)}`,
      "c.txt": "needle",
      "d.txt": "needle",
    };
    expect(await index(small, files)).toEqual({ documents: 3, added: 3, skipped: 3 });
    expect(await paths("needle")).toEqual(["c.txt"]);
    expect(await paths("file:txt|bin")).toEqual(["a.bin", "b.txt", "c.txt"]);
  });

  test("only files that are new are read again", async () => {
    const git = await GitRepository.create(join(folder.path, "small.git"));
    const put = async (files: Files) =>
      engine.index({ repository: small, branches: [await git.write("main", files)], gitDir: git.gitDir, signal });
    expect(await put({ "a.txt": "one", "b.txt": "two" })).toMatchObject({ added: 2 });
    expect(await put({ "a.txt": "one", "b.txt": "two and more", "c.txt": "three" })).toMatchObject({
      added: 2,
      documents: 3,
    });
    expect(await put({ "a.txt": "one" })).toMatchObject({ added: 0, documents: 1 });
    expect(await paths("two or three or one")).toEqual(["a.txt"]);
  });

  describe("a search that would take long", () => {
    /** For backtracking engines exponential in the length of a line; linear here, but there is much of it. */
    const hostile = "(x+x+)+y";
    const files = Object.fromEntries(
      Array.from({ length: 15 }, (_, n) => [`${n}.txt`, `${"x".repeat(1000)} y ${n}\n`.repeat(900)]),
    );

    test("answers with what it has when its time is up, and says so", async () => {
      await engine.close();
      engine = start({ seconds: 0.001 });
      await index(huge, files);
      const answer = await search(hostile, [huge]);
      expect(answer).toMatchObject({ files: [], incomplete: true, next: { uid: "huge" } });
    }, 60_000);

    test("does not hold up another one, and ends when nobody waits for it", async () => {
      await index(huge, files);
      await index(small, { "a.txt": "needle\n" });
      const gone = new AbortController();
      const ended: string[] = [];
      const slow = engine
        .search({ query: parseQuery(hostile), repositories: [huge], limit: 10, signal: gone.signal })
        .then(
          () => ended.push("slow"),
          (error: Error) => ended.push(error.message),
        );
      expect(await paths("needle")).toEqual(["a.txt"]);
      ended.push("quick");
      gone.abort(new Error("the client is gone"));
      await slow;
      expect(ended).toEqual(["quick", "the client is gone"]);
      expect(await paths("needle")).toEqual(["a.txt"]);
    }, 60_000);
  });

  test("more searches than may wait are refused", async () => {
    await index(small, { "a.txt": "needle\n" });
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => search("needle")));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ reason }) => reason instanceof BusyError)).toBe(true);
    expect(await paths("needle")).toEqual(["a.txt"]);
  });
});
