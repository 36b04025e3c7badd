import { describe, expect, it } from "@jest/globals";
import { applyJsonPatch } from "./json-patch.ts";

const document = { a: 1, list: ["x", "y"], "odd/key~": { b: 2 }, nothing: null };
const applied = [
  { patch: [{ op: "add", path: "/b", value: 2 }], result: { ...document, b: 2 }, reason: "add" },
  {
    patch: [{ op: "add", path: "/list/-", value: "z" }],
    result: { ...document, list: ["x", "y", "z"] },
    reason: "append",
  },
  {
    patch: [{ op: "add", path: "/list/0", value: "w" }],
    result: { ...document, list: ["w", "x", "y"] },
    reason: "insert",
  },
  {
    patch: [{ op: "remove", path: "/odd~1key~0/b" }],
    result: { ...document, "odd/key~": {} },
    reason: "escaped pointers",
  },
  { patch: [{ op: "replace", path: "/a", value: null }], result: { ...document, a: null }, reason: "replace by null" },
  { patch: [{ op: "test", path: "/list", value: ["x", "y"] }], result: document, reason: "a test that holds" },
  { patch: [{ op: "copy", from: "/list", path: "/more" }], result: { ...document, more: ["x", "y"] }, reason: "copy" },
  {
    patch: [{ op: "move", from: "/a", path: "/z" }],
    result: { list: document.list, "odd/key~": { b: 2 }, nothing: null, z: 1 },
    reason: "move",
  },
];

const refused = [
  { patch: {}, code: 400, reason: "no list" },
  { patch: [{ op: "merge", path: "/a" }], code: 422, reason: "an unknown operation" },
  { patch: [{ op: "add", path: "/a" }], code: 400, reason: "no value" },
  { patch: [{ op: "add", path: "a", value: 1 }], code: 400, reason: "no pointer" },
  { patch: [{ op: "remove", path: "/missing" }], code: 422, reason: "removing what is not there" },
  { patch: [{ op: "replace", path: "/missing/x", value: 1 }], code: 422, reason: "replacing what is not there" },
  { patch: [{ op: "test", path: "/a", value: 2 }], code: 422, reason: "a test that fails" },
  { patch: [{ op: "add", path: "/list/9", value: 1 }], code: 422, reason: "an index out of bounds" },
  { patch: [{ op: "add", path: "/__proto__/x", value: 1 }], code: 422, reason: "a prototype" },
  {
    patch: [{ op: "add", path: "/constructor/prototype/x", value: 1 }],
    code: 422,
    reason: "a constructor's prototype",
  },
  { patch: [{ op: "replace", path: "", value: 3 }], code: 400, reason: "replacing the object by a number" },
  { patch: Array(10_001).fill({ op: "test", path: "/a", value: 1 }), code: 413, reason: "too many operations" },
  {
    patch: [
      { op: "add", path: "/x", value: "x".repeat(1000) },
      ...Array.from({ length: 30 }, (_, i) => ({ op: "copy", from: "", path: `/c${i}` })),
    ],
    code: 413,
    reason: "copies that double the document again and again",
  },
];

describe("applyJsonPatch", () => {
  it.each(applied)("applies $reason", ({ patch, result }) => {
    expect(applyJsonPatch(document, patch)).toEqual(result);
  });

  it.each(refused)("refuses $reason", ({ patch, code }) => {
    expect(() => applyJsonPatch(document, patch)).toThrow(expect.objectContaining({ code }));
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it("changes nothing when a later operation fails, and never the patch", () => {
    const before = structuredClone(document);
    const patch = [
      { op: "add", path: "/n", value: { list: [] } },
      { op: "add", path: "/n/list/-", value: 1 },
      { op: "test", path: "/a", value: 2 },
    ];
    expect(() => applyJsonPatch(document, patch)).toThrow(/operation 2 \(test "\/a"\)/);
    expect(document).toEqual(before);
    expect(patch[0]).toEqual({ op: "add", path: "/n", value: { list: [] } });
  });
});
