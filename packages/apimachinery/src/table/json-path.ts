/**
 * JSONPath as kubectl and printer columns write it. Own code: the libraries on npm implement another dialect, and several evaluate filters as
 * JavaScript.
 *
 *   path   ::= "$"? step*            step ::= "." NAME | ".*" | "[*]" | ".." NAME | "[" INDEX "]" | "[" START? ":" END? (":" STEP)? "]"
 *                                           | "['" KEY "']" | "[" part ("," part)+ "]" | "[?(" operand (OP operand)? ")]"
 *   operand::= "@" step* | STRING | NUMBER | BOOLEAN          OP ::= "==" | "!=" | "<" | "<=" | ">" | ">="
 *
 * In names a dot is written `\.`. Missing keys give no result. Source: k8s.io/client-go/util/jsonpath.
 */
import type { JsonValue } from "../json.ts";
import { equalJson, isObject, own } from "../json.ts";

type Select = (value: JsonValue) => JsonValue[];

/** All values the path selects, in order. */
export type JsonPath = (root: unknown) => JsonValue[];

/** @throws Error saying where the path is wrong */
export function compileJsonPath(path: string): JsonPath {
  const text = path.trim().replace(/^\{(.*)\}$/s, "$1");
  const parser = new PathParser(text.startsWith("$") || text.startsWith("@") ? text.slice(1) : text, path);
  const steps = parser.steps();
  parser.expectEnd();
  return (root) => run(steps, [root as JsonValue]);
}

function run(steps: readonly Select[], values: JsonValue[]): JsonValue[] {
  let current = values;
  for (const step of steps) current = current.flatMap(step);
  return current;
}

class PathParser {
  readonly #text: string;
  readonly #whole: string;
  #at = 0;

  constructor(text: string, whole: string) {
    this.#text = text;
    this.#whole = whole;
  }

  steps(): Select[] {
    const steps: Select[] = [];
    for (;;) {
      if (this.#take("..")) {
        steps.push(descendants);
        if (this.#peek() !== "[") steps.push(this.#named());
      } else if (this.#take(".")) {
        if (this.#peek() !== "[" && this.#at < this.#text.length) steps.push(this.#named());
      } else if (this.#peek() === "[") steps.push(this.#bracket());
      else if (steps.length === 0 && /[\w-]/.test(this.#peek())) steps.push(this.#named());
      else return steps;
    }
  }

  expectEnd(): void {
    if (this.#at < this.#text.length) throw this.#error(`unrecognized character ${JSON.stringify(this.#peek())}`);
  }

  #named(): Select {
    if (this.#take("*")) return children;
    let name = "";
    while (this.#at < this.#text.length && !/[\s.[\](),=<>!|{}]/.test(this.#peek())) {
      if (this.#peek() === "\\") this.#at++;
      name += this.#peek();
      this.#at++;
    }
    if (name === "") throw this.#error("a name is missing after '.'");
    return field(name);
  }

  #bracket(): Select {
    if (this.#take("[?(")) return this.#filter();
    this.#at++;
    const parts = [this.#part()];
    while (this.#take(",")) parts.push(this.#part());
    if (!this.#take("]")) throw this.#error("unterminated array");
    const [only] = parts;
    return parts.length === 1 && only ? only : (value) => parts.flatMap((part) => part(value));
  }

  #part(): Select {
    this.#space();
    if (this.#take("*")) return children;
    const quote = this.#peek();
    if (quote === "'" || quote === '"') {
      const name = this.#quoted().replaceAll("\\.", ".");
      this.#space();
      return field(name);
    }
    const match = /^\s*(-?\d+)?(?::(-?\d*))?(?::(-?\d*))?\s*/.exec(this.#text.slice(this.#at));
    if (match === null || match[0].trim() === "") throw this.#error("invalid array index");
    this.#at += match[0].length;
    const [, start, end, step] = match;
    if (end === undefined) return (value) => (Array.isArray(value) ? pick(value, Number(start)) : []);
    return (value) => (Array.isArray(value) ? slice(value, numberOr(start), numberOr(end), numberOr(step)) : []);
  }

  #filter(): Select {
    const left = this.#operand();
    const operator = ["==", "!=", "<=", ">=", "<", ">"].find((each) => this.#take(each));
    if (operator === undefined) {
      if (!this.#take(")]")) throw this.#error("unterminated filter");
      return (value) => (Array.isArray(value) ? value.filter((item) => left(item).length > 0) : []);
    }
    const right = this.#operand();
    if (!this.#take(")]")) throw this.#error("unterminated filter");
    return (value) => (Array.isArray(value) ? value.filter((item) => compare(left(item), operator, right(item))) : []);
  }

  #operand(): (item: JsonValue) => JsonValue[] {
    this.#space();
    if (this.#take("@")) {
      const steps = this.steps();
      this.#space();
      return (item) => run(steps, [item]);
    }
    const constant = this.#constant();
    this.#space();
    return () => [constant];
  }

  #constant(): JsonValue {
    if (this.#peek() === "'" || this.#peek() === '"') return this.#quoted();
    const match = /^(true|false|[-+]?\d+(\.\d+)?)/.exec(this.#text.slice(this.#at));
    if (match === null) throw this.#error("a filter compares @ with a string, number or boolean");
    this.#at += match[0].length;
    return JSON.parse(match[0].replace(/^\+/, "")) as JsonValue;
  }

  #quoted(): string {
    const quote = this.#peek();
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw this.#error("unterminated quoted string");
    const text = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #space(): void {
    while (this.#peek() === " ") this.#at++;
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #take(text: string): boolean {
    const found = this.#text.startsWith(text, this.#at);
    if (found) this.#at += text.length;
    return found;
  }

  #error(problem: string): Error {
    return new Error(`JSONPath ${JSON.stringify(this.#whole)}: ${problem} at character ${this.#at}`);
  }
}

function field(name: string): Select {
  return (value) => {
    const found = isObject(value) ? own(value, name) : undefined;
    return found === undefined ? [] : [found];
  };
}

function children(value: JsonValue): JsonValue[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value).filter((each) => each !== undefined) : [];
}

function descendants(value: JsonValue): JsonValue[] {
  const below = children(value);
  return below.length === 0 ? [] : [value, ...below.flatMap(descendants)];
}

function numberOr(text: string | undefined): number | undefined {
  return text === undefined || text === "" ? undefined : Number(text);
}

function pick(list: JsonValue[], index: number): JsonValue[] {
  const found = list.at(index);
  return found === undefined ? [] : [found];
}

function slice(list: JsonValue[], start: number | undefined, end: number | undefined, step = 1): JsonValue[] {
  const part = list.slice(start, end);
  return step <= 1 ? part : part.filter((_, index) => index % step === 0);
}

function compare(lefts: JsonValue[], operator: string, rights: JsonValue[]): boolean {
  const [left] = lefts;
  const [right] = rights;
  if (left === undefined || right === undefined || lefts.length > 1 || rights.length > 1) return false;
  if (operator === "==") return equalJson(left, right);
  if (operator === "!=") return !equalJson(left, right);
  if (typeof left !== typeof right || (typeof left !== "number" && typeof left !== "string")) return false;
  const order = left < (right as typeof left) ? -1 : left > (right as typeof left) ? 1 : 0;
  return operator === "<" ? order < 0 : operator === "<=" ? order <= 0 : operator === ">" ? order > 0 : order >= 0;
}
