import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { gitText, runGit } from "../process/git-process.ts";
import { generateHistory } from "./generate-history.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "krate-history-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function generated(name: string, seed: number) {
  const gitDir = join(folder, name);
  await runGit(["init", "-q", "--bare", "-b", "main", gitDir]);
  return { gitDir, summary: await generateHistory(gitDir, { seed, commits: 600 }) };
}

test("the same seed gives the same commit ids, another seed others", async () => {
  const [one, same, other] = await Promise.all([generated("one", 7), generated("same", 7), generated("other", 8)]);
  const tips = await Promise.all([one, same, other].map(({ gitDir }) => gitText(["for-each-ref"], { gitDir })));
  expect(tips[0]).toBe(tips[1]);
  expect(tips[0]).not.toBe(tips[2]);
});

test("the history is sound and holds what a project's does", async () => {
  const { gitDir, summary } = await generated("sound", 3);
  await runGit(["fsck", "--strict", "--no-dangling"], { gitDir });
  expect(Number(await gitText(["rev-list", "--count", "--all"], { gitDir }))).toBe(600);
  expect(Number(await gitText(["rev-list", "--count", "--merges", "--all"], { gitDir }))).toBe(summary.merges);
  expect(summary.merges).toBeGreaterThan(10);
  expect(summary.renames).toBeGreaterThan(10);
  expect(summary.binaries).toBeGreaterThan(5);
  expect(await gitText(["log", "-M", "--diff-filter=R", "--format=%H", "--max-count=1", "main"], { gitDir })).not.toBe(
    "",
  );
  expect((await gitText(["for-each-ref", "--format=%(refname:short)", "refs/heads"], { gitDir })).split("\n")).toEqual(
    summary.branches,
  );
});
