import { expect, test } from "@jest/globals";
import { applyEdits } from "./edit.ts";

test.each([
  { reason: "one line", content: "a\nb\nc\n", edits: [{ first: 2, last: 2, text: "B\n" }], result: "a\nB\nc\n" },
  {
    reason: "without its newline",
    content: "a\nb\nc\n",
    edits: [{ first: 2, last: 2, text: "B" }],
    result: "a\nB\nc\n",
  },
  {
    reason: "more lines for fewer",
    content: "a\nb\nc\n",
    edits: [{ first: 1, last: 2, text: "x\ny\nz\n" }],
    result: "x\ny\nz\nc\n",
  },
  { reason: "an empty line", content: "a\nb\n", edits: [{ first: 1, last: 1, text: "\n" }], result: "\nb\n" },
  { reason: "lines go", content: "a\nb\nc\n", edits: [{ first: 2, last: 3, text: "" }], result: "a\n" },
  {
    reason: "the last line of a file without final newline",
    content: "a\nb",
    edits: [{ first: 2, last: 2, text: "B\n" }],
    result: "a\nB",
  },
  {
    reason: "CRLF stays CRLF",
    content: "a\r\nb\r\n",
    edits: [{ first: 1, last: 1, text: "x\ny\r\n" }],
    result: "x\r\ny\r\nb\r\n",
  },
  {
    reason: "several, in any order",
    content: "a\nb\nc\nd\n",
    edits: [
      { first: 4, last: 4, text: "D\nE" },
      { first: 1, last: 2, text: "A" },
    ],
    result: "A\nc\nD\nE\n",
  },
])("$reason", ({ content, edits, result }) => {
  expect(applyEdits(Buffer.from(content), edits)).toEqual({ ok: true, content: Buffer.from(result) });
});

test("bytes that are no UTF-8 stay as they are, and the suggestion is UTF-8", () => {
  const edited = applyEdits(Buffer.from([0xff, 0xfe, 0x0a, 0x62, 0x0a]), [{ first: 2, last: 2, text: "é" }]);
  expect(edited).toEqual({ ok: true, content: Buffer.from([0xff, 0xfe, 0x0a, 0xc3, 0xa9, 0x0a]) });
});

test("overlapping suggestions and lines that are not there are refused", () => {
  const two = [
    { first: 1, last: 2, text: "x" },
    { first: 2, last: 2, text: "y" },
  ];
  expect(applyEdits(Buffer.from("a\nb\n"), two)).toMatchObject({ reason: "Overlapping" });
  expect(applyEdits(Buffer.from("a\nb\n"), [{ first: 3, last: 3, text: "x" }])).toMatchObject({ reason: "Outdated" });
});
