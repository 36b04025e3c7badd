/**
 * Expressions that want all there is: each is ended by its budget, whatever it does. What is asserted is cost and steps, never time: a clock that has run
 * out must be looked at after a bounded number of steps. `README.md` has the times measured.
 */
import { describe, expect, it } from "@jest/globals";
import { admissionVariables } from "./admission.ts";
import { Budget } from "./budget.ts";
import { compile, run } from "./evaluate.ts";
import { CelBudgetError } from "./issues.ts";

const variables = admissionVariables({ params: true });
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const object = {
  n: numbers(1000),
  many: numbers(100_000),
  empties: Array.from({ length: 100_000 }, () => ""),
  text: "a".repeat(1_000_000),
  wide: "é😀".repeat(300_000),
  nested: [numbers(20_000).map((a) => ({ a, b: [a] }))],
  map: Object.fromEntries(numbers(50_000).map((each) => [`k${each}`, each])),
  mixed: "abbabaab".repeat(10_000),
};

function programOf(expression: string) {
  const { program, ...failed } = compile(expression, { variables });
  if (program === undefined) throw new Error("message" in failed ? failed.message : "does not compile");
  return program;
}

const costly = [
  { expression: "object.n.all(a, object.n.all(b, object.n.all(c, a + b + c >= 0)))", reason: "loops in loops" },
  { expression: "object.n.map(a, object.n.map(b, a * b)).size()", reason: "lists that grow" },
  { expression: "object.n.exists(a, object.n.exists(b, a + b < 0) || false)", reason: "|| absorbs no lack of budget" },
  { expression: "object.many.distinct().size()", reason: "every pair is compared" },
  { expression: "sets.equivalent(object.many, object.many)", reason: "every pair is compared twice" },
  { expression: "lists.range(100000000).size()", reason: "a list that does not fit" },
  { expression: "object.n.map(x, object.text).join().size()", reason: "a text that does not fit" },
  { expression: "object.text.replace('', object.text).size()", reason: "a text that is longer than its parts" },
  { expression: "'%.100000f'.format([1.5])", reason: "digits that nobody reads" },
];

describe("what costs too much", () => {
  it.each(costly)("$reason: $expression", ({ expression }) => {
    expect(() => run(programOf(expression), { object }, { timeoutMilliseconds: 600_000 })).toThrow(CelBudgetError);
  });
});

const slow = [
  { expression: "object.n.all(x, object.empties.isSorted())", reason: "empty texts are free to walk over" },
  {
    expression: "object.n.all(x, object.empties.indexOf('q') == -1)",
    reason: "so is looking for something among them",
  },
  {
    expression: "object.n.all(x, object.nested == object.nested)",
    reason: "equality is charged by its outermost list",
  },
  { expression: "object.n.all(x, object.n.all(y, object.wide.size() > 0))", reason: "the length of a text costs 1" },
  { expression: "object.n.all(x, object.n.all(y, object.wide.charAt(590000) != ''))", reason: "a character costs 1" },
  {
    expression: "object.n.all(x, '%s'.format([object.nested]) != '')",
    reason: "writing a value is charged by the template",
  },
  {
    expression: "object.n.all(x, object.n.all(y, timestamp(y).getHours('Europe/Berlin') >= 0))",
    reason: "a time zone costs 1",
  },
  { expression: "object.n.all(x, object.many.sort().size() > 0)", reason: "sorting what has no known type costs 1" },
  {
    expression: "object.n.all(x, object.text.replace('a', 'b') != '')",
    reason: "replacing is charged by the text alone",
  },
];

describe("what costs little but takes long", () => {
  it.each(slow)("$reason: $expression", ({ expression }) => {
    const budget = new Budget(Number.POSITIVE_INFINITY, 0);
    expect(() => run(programOf(expression), { object }, { budget })).toThrow("took too long");
    expect(budget.steps).toBeLessThan(400_000);
  });
});

const patterns = [
  "object.text.find('(a*)*b')",
  "object.text.matches('([ab]{1,500}){1,2}[^ab]')",
  "object.mixed.matches('[ab]*a[ab]{900}$')",
  "object.mixed.find('(?i)[ab]*a[ab]{200}c')",
  "object.text.findAll('a').size()",
];

describe("regular expressions", () => {
  it.each(patterns)("are refused with a text that is too long for them: %s", (expression) => {
    expect(() => run(programOf(expression), { object })).toThrow("the text is too long for the regular expression");
  });

  it("are refused when they are too large themselves", () => {
    const pattern = "a{1000}".repeat(20);
    expect(compile(`object.text.matches('${pattern}')`, { variables }).issues[0]?.message).toBe(
      "invalid matches argument",
    );
  });

  it("that need few states match a long text", () => {
    expect(run(programOf("object.text.matches('^(a+)+$')"), { object }).value).toBe(true);
  });
});

describe("expressions to compile", () => {
  it("grow by macros up to a bound", () => {
    const expression = `optional.of(1)${".optMap(a, a)".repeat(20)}`;
    expect(compile(expression, { variables }).issues[0]?.message).toBe("macros expand to more than 10000 nodes");
  });

  it("have no more than 100 issues", () => {
    const expression = Array.from({ length: 5000 }, () => "nope").join(" && ");
    expect(compile(expression, { variables }).issues).toHaveLength(100);
  });

  it("and values that are nested too deep end as any other", () => {
    let deep: unknown[] = [];
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(() => run(programOf("object == object.map(x, x)"), { object: deep as never })).toThrow(CelBudgetError);
  });
});
