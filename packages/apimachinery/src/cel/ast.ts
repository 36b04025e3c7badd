import type { Overload } from "./functions/overload.ts";
import type { CelType } from "./types.ts";
import type { Value } from "./values.ts";

/**
 * Expressions with macros expanded, as cel-go has them. `at` is the offset in the text where an error about the node points; the checker adds the
 * types and what names mean.
 */
export type Expr = { at: number; type?: CelType } & (
  | { kind: "literal"; value: Value }
  | { kind: "ident"; name: string; reference?: Reference }
  | { kind: "select"; operand: Expr; field: string; testOnly: boolean; reference?: Reference }
  | { kind: "call"; name: string; target: Expr | undefined; args: Expr[]; overloads?: readonly Overload[] }
  | { kind: "list"; elements: Expr[]; optional: ReadonlySet<number> }
  | { kind: "map"; entries: Entry[] }
  | { kind: "struct"; name: string; fields: Field[] }
  | Fold
);

/** What a name stands for: a variable, or a type as a value. */
export type Reference = { variable: string } | { typeName: string };

export interface Entry {
  at: number;
  key: Expr;
  value: Expr;
  optional: boolean;
}

export interface Field {
  at: number;
  name: string;
  value: Expr;
  optional: boolean;
}

/** A loop: `accumulator` starts as `init` and becomes `step` for each element while `condition` holds; the loop gives `result`. */
export interface Fold {
  kind: "fold";
  range: Expr;
  /** The element of a list or key of a map; with `second` the index or key. */
  first: string;
  second: string | undefined;
  accumulator: string;
  init: Expr;
  condition: Expr;
  step: Expr;
  result: Expr;
}

export type ExprOf<Kind extends Expr["kind"]> = Extract<Expr, { kind: Kind }>;

/** `a.b.c` as text, for names of types, functions and variables; undefined for any other expression. */
export function qualifiedName(node: Expr): string | undefined {
  if (node.kind === "ident") return node.name;
  if (node.kind !== "select" || node.testOnly) return undefined;
  const left = qualifiedName(node.operand);
  return left === undefined ? undefined : `${left}.${node.field}`;
}
