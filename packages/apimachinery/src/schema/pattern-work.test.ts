/** Patterns and texts that would take long together: what is asserted is work, never time. */
import { describe, expect, it } from "@jest/globals";
import { compileSchema } from "./compile.ts";
import { matchInTurns, PatternWork } from "./pattern-work.ts";
import type { Schema } from "./types.ts";

const listOf = (items: Schema): Schema => ({ type: "object", properties: { spec: { type: "array", items } } });
const patternOf = (pattern: string): Schema => listOf({ type: "string", pattern });
const mixed = "abbabaab";
/** An automaton of these has more states than fit. */
const hard = "^[ab]*a[ab]{900}$";

/** Turns of the event loop while something is under way. */
async function turnsDuring<T>(running: Promise<T>): Promise<{ result: T; turns: number }> {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const result = await running;
  isOver = true;
  return { result, turns };
}

describe("the patterns of a schema", () => {
  it("are each their own", () => {
    const properties = { a: { type: "string", pattern: "^a$" }, b: { type: "string", pattern: "^b$" } };
    const { validate } = compileSchema({ type: "object", properties } as Schema);
    expect(validate({ a: "a", b: "b" })).toEqual([]);
    expect(validate({ a: "b", b: "a" }).map(({ field }) => field)).toEqual(["a", "b"]);
  });

  it("are matched in turns, with the result of a validation without a pause", async () => {
    const { validate, validateInTurns } = compileSchema(patternOf("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"));
    const object = {
      spec: Array.from({ length: 20_000 }, (_, index) => `a-name-of-some-length-${index % 7 ? index : "-"}`),
    };
    const { result, turns } = await turnsDuring(validateInTurns(object));
    expect(result).toEqual(validate(object));
    expect(result).toHaveLength(100);
    expect(turns).toBeGreaterThan(5);
  });

  it("are matched before, wherever they stand", async () => {
    const pattern = (text: string): Schema => ({ type: "string", pattern: text });
    const schema: Schema = {
      type: "object",
      properties: {
        a: pattern("1"),
        b: { type: "object", additionalProperties: pattern("2") },
        c: { type: "array", items: { type: "string", anyOf: [{ pattern: "3" }, { not: { pattern: "4" } }] } },
        d: { type: "string", allOf: [{ pattern: "5" }], oneOf: [{ pattern: "6" }] },
        none: { type: "string" },
      },
    };
    const object = { a: "a", b: { k: "b", l: "b" }, c: ["c", 1], d: "d", none: "n", more: "m" };
    const work = new PatternWork();
    await matchInTurns(work, schema, object);
    const before = work.work;
    for (const [each, text] of [
      ["1", "a"],
      ["2", "b"],
      ["3", "c"],
      ["4", "c"],
      ["5", "d"],
      ["6", "d"],
    ] as const)
      work.test(each, text);
    expect(work.work).toBe(before);
  });

  it("are not matched with a text that is too long for them", async () => {
    const { validateInTurns } = compileSchema(patternOf(hard));
    const [error, ...more] = await validateInTurns({ spec: [mixed.repeat(1000)] });
    expect(more).toEqual([]);
    expect(error).toMatchObject({ reason: "FieldValueInvalid", field: "spec[0]" });
    expect(error?.message).toContain(
      `texts that are matched with patterns are too long: this has 8000 characters, for '${hard}'`,
    );
  });

  it("refuse such a text also where a mismatch is what the schema wants", async () => {
    const { validateInTurns } = compileSchema(listOf({ type: "string", not: { pattern: hard } }));
    const errors = await validateInTurns({ spec: [mixed.repeat(1000)] });
    expect(errors).toMatchObject([{ reason: "FieldValueInvalid", field: "" }]);
  });

  it("do a bounded amount of work for one object", async () => {
    const schema = patternOf(hard);
    const work = new PatternWork();
    const object = { spec: Array.from({ length: 1100 }, (_, index) => `${mixed.repeat(340)}${index}`) };
    await matchInTurns(work, schema, object);
    expect(work.work).toBeLessThanOrEqual(100_000_000);
    expect(work.unmatched.get(hard)?.size).toBeGreaterThan(1000);
  });

  it("match a long text where few states do", async () => {
    const { validateInTurns } = compileSchema(patternOf("^[a-z]+$"));
    expect(await validateInTurns({ spec: ["a".repeat(1_000_000)] })).toEqual([]);
    expect(await validateInTurns({ spec: ["a".repeat(1_000_001)] })).toHaveLength(1);
  });

  it("do not hold an unchanged text against an object", async () => {
    const { validateInTurns } = compileSchema(patternOf(hard));
    const object = { spec: [mixed.repeat(1000)] };
    expect(await validateInTurns(object, object)).toEqual([]);
  });
});
