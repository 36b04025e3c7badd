/**
 * Reads a query in the language of Zoekt (zoekt `doc/query_syntax.md`), the part both engines answer:
 *
 *   query  = list *( "or" list )
 *   list   = 1*( [ "-" ] ( "(" query ")" / atom ) )                     ; all of them
 *   atom   = pattern / field ":" value
 *   field  = "content" / "c" / "file" / "f" / "regex" / "repo" / "r" / "branch" / "b" / "lang" / "case"
 *
 * `case:` holds for its list and what is in it: yes, no, or auto (a pattern with a capital letter is exact).
 */
import { RE2JS, RE2JSException } from "re2js";
import { type QueryNode, queryLimits, type Scope, type TextNode } from "./query.ts";
import { QueryError } from "./query-error.ts";
import { type Token, tokensOf } from "./tokens.ts";

type Case = "yes" | "no" | "auto";

const textFields: Record<string, Scope> = {
  content: "content",
  c: "content",
  file: "path",
  f: "path",
  regex: "any",
};
const otherFields = ["repo", "r", "branch", "b", "lang", "case"];
/** Fields of Zoekt that need what Krate does not index. */
const unsupported = ["sym", "type", "t", "archived", "fork", "public"];
const known = "content: (c:), file: (f:), regex:, repo: (r:), branch: (b:), lang: and case:";

/** @throws QueryError that says what is wrong and what is allowed */
export function parseQuery(query: string): QueryNode {
  if (query.length > queryLimits.length)
    throw new QueryError(`the query has ${query.length} characters: at most ${queryLimits.length} are allowed`);
  if (query.includes("\0")) throw new QueryError("the query holds a NUL character, which no text file has");
  const reader = new Reader(tokensOf(query));
  const node = reader.query(0);
  if (!reader.atEnd) throw new QueryError(`the ) at character ${(reader.peek()?.at ?? 0) + 1} closes nothing`);
  if (!node) throw new QueryError("the query is empty: write what to find, such as  func lang:go  or  file:README");
  return withCase(node, "auto");
}

class Reader {
  readonly #tokens: Token[];
  #at = 0;
  #atoms = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  get atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** Undefined when there is nothing. */
  query(depth: number): QueryNode | undefined {
    if (depth > queryLimits.depth)
      throw new QueryError(`the query has more than ${queryLimits.depth} parentheses in each other`);
    const alternatives: QueryNode[][] = [[]];
    let sensitivity: Case | undefined;
    for (let token = this.peek(); token && token.kind !== ")"; token = this.peek()) {
      if (token.kind === "word" && token.input === "or") {
        this.#at++;
        alternatives.push([]);
        continue;
      }
      const found = this.#operand(depth);
      if (typeof found === "string") sensitivity = found;
      else if (found) (alternatives.at(-1) as QueryNode[]).push(found);
    }
    const lists = alternatives.map((children) => joined("and", children));
    if (lists.length === 1 && !lists[0]) return undefined;
    const node = joined(
      "or",
      lists.map((list) => list ?? missingOperand()),
    );
    return node && (sensitivity ? withCase(node, sensitivity) : node);
  }

  #operand(depth: number): QueryNode | Case | undefined {
    const token = this.#tokens[this.#at++] as Token;
    if (token.kind === "(") {
      const inner = this.query(depth + 1);
      if (this.peek()?.kind !== ")") throw new QueryError(`the ( at character ${token.at + 1} is not closed`);
      this.#at++;
      return inner;
    }
    if (token.kind === "-") {
      const next = this.peek();
      if (!next || next.kind === ")") throw new QueryError(`the - at character ${token.at + 1} excludes nothing`);
      if (next.kind === "-")
        throw new QueryError(`the - at character ${token.at + 1} excludes another -: write one or none`);
      const child = this.#operand(depth + 1);
      if (!child || typeof child === "string")
        throw new QueryError(`the - at character ${token.at + 1} must stand before a pattern or a filter`);
      return { kind: "not", child };
    }
    if (++this.#atoms > queryLimits.atoms)
      throw new QueryError(`the query has more than ${queryLimits.atoms} patterns and filters`);
    return atomOf(token);
  }
}

