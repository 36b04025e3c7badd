import { expect, test } from "@jest/globals";
import { statusOf } from "./hpack-status.ts";

test.each([
  { reason: "an entry of the static table", block: [0x88, 0x61], status: 200 },
  { reason: "after an update of the table's size", block: [0x20, 0x8d], status: 404 },
  { reason: "plain text", block: [0x08, 0x03, 0x32, 0x30, 0x31], status: 201 },
  { reason: "Huffman code, as in RFC 7541 C.6.1", block: [0x48, 0x82, 0x64, 0x02], status: 302 },
  { reason: "Huffman code, as in RFC 7541 C.6.2", block: [0x48, 0x83, 0x64, 0x0e, 0xff], status: 307 },
  { reason: "Huffman code of 201", block: [0x08, 0x82, 0x10, 0x03], status: 201 },
])("a status as $reason", ({ block, status }) => {
  expect(statusOf(Buffer.from(block))).toBe(status);
});
