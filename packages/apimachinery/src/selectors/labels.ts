/**
 * Label selectors.
 *
 *   <selector>    ::= "" | <requirement> ("," <requirement>)*
 *   <requirement> ::= "!"? KEY | KEY <set> | KEY <equality>
 *   <set>         ::= ("in" | "notin") "(" VALUE? ("," VALUE?)* ")"
 *   <equality>    ::= ("=" | "==" | "!=" | ">" | "<") VALUE?
 *
 * Source: k8s.io/apimachinery/pkg/labels/selector.go, whose lexer this follows: everything but white space and `=!(),<>` is part of a word.
 */
import { badRequest } from "@krate/kinds";
import { checkLabelValue, checkQualifiedName } from "../schema/names.ts";

export type LabelOperator = "In" | "NotIn" | "Exists" | "DoesNotExist" | "GreaterThan" | "LessThan";

/** One condition; `a=b` is In with one value. NotIn and DoesNotExist hold where the label is missing. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** All requirements must hold; an empty list holds for every object. */
export type LabelSelector = readonly LabelRequirement[];

/** How a value of one key is normalised before it is validated and compared (C-05: `failure.signature`). */
export type ValueNormalizers = Readonly<Record<string, (value: string) => string>>;

export interface ParseLabelSelectorOptions {
  normalize?: ValueNormalizers;
}

/** The object form, as in `spec.selector` of many kinds. */
export interface LabelSelectorObject {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface Token {
  kind: "word" | "symbol" | "end";
  text: string;
}

const symbols = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];
const maxSelectorLength = 64 * 1024;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      at++;
      continue;
    }
    const symbol = symbols.find((candidate) => text.startsWith(candidate, at));
    if (symbol !== undefined) {
      tokens.push({ kind: "symbol", text: symbol });
      at += symbol.length;
      continue;
    }
    const start = at;
    while (at < text.length && !/[\s=!(),<>]/.test(text.charAt(at))) at++;
    tokens.push({ kind: "word", text: text.slice(start, at) });
  }
  tokens.push({ kind: "end", text: "" });
  return tokens;
}

/**
 * Parses the text of a `labelSelector` query parameter.
 *
 * @throws badRequest saying what was found and what was expected
 */
export function parseLabelSelector(text: string, options: ParseLabelSelectorOptions = {}): LabelSelector {
  if (text.length > maxSelectorLength) throw fail(`it is longer than ${maxSelectorLength} characters`);
  return new LabelParser(tokenize(text), options.normalize ?? {}).selector();
}

function fail(problem: string): Error {
  return badRequest(`unable to parse the label selector: ${problem}`);
}

class LabelParser {
  readonly #tokens: Token[];
  readonly #normalize: ValueNormalizers;
  #at = 0;

  constructor(tokens: Token[], normalize: ValueNormalizers) {
    this.#tokens = tokens;
    this.#normalize = normalize;
  }

