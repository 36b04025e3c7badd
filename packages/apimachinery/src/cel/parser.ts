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
 * Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
 */
import type { Node } from "./ast.ts";
import { CelSyntaxError } from "./issues.ts";
import type { Token } from "./lexer.ts";
import { tokenize } from "./lexer.ts";
import { expandMacro } from "./macros.ts";

/** cel-go's default. */
const maxDepth = 250;
const reserved = new Set(
  "as break const continue else false for function if import in let loop package namespace null return true var void while".split(
    " ",
  ),
);
const relations = ["<=", ">=", "==", "!=", "<", ">"];
const minInt = 2n ** 63n;

/** @throws CelSyntaxError */
export function parse(expression: string): Node {
  const parser = new Parser(tokenize(expression));
  const node = parser.expression();
  parser.expectEnd();
  return node;
}

class Parser {
  readonly #tokens: Token[];
  #index = 0;
  #depth = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  expectEnd(): void {
    if (this.#peek().kind !== "end") throw this.#unexpected();
  }

  expression(): Node {
    if (++this.#depth > maxDepth)
      throw new CelSyntaxError(`expression recursion limit exceeded: ${maxDepth}`, this.#peek().at);
    const condition = this.#or();
    const question = this.#peek();
    let result = condition;
    if (this.#take("?")) {
      const yes = this.#or();
      this.#expect(":");
      const no = this.expression();
      result = { kind: "call", at: question.at, name: "_?_:_", target: undefined, args: [condition, yes, no] };
    }
    this.#depth--;
    return result;
  }

  #or(): Node {
    return this.#binary(["||"], () => this.#and());
  }

  #and(): Node {
    return this.#binary(["&&"], () => this.#relation());
  }

