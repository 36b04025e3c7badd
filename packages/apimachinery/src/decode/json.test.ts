import { describe, expect, it } from "@jest/globals";
import { decodeJson } from "./json.ts";

const paths = [
  { text: '{"a":1,"a":2}', duplicates: ["a"], reason: "a member of the root" },
  { text: '{"spec":{"foo":1,"bar":{"x":1},"foo":2}}', duplicates: ["spec.foo"], reason: "a nested member" },
  { text: '{"l":[{"a":1},{"b":1,"b":2}]}', duplicates: ["l[1].b"], reason: "a member inside a list" },
  { text: '{"a":{"x":1},"a":{"x":1}}', duplicates: ["a"], reason: "members of the lost value are no duplicates" },
  { text: '{"a":1,"\\u0061":2}', duplicates: ["a"], reason: "an escaped spelling is the same key" },
  { text: '{"a":"x:\\"y:{[","b":"\\\\"}', duplicates: [], reason: "colons and brackets in strings do not count" },
  { text: '{"a":1,"a":1,"a":1}', duplicates: ["a"], reason: "a path is told once" },
  { text: "[]", duplicates: [], reason: "nothing to find" },
];

describe("decodeJson", () => {
  it.each(paths)("finds duplicate members: $reason", ({ text, duplicates }) => {
    expect(decodeJson(text).duplicateFields).toEqual(duplicates);
  });

  it("keeps the last of two duplicates, as kube-apiserver does", () => {
    expect(decodeJson('{"a":1,"a":2}').value).toEqual({ a: 2 });
  });

  const refused = [
    { text: "", says: /is empty/, reason: "no body" },
    { text: "{", says: /couldn't parse the request body as JSON/, reason: "cut off" },
    { text: `${"[".repeat(201)}${"]".repeat(201)}`, says: /deeper than 200/, reason: "too deep" },
    {
      text: '{"a":9007199254740993}',
      says: /integer 9007199254740993 cannot be kept exactly/,
      reason: "a rounded integer",
    },
    { text: '{"a":1e999}', says: /out of range/, reason: "infinity" },
    { text: '{"__proto__":{"x":1}}', says: /__proto__/, reason: "prototype pollution" },
    { text: '{"a":{"__proto__":1}}', says: /__proto__/, reason: "nested prototype pollution" },
  ];
  it.each(refused)("refuses $reason", ({ text, says }) => {
    expect(() => decodeJson(text)).toThrow(says);
  });

  it("accepts large numbers that are exact or floating", () => {
    expect(decodeJson('{"a":1e300,"b":9007199254740992,"c":-0.5}').value).toEqual({
      a: 1e300,
      b: 9007199254740992,
      c: -0.5,
    });
  });

  it("refuses bodies over the limit and bytes that are not UTF-8", () => {
    expect(() => decodeJson('"12345"', { maxBytes: 4 })).toThrow(/7 bytes, the limit is 4/);
    expect(() => decodeJson(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(/not valid UTF-8/);
  });

  it("stands a wall of brackets without overflowing the stack", () => {
    expect(() => decodeJson("[".repeat(1_000_000))).toThrow(/deeper than/);
  });
});