function missingOperand(): never {
  throw new QueryError('there is nothing on one side of "or": write "or" in quotes to find the word');
}

function joined(kind: "and" | "or", children: readonly QueryNode[]): QueryNode | undefined {
  return children.length <= 1 ? children[0] : { kind, children: [...children] };
}

function atomOf({ input, text, at }: Token): QueryNode | Case {
  const field = /^([a-z]+):|^(meta)\./.exec(input);
  const name = field?.[1] ?? field?.[2];
  if (!name) return textNode(text, "any", at);
  if (unsupported.includes(name) || name === "meta")
    throw new QueryError(`${name}: is not supported here: use ${known}, or put the word in quotes`);
  const value = text.slice(name.length + 1);
  const scope = textFields[name];
  if (!scope && !otherFields.includes(name)) return textNode(text, "any", at);
  if (value === "") throw new QueryError(`${name}: at character ${at + 1} has no value`);
  if (scope) return textNode(value, scope, at);
  if (name === "case") return caseOf(value);
  if (name === "lang") return { kind: "lang", name: value };
  if (name === "branch" || name === "b") return { kind: "branch", text: value };
  compiled(value, at);
  return { kind: "repo", pattern: value };
}

function caseOf(value: string): Case {
  if (value === "yes" || value === "no" || value === "auto") return value;
  throw new QueryError(`case:${value} is unknown: write case:yes, case:no or case:auto`);
}

function textNode(pattern: string, scope: Scope, at: number): TextNode {
  if (pattern === "") throw new QueryError(`the pattern at character ${at + 1} is empty`);
  const expression = compiled(pattern, at);
  if (expression.matcher("").find())
    throw new QueryError(
      `the pattern ${JSON.stringify(shortened(pattern))} matches everywhere: make it match at least one character`,
    );
  const literal = literalOf(pattern);
  return { kind: "text", scope, pattern, ...(literal !== undefined && { literal }) };
}

function compiled(pattern: string, at: number): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.MULTILINE);
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    const why = cause.message.replace(/^error parsing regexp: /, "").replace("`(?m)", "`");
    throw new QueryError(
      `the pattern ${JSON.stringify(shortened(pattern))} at character ${at + 1} is no RE2 regular expression: ${why}`,
      { cause },
    );
  }
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The text a pattern stands for, undefined when it has operators. */
function literalOf(pattern: string): string | undefined {
  if (/^[^\\.+*?()|[\]{}^$]+$/.test(pattern)) return pattern;
  const plain = pattern.replace(/\\([^\p{L}\p{N}\s])/gu, "");
  if (/[\\.+*?()|[\]{}^$]/.test(plain)) return undefined;
  return pattern.replace(/\\([^\p{L}\p{N}\s])/gu, "$1");
}

/** Decides for every pattern that no inner list decided for: `case:` may stand behind the pattern it is about. */
function withCase(node: QueryNode, sensitivity: Case): QueryNode {
  switch (node.kind) {
    case "and":
    case "or":
      return { kind: node.kind, children: node.children.map((child) => withCase(child, sensitivity)) };
    case "not":
      return { kind: "not", child: withCase(node.child, sensitivity) };
    case "text":
      if (node.caseSensitive !== undefined) return node;
      return { ...node, caseSensitive: sensitivity === "auto" ? hasCapital(node.pattern) : sensitivity === "yes" };
    default:
      return node;
  }
}

/** A capital letter that is matched, not one of an operator such as \W or \pL. */
function hasCapital(pattern: string): boolean {
  return /\p{Lu}/u.test(pattern.replace(/\\[pP](\{[^}]*\}|.)|\\x\{[^}]*\}|\\.|\(\?P?<[^>]*>/gu, ""));
}