  selector(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    if (this.#peek().kind === "end") return requirements;
    for (;;) {
      requirements.push(this.#requirement());
      const next = this.#next();
      if (next.kind === "end") return requirements.sort(byKey);
      if (next.text !== ",") throw fail(`found '${next.text}', expected: ',' or 'end of string'`);
      if (this.#peek().kind !== "word" && this.#peek().text !== "!") {
        throw fail(`found '${this.#peek().text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): LabelRequirement {
    const absent = this.#take("!");
    const key = this.#next();
    if (key.kind !== "word") throw fail(`found '${key.text}', expected: !, identifier, or 'end of string'`);
    if (absent) return this.#make(key.text, "DoesNotExist", []);
    const next = this.#peek();
    if (next.kind === "end" || next.text === ",") return this.#make(key.text, "Exists", []);
    this.#at++;
    switch (next.text) {
      case "=":
      case "==":
        return this.#make(key.text, "In", [this.#value()]);
      case "!=":
        return this.#make(key.text, "NotIn", [this.#value()]);
      case ">":
        return this.#make(key.text, "GreaterThan", [this.#value()]);
      case "<":
        return this.#make(key.text, "LessThan", [this.#value()]);
      case "in":
        return this.#make(key.text, "In", this.#valueList());
      case "notin":
        return this.#make(key.text, "NotIn", this.#valueList());
      default:
        throw fail(`found '${next.text}', expected: in, notin, =, ==, !=, >, <`);
    }
  }

  #value(): string {
    const next = this.#peek();
    if (next.kind === "end" || next.text === ",") return "";
    if (next.kind !== "word") throw fail(`found '${next.text}', expected: identifier`);
    this.#at++;
    return next.text;
  }

  #valueList(): string[] {
    const opening = this.#next();
    if (opening.text !== "(") throw fail(`found '${opening.text}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      const word = this.#peek().kind === "word" ? this.#next().text : "";
      values.push(word);
      const next = this.#next();
      if (next.text === ")") return values;
      if (next.text !== ",") throw fail(`found '${next.text}', expected: ',' or ')'`);
    }
  }

  #make(key: string, operator: LabelOperator, values: string[]): LabelRequirement {
    const normalize = Object.hasOwn(this.#normalize, key) ? this.#normalize[key] : undefined;
    return requirement(key, operator, normalize === undefined ? values : values.map(normalize));
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "" };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #take(text: string): boolean {
    const found = this.#peek().kind === "symbol" && this.#peek().text === text;
    if (found) this.#at++;
    return found;
  }
}

function byKey(a: LabelRequirement, b: LabelRequirement): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** A validated requirement; values are a sorted set. @throws badRequest */
export function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const keyProblems = checkQualifiedName(key);
  if (keyProblems.length > 0) throw fail(`key: Invalid value: ${JSON.stringify(key)}: ${keyProblems.join("; ")}`);
  const sorted = [...new Set(values)].sort();
  for (const value of sorted) {
    const problems = checkLabelValue(value);
    if (problems.length > 0) throw fail(`values: Invalid value: ${JSON.stringify(value)}: ${problems.join("; ")}`);
  }
  if ((operator === "In" || operator === "NotIn") && sorted.length === 0) {
    throw fail("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
  }
  if ((operator === "Exists" || operator === "DoesNotExist") && sorted.length > 0) {
    throw fail("values: must be empty for exists and does not exist");
  }
  if (operator === "GreaterThan" || operator === "LessThan") {
    const [bound = ""] = sorted;
    if (sorted.length !== 1 || !/^[+-]?\d{1,18}$/.test(bound)) {
      throw fail(
        `values: Invalid value: ${JSON.stringify(bound)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
  }
  return { key, operator, values: sorted };
}

/**
 * The requirements of a LabelSelector object; an empty object gives none, so it selects everything. What a *missing* selector means
 * (everything or nothing) differs by field: the caller decides.
 *
 * @throws badRequest for an unknown operator or illegal keys and values
 */
export function labelSelectorOf(object: LabelSelectorObject): LabelSelector {
  const operators: Record<string, LabelOperator> = {
    In: "In",
    NotIn: "NotIn",
    Exists: "Exists",
    DoesNotExist: "DoesNotExist",
  };
  const fromLabels = Object.entries(object.matchLabels ?? {}).map(([key, value]) => requirement(key, "In", [value]));
  const fromExpressions = (object.matchExpressions ?? []).map(({ key, operator, values }) => {
    const known = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
    if (known === undefined) {
      throw badRequest(
        `${JSON.stringify(operator)} is not a valid label selector operator: supported values: "DoesNotExist", "Exists", "In", "NotIn"`,
      );
    }
    return requirement(key, known, values ?? []);
  });
  return [...fromLabels, ...fromExpressions].sort(byKey);
}

/** True when an object with these labels is selected. */
export function matchesLabels(selector: LabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean {
  return selector.every((each) =>
    holds(each, labels !== undefined && Object.hasOwn(labels, each.key) ? labels[each.key] : undefined),
  );
}

function holds({ operator, values }: LabelRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "GreaterThan":
    case "LessThan": {
      if (value === undefined || !/^[+-]?\d{1,18}$/.test(value)) return false;
      const difference = BigInt(value) - BigInt(values[0] ?? "0");
      return operator === "GreaterThan" ? difference > 0n : difference < 0n;
    }
  }
}

/** The canonical text: parsing it gives the same selector again. */
export function formatLabelSelector(selector: LabelSelector): string {
  return selector.map(formatRequirement).join(",");
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "GreaterThan":
      return `${key}>${values[0]}`;
    case "LessThan":
      return `${key}<${values[0]}`;
  }
}
