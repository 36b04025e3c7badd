import { setImmediate } from "node:timers/promises";
import type { RegExpEngine } from "ajv/dist/types/index.js";
import { isObject } from "../json.ts";
import { expandedSize, isQuick, linearRegExp, maxMatchWork } from "./regexp.ts";
import type { Schema } from "./types.ts";
import { memberSchema, valueSchema } from "./types.ts";

/** Characters times instructions of all matches for one object: two seconds at most. */
const maxObjectWork = 100_000_000;
/** Compiling takes so long for each instruction, in units of work. */
const compileWork = 100;
/** Work without a pause: 10 ms at most, but for one match that takes longer. */
const turnWork = 500_000;
/** Work for a text besides its match. */
const textWork = 50;

/**
 * Matches the patterns of a schema with the texts of one object, and remembers what it matched. A text that is too long for its pattern, or one more
 * when all together are too much, counts as not matching and is kept in `unmatched`.
 */
export class PatternWork {
  /** Texts by pattern whose match was not tried, because it would take too long. */
  readonly unmatched = new Map<string, Set<string>>();
  readonly #known = new Map<string, Map<string, boolean>>();
  #work = 0;

  /** Characters times instructions so far, and what compiling cost. */
  get work(): number {
    return this.#work;
  }

  test(pattern: string, text: string): boolean {
    let known = this.#known.get(pattern);
    if (known === undefined) {
      known = new Map();
      this.#known.set(pattern, known);
      this.#work += expandedSize(pattern) * compileWork;
    }
    const before = known.get(text);
    if (before !== undefined) return before;
    const matches = this.#match(pattern, text);
    known.set(text, matches);
    return matches;
  }

  #match(pattern: string, text: string): boolean {
    const compiled = linearRegExp(pattern);
    const size = compiled.programSize();
    const work = size * text.length + textWork;
    const isShort = isQuick(size, text.length) || work <= maxMatchWork;
    if (!isShort || this.#work + work > maxObjectWork) {
      this.unmatched.set(pattern, (this.unmatched.get(pattern) ?? new Set()).add(text));
      return false;
    }
    this.#work += work;
    return compiled.test(text);
  }
}

/** Matches every text of a value with the patterns that its schema has for it, with pauses in which others are served. */
export async function matchInTurns(work: PatternWork, schema: Schema, value: unknown): Promise<void> {
  let end = work.work + turnWork;
  for (const [pattern, text] of patternsFor(schema, value)) {
    work.test(pattern, text);
    if (work.work < end) continue;
    await setImmediate();
    end = work.work + turnWork;
  }
}

function* patternsFor(schema: Schema | undefined, value: unknown): Generator<[pattern: string, text: string]> {
  if (schema === undefined || !hasPatterns(schema)) return;
  for (const branch of branchesOf(schema)) yield* patternsFor(branch, value);
  if (typeof value === "string") {
    if (schema.pattern !== undefined) yield [schema.pattern, value];
  } else if (Array.isArray(value)) {
    if (schema.items !== undefined && hasPatterns(schema.items))
      for (const item of value as unknown[]) yield* patternsFor(schema.items, item);
  } else if (isObject(value as never)) {
    const members = value as Record<string, unknown>;
    for (const key of Object.keys(members)) yield* patternsFor(memberSchema(schema, key), members[key]);
  }
}

function branchesOf({ allOf = [], anyOf = [], oneOf = [], not }: Schema): Schema[] {
  return [...allOf, ...anyOf, ...oneOf, ...(not === undefined ? [] : [not])];
}

const knownPatterns = new WeakMap<Schema, boolean>();

function hasPatterns(schema: Schema): boolean {
  const known = knownPatterns.get(schema);
  if (known !== undefined) return known;
  knownPatterns.set(schema, true); // a cyclic schema asks for itself: walking too much is safe
  const children = [
    ...Object.values(schema.properties ?? {}),
    schema.items,
    valueSchema(schema),
    ...branchesOf(schema),
  ];
  const found = schema.pattern !== undefined || children.some((each) => each !== undefined && hasPatterns(each));
  knownPatterns.set(schema, found);
  return found;
}

let current: PatternWork | undefined;

/** Runs a validator of ajv, whose patterns are matched by `work`. */
export function withPatternWork<T>(work: PatternWork, validate: () => T): T {
  const before = current;
  current = work;
  try {
    return validate();
  } finally {
    current = before;
  }
}

/** What ajv takes as its regular expression engine: it compiles nothing before there is a text to match. */
export const patternEngine: RegExpEngine = Object.assign(
  (pattern: string) => ({
    test: (text: string) => (current ?? new PatternWork()).test(pattern, text),
    // ajv keeps one engine for all patterns of equal text: without this there is one for all.
    toString: () => pattern,
  }),
  { code: "linearRegExp" },
);
