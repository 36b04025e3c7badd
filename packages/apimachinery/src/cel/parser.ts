/**
 * CEL's grammar, by recursive descent. Macros are expanded while parsing, as in cel-go.
 *
 *   Expr = Or ["?" Or ":" Expr]        Or = And {"||" And}          And = Relation {"&&" Relation}
 *   Relation = Sum {("<" | "<=" | ">=" | ">" | "==" | "!=" | "in") Sum}
 *   Sum = Product {("+" | "-") Product}  Product = Unary {("*" | "/" | "%") Unary}
 *   Unary = {"!"} Member | {"-"} Member
 *   Member = Primary {"." ["?"] IDENT ["(" Exprs ")"] | "[" ["?"] Expr "]"}
 *   Primary = ["."] IDENT ["(" Exprs ")"] | Name "{" Fields "}" | "(" Expr ")" | "[" Items "]" | "{" Entries "}" | LITERAL
 *
 * Source: cel-go v0.26 parser/gen/CEL.g4 and parser/parser.go
 */
import type { Entry, Expr, Field } from "./ast.ts";
import { qualifiedName } from "./ast.ts";
import { balanced, Depths, maxDepth } from "./depths.ts";
import { CelSyntaxError } from "./issues.ts";
import type { Token } from "./lexer.ts";
import { tokenize } from "./lexer.ts";
import { expandMacro } from "./macros.ts";
import { Uint } from "./values.ts";

const reserved = new Set(
  "as break const continue else false for function if import in let loop package namespace null return true var void while".split(
    " ",
  ),
);
const relations = ["<=", ">=", "==", "!=", "<", ">"];
const maxInt = 2n ** 63n - 1n;
const maxUint = 2n ** 64n - 1n;

export interface Parsed {
  node: Expr;
  /** Mistakes that do not stop the parser: reserved names, literals out of range, wrong arguments of macros. */
  mistakes: CelSyntaxError[];
}

/** @throws CelSyntaxError */
export function parse(expression: string): Parsed {
  const parser = new Parser(tokenize(expression));
  const node = parser.expression();
  parser.expectEnd();
  return { node, mistakes: parser.mistakes };
}

class Parser {
  readonly mistakes: CelSyntaxError[] = [];
  readonly #tokens: Token[];
  readonly #copied = { nodes: 0 };
  readonly #depths = new Depths();
  #index = 0;
  #depth = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  expectEnd(): void {
    if (this.#peek().kind !== "end") throw this.#unexpected("extraneous");
  }

