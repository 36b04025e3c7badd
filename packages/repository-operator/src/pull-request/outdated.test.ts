import { expect, test } from "@jest/globals";
import { testRepository } from "../testing/bare-repository.ts";
import { parseHunks, readHunks, touches } from "./outdated.ts";

test("hunk headers with and without counts", () => {
  expect(
    parseHunks("--- a\n+++ b\n@@ -3 +3,2 @@ f() {\n-x\n+@@ -9,9 +1 @@\n@@ -10,0 +12 @@\n@@ -20,5 +0,0 @@\n"),
  ).toEqual([
    { start: 3, count: 1 },
    { start: 10, count: 0 },
    { start: 20, count: 5 },
  ]);
});

test.each([
  { reason: "above", hunk: { start: 1, count: 2 }, touched: false },
  { reason: "up to the first line", hunk: { start: 1, count: 3 }, touched: true },
  { reason: "from the last line", hunk: { start: 5, count: 3 }, touched: true },
  { reason: "below", hunk: { start: 6, count: 1 }, touched: false },
  { reason: "inserted before", hunk: { start: 2, count: 0 }, touched: false },
  { reason: "inserted between", hunk: { start: 3, count: 0 }, touched: true },
  { reason: "inserted after", hunk: { start: 5, count: 0 }, touched: false },
])("lines 3 to 5 and a change $reason", ({ hunk, touched }) => {
  expect(touches([hunk], { first: 3, last: 5 })).toBe(touched);
});

test("as git tells it: an edit, and a file that is gone", async () => {
  await using repo = await testRepository();
  const before = await repo.tree.git("rev-parse", "HEAD");
  const text = await repo.git("show", "main:README.md");
  const edited = await repo.tree.commit("edit", { "README.md": `${text.replace("three", "3")}\n`, "[x]": "x\n" });
  const gone = await repo.tree.commit("gone", { "README.md": null });
  await repo.tree.git("push", "-q", "origin", "main");
  const read = { gitDir: repo.gitDir };
  expect(await readHunks("README.md", before, edited, read)).toEqual([{ start: 3, count: 1 }]);
  expect(await readHunks("README.md", before, gone, read)).toEqual([{ start: 1, count: 8 }]);
  expect(await readHunks("[x]", edited, gone, read)).toEqual([]);
});
