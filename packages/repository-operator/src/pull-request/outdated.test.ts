import { describe, expect, test } from "@jest/globals";
import { NativeGitBackend } from "@krate/git";
import { Branches } from "../git/branches.ts";
import { testRepository } from "../testing/bare-repository.ts";
import { type Anchor, Anchors } from "./anchors.ts";
import { parseHunks, relocate, touches } from "./outdated.ts";

test("hunk headers with and without counts", () => {
  const diff = "--- a\n+++ b\n@@ -3 +3,2 @@ f() {\n-x\n+@@ -9,9 +1 @@\n@@ -10,0 +12 @@\n@@ -20,5 +0,0 @@\n";
  expect(parseHunks(diff)).toEqual([
    { start: 3, count: 1, newStart: 3, newCount: 2 },
    { start: 10, count: 0, newStart: 12, newCount: 1 },
    { start: 20, count: 5, newStart: 0, newCount: 0 },
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

test("a file too large to be read: lines shift, moved ones are outdated", () => {
  const hunks = [{ start: 2, count: 1, newStart: 2, newCount: 4 }];
  expect(relocate({ first: 5, last: 6 }, { hunks })).toEqual({ first: 8, last: 9 });
  expect(relocate({ first: 2, last: 2 }, { hunks })).toBeUndefined();
});

const letters = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => `line ${letter} of the file`);
const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");
const edited = (change: (lines: string[]) => void) => {
  const lines = [...letters];
  change(lines);
  return text(lines);
};
const program = ["first() {", "  one();", "}", "", "second() {", "  two();", "}", "", "third() {", "  three();", "}"];

describe("lines of a comment after a force push", () => {
  test.each<{
    reason: string;
    file?: string;
    at: [first: number, last: number];
    files: Record<string, string | null>;
    found: [path: string, first: number, last: number] | "outdated";
  }>([
    { reason: "the file is as it was", at: [3, 4], files: { other: "x\n" }, found: ["f", 3, 4] },
    {
      reason: "lines came above",
      at: [5, 5],
      files: { f: edited((lines) => lines.splice(0, 0, "new", "newer")) },
      found: ["f", 7, 7],
    },
    {
      reason: "lines went above",
      at: [5, 6],
      files: { f: edited((lines) => lines.splice(1, 2)) },
      found: ["f", 3, 4],
    },
    {
      reason: "lines changed below",
      at: [5, 6],
      files: { f: edited((lines) => lines.splice(6, 2, "other")) },
      found: ["f", 5, 6],
    },
    {
      reason: "a line changed",
      at: [5, 6],
      files: { f: edited((lines) => lines.splice(5, 1, "changed")) },
      found: "outdated",
    },
    {
      reason: "a line came between",
      at: [5, 6],
      files: { f: edited((lines) => lines.splice(5, 0, "between")) },
      found: "outdated",
    },
    {
      reason: "the lines moved down",
      at: [3, 4],
      files: { f: edited((lines) => lines.splice(18, 0, ...lines.splice(2, 2))) },
      found: ["f", 19, 20],
    },
    {
      reason: "the lines moved up, among others",
      at: [20, 21],
      files: { f: edited((lines) => lines.splice(1, 0, "x", ...lines.splice(19, 2), "y")) },
      found: ["f", 3, 4],
    },
    {
      reason: "the lines were copied to two places and taken away",
      at: [5, 5],
      files: {
        f: edited((lines) => {
          const [line = ""] = lines.splice(4, 1, "gone");
          lines.splice(10, 0, line);
          lines.splice(20, 0, line);
        }),
      },
      found: "outdated",
    },
    {
      reason: "the same line stood elsewhere before",
      file: text(["return wrong;", "a", "b", "c", "return wrong;"]),
      at: [1, 1],
      files: { f: text(["return right;", "a", "b", "c", "return wrong;"]) },
      found: "outdated",
    },
    {
      reason: "a brace alone is found by what stands around it",
      file: text(program),
      at: [3, 3],
      files: { f: text([...program.slice(4), "", ...program.slice(0, 3)]) },
      found: ["f", 11, 11],
    },
    {
      reason: "the file was renamed",
      at: [3, 4],
      files: { f: null, "src/g": edited(() => undefined) },
      found: ["src/g", 3, 4],
    },
    {
      reason: "the file was renamed and lines came above",
      at: [3, 4],
      files: { f: null, "src/g": edited((lines) => lines.splice(0, 0, "new")) },
      found: ["src/g", 4, 5],
    },
    {
      reason: "the file was renamed and the lines changed",
      at: [3, 4],
      files: { f: null, "src/g": edited((lines) => lines.splice(2, 1, "changed")) },
      found: "outdated",
    },
    { reason: "the file is gone", at: [3, 4], files: { f: null }, found: "outdated" },
    {
      reason: "the file is another one",
      at: [3, 4],
      files: { f: "quite\nanother\nfile\n" },
      found: "outdated",
    },
  ])("$reason", async ({ file, at: [first, last], files, found }) => {
    await using repo = await testRepository();
    await repo.tree.branch("topic");
    const commented = await repo.tree.commit("commented", { f: file ?? text(letters) });
    await repo.tree.git("push", "-q", "origin", "topic");
    // Rewritten from the base: the commented commit is no ancestor.
    await repo.tree.git("checkout", "-q", "-B", "topic", "main");
    await repo.tree.commit("base moved", { base: "b\n" });
    const head = await repo.tree.commit("rewritten", { f: file ?? text(letters), ...withoutNulls(files) });
    await repo.tree.git("push", "-q", "-f", "origin", "topic", "HEAD:refs/heads/kept");
    const target = Object.values(files).includes(null)
      ? await repo.tree.commit(
          "deleted",
          Object.fromEntries(Object.entries(files).filter(([, value]) => value === null)),
        )
      : head;
    await repo.tree.git("push", "-q", "-f", "origin", "topic");
    const branches = new Branches(new NativeGitBackend({ root: repo.folder }));
    const anchor: Anchor = { commitSha: commented, path: "f", lines: { first, last } };
    const place = await new Anchors(branches).find(anchor, target, repo.gitDir);
    branches.close();
    expect(place ? [place.path, place.lines?.first, place.lines?.last] : "outdated").toEqual(found);
    if (place) expect(place.commitSha).toBe(target);
  });
});

function withoutNulls(files: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== null));
}
