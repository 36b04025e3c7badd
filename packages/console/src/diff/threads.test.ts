import { expect, test } from "@jest/globals";
import { DiffDocument } from "./diff-document.ts";
import { type CommentObject, threadsOf } from "./threads.ts";
import { viewRows } from "./view-rows.ts";

const comment = (name: string, at: string, spec: Partial<CommentObject["spec"]> = {}): CommentObject => ({
  metadata: { name, creationTimestamp: at },
  spec: { path: "x", line: 2, body: name, ...spec },
});

test("answers stand under what they answer, also when both are of the same second", () => {
  const threads = threadsOf([
    comment("answer", "2026-01-01T00:00:00Z", { replyTo: "first" }),
    comment("first", "2026-01-01T00:00:00Z"),
  ]);
  expect(threads.map(({ name, comments }) => [name, comments.map((entry) => entry.name)])).toEqual([
    ["first", ["first", "answer"]],
  ]);
});

test("an answer to a comment that is gone stands for itself", () => {
  expect(threadsOf([comment("answer", "1", { replyTo: "gone" })]).map(({ name }) => name)).toEqual(["answer"]);
});

const document = new DiffDocument();
document.write(
  "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
);

test("threads stand below their line; a collapsed file keeps its header", () => {
  const threads = threadsOf([comment("t", "1")]);
  // rows: 0 file x, 1 hunk, 2 one, 3 -two, 4 +zwei, 5 file y, 6 hunk, 7 -a, 8 +b
  expect([...viewRows(document, threads, new Set(["y"])).entries]).toEqual([0, 1, 2, 3, 4, -1, 5]);
  const { entries, files, threadEntries } = viewRows(document, threads, new Set(["x"]));
  expect({ entries: [...entries], files, threadEntries }).toEqual({
    entries: [0, 5, 6, 7, 8],
    files: [0, 1],
    threadEntries: [],
  });
});
