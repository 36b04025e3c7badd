/** How deep an expression may go. */
import type { Expr } from "./ast.ts";
import { CelSyntaxError } from "./issues.ts";

/** cel-go's default. */
export const maxDepth = 250;

/** How deep the tree of each node goes: 1 for what is no operation. */
export class Depths {
  /** No WeakMap: the collector would look at each of its entries again and again while the tree grows. */
  readonly #depths = new Map<Expr, number>();

  /** Notes how deep an operation goes; cel-go visits no deeper tree. @throws CelSyntaxError */
  over(node: Expr, ...operands: readonly Expr[]): Expr {
    const depth = 1 + this.#deepest(operands);
    if (depth > maxDepth + 1) throw new CelSyntaxError("max recursion depth exceeded", -1);
    this.#depths.set(node, depth);
    return node;
  }

  /** A literal is as deep as what is in it. */
  around(node: Expr, parts: readonly Expr[]): Expr {
    if (parts.length > 0) this.#depths.set(node, this.#deepest(parts));
    return node;
  }

  #deepest(nodes: readonly Expr[]): number {
    let depth = 0;
    for (const node of nodes) depth = Math.max(depth, this.#depths.get(node) ?? 1);
    return depth;
  }
}

/** `a && b && c` as cel-go has it: a balanced tree of the terms, with the operators at their places. */
export function balanced(
  name: string,
  terms: readonly Expr[],
  places: readonly number[],
  low: number,
  high: number,
): Expr {
  if (high < low) return terms[low] as Expr;
  const middle = (low + high + 1) >> 1;
  const left = middle === low ? (terms[middle] as Expr) : balanced(name, terms, places, low, middle - 1);
  const right = middle === high ? (terms[middle + 1] as Expr) : balanced(name, terms, places, middle + 1, high);
  return { kind: "call", at: places[middle] ?? 0, name, target: undefined, args: [left, right] };
}
