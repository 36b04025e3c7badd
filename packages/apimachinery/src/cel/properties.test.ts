/** Whatever is written, compiling it gives a program or issues at places in the text, and running it a value or an error of CEL. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { admissionVariables } from "./admission.ts";
import { compile, run } from "./evaluate.ts";
import { functions } from "./functions/index.ts";
import { CelBudgetError, CelError } from "./issues.ts";

const variables = admissionVariables({ params: true });
const object = {
  metadata: { name: "web", labels: { app: "web", "a.b/c": "d" } },
  spec: { replicas: 3, ratio: 1.5, paused: false, list: [1, 2, 3], texts: ["a", "ü😀"], nothing: null },
};

const literals = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: 0n, max: 2n ** 65n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential()),
  fc.nat().map((value) => `${value}u`),
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
  fc.string().map((text) => `b${JSON.stringify(text)}`),
  fc.constantFrom(
    "true",
    "false",
    "null",
    "''",
    "0",
    "[]",
    "{}",
    "duration('1h')",
    "timestamp('2024-01-01T00:00:00Z')",
  ),
);
const names = fc.constantFrom(
  "object",
  "object.spec",
  "object.spec.list",
  "object.spec.texts",
  "object.spec.replicas",
  "object.metadata.name",
  "oldObject",
  "params",
  "request.userInfo.groups",
  "v",
  "nope",
);
const methodNames = [...functions.keys()].filter((name) => /^[a-zA-Z]+$/.test(name));
const macroNames = [
  "all",
  "exists",
  "exists_one",
  "map",
  "filter",
  "transformList",
  "transformMap",
  "sortBy",
  "optMap",
];

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    literals,
    names,
    fc
      .tuple(
        tie("expression"),
        fc.constantFrom("+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"),
        tie("expression"),
      )
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc.tuple(fc.constantFrom("-", "!"), tie("expression")).map(([operator, a]) => `${operator}${a}`),
    fc.tuple(tie("expression"), tie("expression"), tie("expression")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `${a}[${b}]`),
    fc.tuple(tie("expression"), fc.constantFrom("spec", "name", "?list", "labels")).map(([a, name]) => `${a}.${name}`),
    fc.array(tie("expression"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(fc.tuple(tie("expression"), tie("expression")), { maxLength: 2 })
      .map((entries) => `{${entries.map(([key, value]) => `${key}: ${value}`).join(", ")}}`),
    fc
      .tuple(tie("expression"), fc.constantFrom(...methodNames), fc.array(tie("expression"), { maxLength: 2 }))
      .map(([target, name, args]) => `${target}.${name}(${args.join(", ")})`),
    fc
      .tuple(fc.constantFrom(...functions.keys()), fc.array(tie("expression"), { maxLength: 3 }))
      .map(([name, args]) => `${name}(${args.join(", ")})`),
    fc
      .tuple(tie("expression"), fc.constantFrom(...macroNames), tie("expression"))
      .map(([target, name, body]) => `${target}.${name}(v, ${body})`),
    fc
      .tuple(tie("expression"), fc.constantFrom("all", "transformList", "transformMap"), tie("expression"))
      .map(([target, name, body]) => `${target}.${name}(k, v, ${body})`),
    tie("expression").map((a) => `has(${a}.name)`),
  ),
}));

function check(text: string): void {
  const compiled = compile(text, { variables });
  if (compiled.program === undefined) {
    expect(compiled.message).not.toBe("");
    for (const { line, column } of compiled.issues) {
      const row = text.split("\n")[line - 1];
      expect(line === -1 || (row !== undefined && column >= 0 && column <= [...row].length + 1)).toBe(true);
    }
    return;
  }
  try {
    const { cost } = run(compiled.program, { object, oldObject: null, params: { max: 5 } }, { costLimit: 100_000 });
    expect(cost).toBeGreaterThanOrEqual(0);
  } catch (error) {
    if (!(error instanceof CelError) && !(error instanceof CelBudgetError)) throw error;
  }
}

describe("any expression", () => {
  it("gives a value or an error of CEL", () => {
    fc.assert(fc.property(expression, check), { numRuns: 3000 });
  });

  it("may be any text", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme" }), check), { numRuns: 1000 });
  });

  it("may be any tokens in any order", () => {
    const token = fc.oneof(
      literals,
      names,
      fc.constantFrom(..."( ) [ ] { } . , ? : + - && || == < ! `a` 'x //".split(" ")),
    );
    const tokens = fc.array(token, { maxLength: 20 }).map((all) => all.join(" "));
    fc.assert(fc.property(tokens, check), { numRuns: 2000 });
  });

  it("gives the same twice", () => {
    const answer = (text: string) => {
      const compiled = compile(text, { variables });
      if (compiled.program === undefined) return compiled.message;
      try {
        return run(compiled.program, { object }, { costLimit: 100_000 });
      } catch (error) {
        return error instanceof Error ? error.message : error;
      }
    };
    fc.assert(
      fc.property(expression, (text) => expect(answer(text)).toEqual(answer(text))),
      { numRuns: 500 },
    );
  });
});
