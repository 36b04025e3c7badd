import { expect, test } from "@jest/globals";
import { foundText } from "./found-text.ts";
import type { FoundFile } from "./search.ts";

const file: FoundFile = {
  namespace: "acme",
  repository: "app",
  path: "src/main.go",
  branches: ["main"],
  commit: "a".repeat(40),
  lines: [
    { number: 3, text: "func main() {", ranges: [[0, 4]] },
    { number: 9, text: "tail func", ranges: [[5, 9]], skipped: 100 },
  ],
  moreLines: false,
};

test("lines look as grep's", () => {
  expect(foundText(file, { colour: false })).toBe(
    "acme/app:src/main.go:3:func main() {\nacme/app:src/main.go:9:…tail func\n",
  );
});

test("matches are coloured when asked for", () => {
  const [first] = foundText(file, { colour: true }).split("\n");
  expect(first).toBe("\u001b[35macme/app:src/main.go\u001b[0m:\u001b[32m3\u001b[0m:\u001b[1;31mfunc\u001b[0m main() {");
});

test("a file found by its path is its path", () => {
  expect(foundText({ ...file, lines: [], pathRanges: [[4, 8]] }, { colour: false })).toBe("acme/app:src/main.go\n");
});

test("code cannot speak to the terminal", () => {
  const hostile = {
    ...file,
    path: "a\u001b]0;title\u0007b",
    lines: [{ number: 1, text: "x\u001b[2Jy\r\u009b1mz\u202e", ranges: [] }],
  };
  expect(foundText(hostile as FoundFile, { colour: false })).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
});
