import { expect, test } from "@jest/globals";
import { DiffDocument, rowKind, unquoted } from "./diff-document.ts";

const sample = `diff --git a/greet.sh b/greet.sh
index 1111111..2222222 100644
--- a/greet.sh
+++ b/greet.sh
@@ -1,3 +1,4 @@ greet() {
 one
-two
+zwei
+drei
 three
diff --git a/new file.txt b/new file.txt
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/new file.txt\t
@@ -0,0 +1 @@
+--- not a header
\\ No newline at end of file
diff --git a/old.txt b/moved.txt
similarity index 100%
rename from old.txt
rename to moved.txt
diff --git a/logo.png b/logo.png
deleted file mode 100644
Binary files a/logo.png and /dev/null differ
`;

const parse = (chunks: string[]) => {
  const document = new DiffDocument();
  for (const chunk of chunks) document.write(chunk);
  document.end();
  return document;
};

const rowsOf = (document: DiffDocument) =>
  document.texts.map((text, row) => [document.kind(row), document.oldLine(row), document.newLine(row), text]);

test("rows carry kind, both line numbers and the text without its mark", () => {
  expect(rowsOf(parse([sample])).slice(0, 7)).toEqual([
    [rowKind.file, 0, 0, ""],
    [rowKind.hunk, 0, 0, "@@ -1,3 +1,4 @@ greet() {"],
    [rowKind.context, 1, 1, "one"],
    [rowKind.removed, 2, 0, "two"],
    [rowKind.added, 0, 2, "zwei"],
    [rowKind.added, 0, 3, "drei"],
    [rowKind.context, 3, 4, "three"],
  ]);
});

test("files carry what happened to them and their sums", () => {
  expect(parse([sample]).files).toEqual([
    { path: "greet.sh", change: "modified", binary: false, additions: 2, deletions: 1, row: 0 },
    { path: "new file.txt", change: "added", binary: false, additions: 1, deletions: 0, row: 7 },
    {
      path: "moved.txt",
      previousPath: "old.txt",
      change: "renamed",
      binary: false,
      additions: 0,
      deletions: 0,
      row: 11,
    },
    { path: "logo.png", change: "deleted", binary: true, additions: 0, deletions: 0, row: 12 },
  ]);
});

test("a line inside a hunk is content, whatever it looks like", () => {
  const document = parse([sample]);
  expect(rowsOf(document)[9]).toEqual([rowKind.added, 0, 1, "--- not a header"]);
});

test("it does not matter where the stream is cut", () => {
  expect(rowsOf(parse([...sample]))).toEqual(rowsOf(parse([sample])));
});

test("a hundred thousand lines are read", () => {
  const lines = 100_000;
  const document = parse([
    `diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,${lines} @@\n`,
    ...Array.from({ length: lines }, (_, index) => `+${index}\n`),
  ]);
  expect(document.length).toBe(lines + 2);
  expect(document.newLine(document.length - 1)).toBe(lines);
  expect(document.files[0]?.additions).toBe(lines);
});

test.each([
  { quoted: "plain.txt", path: "plain.txt", reason: "nothing to undo" },
  { quoted: '"a/gr\\303\\274n.txt"', path: "a/grün.txt", reason: "octal escapes are UTF-8" },
  { quoted: '"tab\\there \\"q\\""', path: 'tab\there "q"', reason: "C escapes" },
])("unquoted: $reason", ({ quoted, path }) => {
  expect(unquoted(quoted)).toBe(path);
});