  #relation(): Node {
    return this.#binary(relations, () => this.#sum(), true);
  }

  #sum(): Node {
    return this.#binary(["+", "-"], () => this.#product());
  }

  #product(): Node {
    return this.#binary(["*", "/", "%"], () => this.#unary());
  }

  #binary(operators: readonly string[], operand: () => Node, withIn = false): Node {
    let left = operand();
    for (;;) {
      const token = this.#peek();
      const isIn = withIn && token.kind === "ident" && token.text === "in" && !token.quoted;
      if (!isIn && !(token.kind === "symbol" && operators.includes(token.text))) return left;
      this.#index++;
      const right = operand();
      left = {
        kind: "call",
        at: token.at,
        name: isIn ? "@in" : `_${token.text}_`,
        target: undefined,
        args: [left, right],
      };
    }
  }

  #unary(): Node {
    const token = this.#peek();
    if (token.kind !== "symbol" || (token.text !== "!" && token.text !== "-")) return this.#member();
    let count = 0;
    while (this.#take(token.text)) count++;
    if (token.text === "-" && count % 2 === 1) {
      const literal = this.#peek();
      if (literal.kind === "literal" && typeof literal.value === "bigint") {
        this.#index++;
        return this.#selections({ kind: "literal", at: token.at, value: -literal.value });
      }
      if (literal.kind === "literal" && typeof literal.value === "number") {
        this.#index++;
        return this.#selections({ kind: "literal", at: token.at, value: -literal.value });
      }
    }
    const operand = this.#member();
    if (count % 2 === 0) return operand;
    return { kind: "call", at: token.at, name: token.text === "!" ? "!_" : "-_", target: undefined, args: [operand] };
  }

  #member(): Node {
    return this.#selections(this.#primary());
  }

  #selections(start: Node): Node {
    let operand = start;
    let steps = 0;
    for (;;) {
      if (++steps > maxDepth)
        throw new CelSyntaxError(`expression recursion limit exceeded: ${maxDepth}`, this.#peek().at);
      const token = this.#peek();
      if (this.#take(".")) operand = this.#selection(operand, token.at);
      else if (this.#take("[")) {
        const optional = this.#take("?");
        const index = this.expression();
        this.#expect("]");
        operand = { kind: "index", at: token.at, operand, index, optional };
      } else if (token.kind === "symbol" && token.text === "{" && qualifiedName(operand) !== undefined) {
        operand = this.#struct(qualifiedName(operand) ?? "", operand.at);
      } else return operand;
    }
  }

  #selection(operand: Node, at: number): Node {
    const optional = this.#take("?");
    const name = this.#peek();
    if (name.kind !== "ident" || (name.text === "in" && !name.quoted)) throw this.#unexpected();
    this.#index++;
    const opening = this.#peek();
    if (optional || name.quoted || !this.#take("(")) return { kind: "select", at, operand, field: name.text, optional };
    const args = this.#arguments();
    return (
      expandMacro(name.text, operand, args, opening.at) ?? {
        kind: "call",
        at: opening.at,
        name: name.text,
        target: operand,
        args,
      }
    );
  }

  #arguments(): Node[] {
    const args: Node[] = [];
    if (this.#take(")")) return args;
    do args.push(this.expression());
    while (this.#take(","));
    this.#expect(")");
    return args;
  }

  #primary(): Node {
    const token = this.#peek();
    if (token.kind === "literal") {
      this.#index++;
      if (token.value === minInt) throw new CelSyntaxError("Syntax error: invalid int literal", token.at);
      return { kind: "literal", at: token.at, value: token.value ?? null };
    }
    if (this.#take("(")) {
      const inner = this.expression();
      this.#expect(")");
      return inner;
    }
    if (this.#take("[")) return this.#list(token.at);
    if (this.#take("{")) return this.#map(token.at);
    this.#take(".");
    return this.#name();
  }

  #name(): Node {
    const token = this.#peek();
    if (token.kind !== "ident" || token.quoted || reserved.has(token.text)) throw this.#unexpected();
    this.#index++;
    const opening = this.#peek();
    if (!this.#take("(")) return { kind: "ident", at: token.at, name: token.text };
    const args = this.#arguments();
    return (
      expandMacro(token.text, undefined, args, opening.at) ?? {
        kind: "call",
        at: opening.at,
        name: token.text,
        target: undefined,
        args,
      }
    );
  }

  #list(at: number): Node {
    const elements: { value: Node; optional: boolean }[] = [];
    while (!this.#take("]")) {
      const optional = this.#take("?");
      elements.push({ value: this.expression(), optional });
      if (!this.#take(",")) {
        this.#expect("]");
        break;
      }
    }
    return { kind: "list", at, elements };
  }

  #map(at: number): Node {
    const entries: { key: Node; value: Node; optional: boolean }[] = [];
    while (!this.#take("}")) {
      const optional = this.#take("?");
      const key = this.expression();
      this.#expect(":");
      entries.push({ key, value: this.expression(), optional });
      if (!this.#take(",")) {
        this.#expect("}");
        break;
      }
    }
    return { kind: "map", at, entries };
  }

  #struct(name: string, at: number): Node {
    this.#expect("{");
    const fields: { name: string; value: Node; optional: boolean; at: number }[] = [];
    while (!this.#take("}")) {
      const optional = this.#take("?");
      const field = this.#peek();
      if (field.kind !== "ident") throw this.#unexpected();
      this.#index++;
      this.#expect(":");
      fields.push({ name: field.text, value: this.expression(), optional, at: field.at });
      if (!this.#take(",")) {
        this.#expect("}");
        break;
      }
    }
    return { kind: "struct", at, name, fields };
  }

  #peek(): Token {
    return this.#tokens[this.#index] as Token;
  }

  #take(symbol: string): boolean {
    const token = this.#peek();
    const found = token.kind === "symbol" && token.text === symbol;
    if (found) this.#index++;
    return found;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol))
      throw new CelSyntaxError(
        `Syntax error: mismatched input '${this.#peek().text}' expecting '${symbol}'`,
        this.#peek().at,
      );
  }

  #unexpected(): CelSyntaxError {
    const { text, at } = this.#peek();
    return new CelSyntaxError(
      reserved.has(text) ? `Syntax error: reserved identifier: ${text}` : `Syntax error: mismatched input '${text}'`,
      at,
    );
  }
}

/** `a.b.c` as text, for names of types and functions; undefined for any other expression. */
export function qualifiedName(node: Node): string | undefined {
  if (node.kind === "ident") return node.name;
  if (node.kind !== "select" || node.optional) return undefined;
  const left = qualifiedName(node.operand);
  return left === undefined ? undefined : `${left}.${node.field}`;
}
