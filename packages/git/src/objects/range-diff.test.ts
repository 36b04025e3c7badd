import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { gitText, runGit } from "../process/git-process.ts";
import { commitTree } from "./merge.ts";
import { parseRangeDiff, RangeTooLongError, rangeDiff } from "./range-diff.ts";

const person = { name: "Ada", email: "ada@example.org", at: "2026-01-02T03:04:05Z" };
let folder: string;
let gitDir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "krate-range-diff-"));
  gitDir = join(folder, "r.git");
  await runGit(["init", "-q", "--bare", "-b", "main", gitDir]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function commit(files: Record<string, string>, message: string, ...parents: string[]): Promise<string> {
  const env = { GIT_INDEX_FILE: join(folder, `index-${Math.random()}`) };
  for (const [path, stdin] of Object.entries(files)) {
    const blob = await gitText(["hash-object", "-w", "--stdin"], { gitDir, stdin });
    await runGit(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`], { gitDir, env });
  }
  const treeId = await gitText(["write-tree"], { gitDir, env });
  return commitTree({ treeId, parents, message, author: person, committer: person }, { gitDir });
}

const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
const text = (changes: Record<number, string> = {}) => `${lines.map((line, at) => changes[at] ?? line).join("\n")}\n`;

test("a rebased series: kept, changed, dropped and new commits, across a move of the base", async () => {
  const base = await commit({ f: text() }, "base");
  const oldOne = await commit({ f: text({ 2: "two" }) }, "two", base);
  const oldTwo = await commit({ f: text({ 2: "two", 14: "fourteen" }) }, "fourteen = 14", oldOne);
  const oldHead = await commit({ f: text({ 2: "two", 14: "fourteen" }), gone: "g\n" }, "dropped", oldTwo);
  const newBase = await commit({ f: text(), other: "o\n" }, "base moved", base);
  const newOne = await commit({ f: text({ 2: "two" }), other: "o\n" }, "two", newBase);
  const newTwo = await commit({ f: text({ 2: "two", 14: "FOURTEEN" }), other: "o\n" }, "fourteen = 14", newOne);
  const fresh = { f: text({ 2: "two", 14: "FOURTEEN" }), other: "o\n", "new.txt": "quite\nanother\nfile\n" };
  const newHead = await commit(fresh, "added", newTwo);

  const compare = (options: { patches?: boolean; maxCommits?: number }) =>
    rangeDiff({ base, head: oldHead }, { base: newBase, head: newHead }, options, { gitDir });
  const [same, changed, ...others] = await compare({ patches: true });
  expect(same).toEqual({
    state: "same",
    old: { index: 1, id: oldOne },
    new: { index: 1, id: newOne },
    subject: "two",
  });
  expect(changed).toMatchObject({
    state: "changed",
    old: { index: 2, id: oldTwo },
    new: { index: 2, id: newTwo },
    subject: "fourteen = 14",
    diff: expect.stringContaining("-+fourteen\n++FOURTEEN\n"),
  });
  expect(others.map(({ state, subject }) => [state, subject]).sort()).toEqual([
    ["added", "added"],
    ["removed", "dropped"],
  ]);
  expect((await compare({})).every(({ diff }) => diff === undefined)).toBe(true);
  await expect(compare({ maxCommits: 2 })).rejects.toThrow(RangeTooLongError);
  await expect(compare({ maxCommits: 3 })).resolves.toHaveLength(4);
});

test("a subject that looks like a pair stays a subject, and a patch line that does stays in the patch", () => {
  const id = "a".repeat(40);
  const other = "b".repeat(40);
  const none = "-".repeat(40);
  const output = `1:  ${id} ! 1:  ${other} 2: ${id} = 2: ${id}\n    1:  ${id} = 1:  ${id} x\n    @@\n-:  ${none} > 2:  ${other} \n`;
  expect(parseRangeDiff(output)).toEqual([
    {
      state: "changed",
      old: { index: 1, id },
      new: { index: 1, id: other },
      subject: `2: ${id} = 2: ${id}`,
      diff: `1:  ${id} = 1:  ${id} x\n@@\n`,
    },
    { state: "added", new: { index: 2, id: other }, subject: "" },
  ]);
});
