import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type TestRepository, testRepository } from "../testing/bare-repository.ts";
import { Analyses } from "./analysis.ts";

const analyze = (gitDirs: string[], commits: { headSha: string; baseSha: string }) =>
  new Analyses().of(gitDirs, commits);

describe("what git says about head and base", () => {
  let repo: TestRepository;
  beforeEach(async () => {
    repo = await testRepository();
    await repo.tree.branch("topic");
  });
  afterEach(async () => {
    await repo[Symbol.asyncDispose]();
  });
  const push = () => repo.tree.git("push", "-q", "-f", "origin", "main", "topic");
  const commits = async () => ({ headSha: await repo.at("topic"), baseSha: await repo.at("main") });

  test("changes are those of the head since the merge base, renames and binary files told", async () => {
    const text = await repo.git("show", "main:README.md");
    const fork = await repo.at("main");
    await repo.tree.commit("work", {
      "README.md": null,
      "docs/README.md": `${text}\nnine\n`,
      bin: "\u0000\u0001",
      "a.txt": "a\nb\n",
    });
    await repo.tree.checkout("main");
    await repo.tree.commit("elsewhere", { "other.txt": "o\n" });
    await push();
    expect(await analyze([repo.gitDir], await commits())).toMatchObject({
      mergeBaseSha: fork,
      merge: { kind: "clean" },
      files: [{ path: "a.txt" }, { path: "bin" }, { path: "docs/README.md", previousPath: "README.md" }],
      additions: 3,
      deletions: 0,
    });
  });

  test("a conflict names its paths", async () => {
    await repo.tree.commit("mine", { "README.md": "mine\n", "b.txt": "mine\n" });
    await repo.tree.checkout("main");
    await repo.tree.commit("theirs", { "README.md": "theirs\n", "b.txt": "theirs\n" });
    await push();
    const { merge } = await analyze([repo.gitDir], await commits());
    expect(merge).toEqual({ kind: "conflicting", paths: ["README.md", "b.txt"] });
  });

  test("a head without a commit of its own has nothing to merge", async () => {
    await push();
    expect(await analyze([repo.gitDir], await commits())).toMatchObject({ merge: { kind: "nothing" }, files: [] });
  });

  test("without common history everything is new", async () => {
    await repo.tree.git("checkout", "-q", "--orphan", "alone");
    await repo.tree.git("rm", "-rfq", ".");
    await repo.tree.commit("alone", { "x.txt": "x\n" });
    await repo.tree.git("branch", "-f", "topic");
    await push();
    const analysis = await analyze([repo.gitDir], await commits());
    expect(analysis.mergeBaseSha).toBeUndefined();
    expect(analysis.merge.kind).toBe("clean");
  });

  test("nothing is written to the repository", async () => {
    await repo.tree.commit("work", { "a.txt": "a\n" });
    await repo.tree.checkout("main");
    await repo.tree.commit("elsewhere", { "other.txt": "o\n" });
    await push();
    const before = await repo.git("count-objects", "-v");
    await analyze([repo.gitDir], await commits());
    expect(await repo.git("count-objects", "-v")).toBe(before);
  });

  test("one pair of commits is analysed once, a failure is not kept", async () => {
    await repo.tree.commit("work", { "a.txt": "a\n" });
    await push();
    const cache = new Analyses(1);
    const pair = await commits();
    expect(await cache.of([repo.gitDir], pair)).toBe(await cache.of([repo.gitDir], pair));
    const unknown = { ...pair, headSha: "f".repeat(40) };
    await expect(cache.of([repo.gitDir], unknown)).rejects.toThrow();
    await expect(cache.of([repo.gitDir], unknown)).rejects.toThrow();
  });
});
