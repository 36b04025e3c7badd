import { expect, test } from "@jest/globals";
import { GatewayError } from "../access/gateway-error.ts";
import { rangeOf } from "./transfer.ts";

test.each([
  { reason: "the rest, as git-lfs goes on", header: "bytes=10-", range: { start: 10, end: 99 } },
  { reason: "a part", header: "bytes=0-9", range: { start: 0, end: 9 } },
  { reason: "the last byte", header: "bytes=99-99", range: { start: 99, end: 99 } },
  { reason: "the end, counted from behind", header: "bytes=-5", range: { start: 95, end: 99 } },
  { reason: "more than there is, from behind", header: "bytes=-500", range: { start: 0, end: 99 } },
  { reason: "an end behind the file", header: "bytes=90-500", range: { start: 90, end: 99 } },
  { reason: "nothing asked", header: undefined, range: undefined },
  { reason: "several parts: all of it", header: "bytes=0-1,5-6", range: undefined },
  { reason: "another unit: all of it", header: "pages=1-2", range: undefined },
  { reason: "no numbers: all of it", header: "bytes=-", range: undefined },
  { reason: "a number no file reaches: all of it", header: `bytes=${"9".repeat(20)}-`, range: undefined },
])("of 100 bytes: $reason", ({ header, range }) => {
  expect(rangeOf(header, 100)).toEqual(range);
});

test.each([
  { reason: "a start behind the end", header: "bytes=100-", size: 100 },
  { reason: "an end before the start", header: "bytes=9-3", size: 100 },
  { reason: "nothing from behind", header: "bytes=-0", size: 100 },
  { reason: "a part of nothing", header: "bytes=0-0", size: 0 },
])("$reason is refused with the size", ({ header, size }) => {
  expect(() => rangeOf(header, size)).toThrow(
    new GatewayError(416, `the object has ${size} bytes`, { "content-range": `bytes */${size}` }),
  );
});