  /** A mistake after which parsing goes on, so that more of them are found. */
  #mistake(message: string, at: number): Expr {
    this.mistakes.push(new CelSyntaxError(message, at));
    return { kind: "literal", at, value: null };
  }

  #nested<T>(body: () => T): T {
    if (++this.#depth > maxDepth) throw new CelSyntaxError(`expression recursion limit exceeded: ${maxDepth}`, -1);
    const result = body();
    this.#depth--;
    return result;
  }

  expression(): Expr {
    return this.#nested(() => {
      const condition = this.#logical("||");
      const question = this.#peek();
      if (!this.#take("?")) return condition;
      const yes = this.#logical("||");
      this.#expect(":");
      const no = this.expression();
      const args = [condition, yes, no];
      return this.#depths.over({ kind: "call", at: question.at, name: "_?_:_", target: undefined, args }, ...args);
    });
  }

  /** `a && b && c`: cel-go makes a balanced tree of the terms. */
  #logical(operator: "||" | "&&"): Expr {
    const operand = () => (operator === "||" ? this.#logical("&&") : this.#relation());
    const terms = [operand()];
    const places: number[] = [];
    for (let token = this.#peek(); this.#take(operator); token = this.#peek()) {
      places.push(token.at);
      terms.push(operand());
    }
    return this.#depths.around(balanced(`_${operator}_`, terms, places, 0, places.length - 1), terms);
  }

  #relation(): Expr {
    return this.#binary(relations, () => this.#sum(), true);
  }

  #sum(): Expr {
    return this.#binary(["+", "-"], () => this.#product());
  }

  #product(): Expr {
    return this.#binary(["*", "/", "%"], () => this.#unary());
  }

  #binary(operators: readonly string[], operand: () => Expr, withIn = false): Expr {
    let left = operand();
    for (;;) {
      const token = this.#peek();
      const isIn = withIn && token.kind === "ident" && token.text === "in" && !token.quoted;
      if (!isIn && !(token.kind === "symbol" && operators.includes(token.text))) return left;
      this.#index++;
      const name = isIn ? "@in" : `_${token.text}_`;
      const args = [left, operand()];
      left = this.#depths.over({ kind: "call", at: token.at, name, target: undefined, args }, ...args);
    }
  }

  #unary(): Expr {
    const token = this.#peek();
    if (token.kind !== "symbol" || (token.text !== "!" && token.text !== "-")) return this.#member();
    let count = 0;
    while (this.#take(token.text)) count++;
    if (token.text === "-" && count === 1 && this.#peek().number === "signed") {
      const { value } = this.#next();
      const negative = typeof value === "bigint" ? -value : -(value as number);
      return this.#selections(this.#number(negative, token.at));
    }
    const operand = this.#signedMember(token.text);
    if (count % 2 === 0) return operand;
    const name = token.text === "!" ? "!_" : "-_";
    return this.#depths.around({ kind: "call", at: token.at, name, target: undefined, args: [operand] }, [operand]);
  }

  /** A member, or after `!` a number with a sign. */
  #signedMember(operator: string): Expr {
    const sign = this.#peek();
    const next = this.#tokens[this.#index + 1];
    if (operator !== "!" || sign.text !== "-" || sign.kind !== "symbol") return this.#member();
    if (next?.number !== "signed") {
      const text = `-${next?.kind === "end" ? "" : next?.text}`;
      throw new CelSyntaxError(`Syntax error: no viable alternative at input '${text}'`, next?.at ?? sign.at);
    }
    return this.#unary();
  }

  #number(value: bigint | number | Uint, at: number): Expr {
    if (typeof value === "bigint" && (value > maxInt || value < -maxInt - 1n))
      return this.#mistake("invalid int literal", at);
    if (value instanceof Uint && value.value > maxUint) return this.#mistake("invalid uint literal", at);
    if (typeof value === "number" && !Number.isFinite(value)) return this.#mistake("invalid double literal", at);
    return { kind: "literal", at, value };
  }

  #member(): Expr {
    return this.#selections(this.#primary());
  }

  #selections(start: Expr): Expr {
    let operand = start;
    for (;;) {
      const token = this.#peek();
      if (this.#take(".")) operand = this.#selection(operand, token.at);
      else if (this.#take("[")) {
        const optional = this.#take("?");
        const index = this.expression();
        this.#expect("]");
        const name = optional ? "_[?_]" : "_[_]";
        const args = [operand, index];
        operand = this.#depths.over({ kind: "call", at: token.at, name, target: undefined, args }, ...args);
      } else if (token.kind === "symbol" && token.text === "{" && qualifiedName(operand) !== undefined) {
        operand = this.#struct(qualifiedName(operand) ?? "");
      } else return operand;
    }
  }

  #selection(operand: Expr, at: number): Expr {
    const optional = this.#take("?");
    const name = this.#peek();
    if (name.kind !== "ident" || (name.text === "in" && !name.quoted)) throw this.#unexpected("no viable alternative");
    this.#index++;
    const opening = this.#peek();
    if (name.quoted) this.#mistake("unsupported syntax: '`'", name.at); // known to the grammar, not enabled in Kubernetes
    if (optional) {
      const field: Expr = { kind: "literal", at: name.at, value: name.text };
      return this.#depths.over({ kind: "call", at, name: "_?._", target: undefined, args: [operand, field] }, operand);
    }
    if (name.quoted || !this.#take("("))
      return this.#depths.over({ kind: "select", at, operand, field: name.text, testOnly: false }, operand);
    return this.#call(name.text, operand, opening.at);
  }

  #call(name: string, target: Expr | undefined, at: number): Expr {
    const args = this.#arguments();
    try {
      const expanded = expandMacro({ name, target, args, at, copied: this.#copied });
      const node: Expr = expanded ?? { kind: "call", at, name, target, args };
      return target === undefined ? this.#depths.around(node, args) : this.#depths.over(node, target, ...args);
    } catch (error) {
      if (!(error instanceof CelSyntaxError)) throw error;
      return this.#mistake(error.message, error.offset);
    }
  }

  #arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.#take(")")) return args;
    do args.push(this.expression());
    while (this.#take(","));
    this.#expect(")");
    return args;
  }

  #primary(): Expr {
    const token = this.#peek();
    if (token.kind === "literal") {
      this.#index++;
      if (token.problem !== undefined) return this.#mistake(token.problem, token.at);
      const value = token.value ?? null;
      if (typeof value === "bigint" || typeof value === "number" || value instanceof Uint)
        return this.#number(value, token.at);
      return { kind: "literal", at: token.at, value };
    }
    if (this.#take("(")) {
      const inner = this.expression();
      this.#expect(")");
      return inner;
    }
    if (this.#take("[")) return this.#list(token.at);
    if (this.#take("{")) return this.#map(token.at);
    return this.#name(this.#take(".") ? "." : "", token.at);
  }

  #name(dot: string, start: number): Expr {
    const token = this.#peek();
    if (token.kind !== "ident" || token.quoted || token.text === "in") throw this.#unexpected("mismatched");
    this.#index++;
    const opening = this.#peek();
    const isCall = this.#take("(");
    if (reserved.has(token.text)) {
      if (isCall) this.#arguments();
      return this.#mistake(`reserved identifier: ${token.text}`, start);
    }
    const name = `${dot}${token.text}`;
    return isCall ? this.#call(name, undefined, opening.at) : { kind: "ident", at: token.at, name };
  }

  #list(at: number): Expr {
    const elements: Expr[] = [];
    const optional = new Set<number>();
    if (this.#take(",")) {
      this.#expect("]");
      return { kind: "list", at, elements, optional };
    }
    while (!this.#take("]")) {
      if (this.#take("?")) optional.add(elements.length);
      elements.push(this.expression());
      if (!this.#take(",")) {
        this.#expect("]");
        break;
      }
    }
    return this.#depths.around({ kind: "list", at, elements, optional }, elements);
  }

  #map(at: number): Expr {
    const entries: Entry[] = [];
    if (this.#take(",")) {
      this.#expect("}");
      return { kind: "map", at, entries };
    }
    while (!this.#take("}")) {
      const optional = this.#take("?");
      const key = this.expression();
      const colon = this.#peek();
      this.#expect(":");
      entries.push({ at: colon.at, key, value: this.expression(), optional });
      if (!this.#take(",")) {
        this.#expect("}");
        break;
      }
    }
    return this.#depths.around(
      { kind: "map", at, entries },
      entries.flatMap(({ key, value }) => [key, value]),
    );
  }

  #struct(name: string): Expr {
    const { at } = this.#peek();
    this.#expect("{");
    const fields: Field[] = [];
    while (!this.#take("}")) {
      const optional = this.#take("?");
      const field = this.#peek();
      if (field.kind !== "ident") throw this.#unexpected("mismatched");
      this.#index++;
      const colon = this.#peek();
      this.#expect(":");
      fields.push({ at: colon.at, name: field.text, value: this.expression(), optional });
      if (!this.#take(",")) {
        this.#expect("}");
        break;
      }
    }
    return this.#depths.around(
      { kind: "struct", at, name, fields },
      fields.map(({ value }) => value),
    );
  }

  #peek(): Token {
    return this.#tokens[this.#index] as Token;
  }

  #next(): Token {
    return this.#tokens[this.#index++] as Token;
  }

  #take(symbol: string): boolean {
    const token = this.#peek();
    const found = token.kind === "symbol" && token.text === symbol;
    if (found) this.#index++;
    return found;
  }

  #expect(symbol: string): void {
    const { text, at } = this.#peek();
    if (!this.#take(symbol))
      throw new CelSyntaxError(`Syntax error: mismatched input '${text}' expecting '${symbol}'`, at);
  }

  #unexpected(kind: string): CelSyntaxError {
    const { text, at } = this.#peek();
    const where = kind === "no viable alternative" ? " at" : "";
    return new CelSyntaxError(`Syntax error: ${kind}${where} input '${text}'`, at);
  }
}
