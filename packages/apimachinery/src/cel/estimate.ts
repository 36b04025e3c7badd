/**
 * What an expression may cost, before it runs: from the sizes its variables can have. Kubernetes refuses rules of a schema by it, so that every number
 * is as cel-go computes it. Source: cel-go v0.26 checker/cost.go.
 */
import type { Expr, ExprOf } from "./ast.ts";
import { qualifiedName } from "./ast.ts";
import type { DeclaredSizes } from "./declared-sizes.ts";
import { sizesAt } from "./declared-sizes.ts";
import { estimateCall } from "./estimate-calls.ts";
import { EstimatePath } from "./estimate-path.ts";
import type { Overload } from "./functions/overload.ts";
import type { Range } from "./ranges.ts";
import { fixed, largest, plus, sumOf, times, total, union, unknownSize, zero } from "./ranges.ts";
import { textSize } from "./text-size.ts";
import type { CelType } from "./types.ts";
import type { Value } from "./values.ts";

/** An argument of a call, as it was when the call was reached. */
export interface Operand {
  readonly node: Expr | undefined;
  readonly type: CelType;
  /** From a variable through fields, `@items`, `@keys` and `@values`; empty for what is no part of a variable. */
  readonly path: EstimatePath;
  /** Known from the expression itself, or from the schema. */
  readonly size: Range | undefined;
}

/** Sizes of what is in a list or map. */
interface Entries {
  readonly container: "list" | "map";
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  name: string;
  path: EstimatePath;
  size: Range | undefined;
  entries: Entries | undefined;
}

/** @param typeOf the type of a checked node */
export function estimateCost(root: Expr, sizes: DeclaredSizes, typeOf: (node: Expr) => CelType): Range {
  return new Estimator(sizes, typeOf).cost(root);
}

const accumulators = new Set(["@result", "__result__"]);

export class Estimator {
  readonly #sizes: DeclaredSizes;
  readonly #typeOf: (node: Expr) => CelType;
  readonly #paths = new Map<Expr, EstimatePath>();
  readonly #known = new Map<Expr, Range>();
  readonly #entries = new Map<Expr, Entries>();
  /** Variables of loops, innermost last. */
  readonly #locals: Local[] = [];

  constructor(sizes: DeclaredSizes, typeOf: (node: Expr) => CelType) {
    this.#sizes = sizes;
    this.#typeOf = typeOf;
  }

  cost(node: Expr): Range {
    switch (node.kind) {
      case "literal":
        return zero;
      case "ident":
        return this.#ident(node, node.name);
      case "select":
        return this.#select(node);
      case "call":
        return this.#call(node);
      case "list":
        return this.#list(node);
      case "map":
        return this.#map(node);
      case "struct":
        return plus(total(node.fields.map(({ value }) => this.cost(value))), fixed(40));
      case "fold":
        return isBinding(node) ? this.#bind(node) : this.#fold(node);
    }
  }

  /** The size that a schema says for a path. */
  declared(path: EstimatePath): Range | undefined {
    if (path.length === 0) return undefined;
    const sizes = sizesAt(this.#sizes, path.names);
    return sizes === undefined ? undefined : { min: 0n, max: BigInt(sizes.maxElements) };
  }

  /** The size of an operand; any where nothing is known. */
  sizeOf({ size, path }: Operand): Range {
    return size ?? this.declared(path) ?? unknownSize;
  }

  /** What is in a list; undefined for an operand without elements. */
  elementOf({ type, path }: Operand): Operand | undefined {
    const [element] = type.of;
    if (element === undefined) return undefined;
    return { node: undefined, type: element, path: path.length === 0 ? path : path.append("@items"), size: undefined };
  }

  #local(name: string): Local | undefined {
    return this.#locals.findLast((each) => each.name === name);
  }

  #ident(node: Expr, name: string): Range {
    const local = this.#local(name);
    this.#paths.set(node, local === undefined ? EstimatePath.of(name) : local.path);
    return fixed(1);
  }

  #select(node: ExprOf<"select">): Range {
    if (node.reference !== undefined) return this.#ident(node, qualifiedName(node) ?? "");
    const cost = this.cost(node.operand);
    if (node.testOnly) return cost;
    this.#paths.set(node, this.#pathOf(node.operand).append(node.field));
    const { kind } = this.#typeOf(node.operand);
    return kind === "map" || kind === "object" ? plus(cost, fixed(1)) : cost;
  }

  #call(node: ExprOf<"call">): Range {
    const { name, args, target } = node;
    if (name === "dyn" && args[0] !== undefined) {
      const cost = this.cost(args[0]);
      this.#copySizes(node, args[0]);
      return plus(cost, fixed(1));
    }
    const costs: Range[] = [];
    const operands: Operand[] = [];
    for (const arg of args) {
      costs.push(this.cost(arg));
      operands.push(this.#operand(arg));
    }
    const targetCost = target === undefined ? zero : this.cost(target);
    const receiver = target === undefined ? undefined : this.#operand(target);
    let cost: Range = { min: largest, max: 0n };
    let size: Range | undefined;
    // the selection of an optional field has no overload of its own here
    const overloads: readonly (Overload | undefined)[] = name === "_?._" ? [undefined] : (node.overloads ?? []);
    for (const overload of overloads) {
      const call = this.#overload(node, overload, receiver, operands, costs);
      cost = union(cost, call.cost);
      if (call.size !== undefined) size = size === undefined ? call.size : union(size, call.size);
      const index = name === "_[_]" ? overload?.parameters[0]?.kind : undefined;
      if (index === "list" || index === "map") {
        const [container] = args as [Expr];
        size = this.#entriesOf(container)?.value;
        this.#paths.set(node, this.#pathOf(container).append(index === "list" ? "@items" : "@values"));
      }
      size ??= this.#sizeOf(node);
    }
    if (size !== undefined) this.#known.set(node, size);
    return plus(targetCost, cost);
  }

  #overload(
    node: ExprOf<"call">,
    overload: Overload | undefined,
    target: Operand | undefined,
    args: readonly Operand[],
    costs: readonly Range[],
  ): { cost: Range; size?: Range | undefined } {
    const [first = zero, second = zero, third = zero] = costs;
    if (node.name === "_||_" || node.name === "_&&_")
      return { cost: { min: first.min, max: sumOf(first.max, second.max) } };
    if (node.name === "_?_:_") {
      const [, yes, no] = node.args as [Expr, Expr, Expr];
      const entries = unite(this.#entriesOf(yes), this.#entriesOf(no));
      if (entries !== undefined) this.#entries.set(node, entries);
      const [, a, b] = args as [Operand, Operand, Operand];
      return { cost: plus(first, union(second, third)), size: union(a.size ?? unknownSize, b.size ?? unknownSize) };
    }
    const isSum = node.name === "_+_" && ["string", "bytes", "list"].includes(overload?.parameters[0]?.kind ?? "");
    if (isSum) {
      const [a, b] = node.args as [Expr, Expr];
      const entries = unite(this.#entriesOf(a), this.#entriesOf(b));
      if (entries !== undefined) this.#entries.set(node, entries);
    }
    const call = overload === undefined ? { cost: fixed(1) } : estimateCall(this, overload, target, args);
    return { ...call, cost: plus(call.cost, total(costs)) };
  }

  #list(node: ExprOf<"list">): Range {
    let value: Range = { min: node.elements.length === 0 ? 0n : largest, max: 0n };
    let cost = fixed(10);
    for (const element of node.elements) {
      cost = plus(cost, this.cost(element));
      value = union(value, this.#sizeOf(element) ?? unknownSize);
    }
    this.#entries.set(node, { container: "list", key: fixed(1), value });
    return cost;
  }

  #map(node: ExprOf<"map">): Range {
    const none: Range = { min: node.entries.length === 0 ? 0n : largest, max: 0n };
    let [key, value] = [none, none];
    let cost = fixed(30);
    for (const entry of node.entries) {
      cost = plus(cost, plus(this.cost(entry.key), this.cost(entry.value)));
      key = union(key, this.#sizeOf(entry.key) ?? unknownSize);
      value = union(value, this.#sizeOf(entry.value) ?? unknownSize);
    }
    this.#entries.set(node, { container: "map", key, value });
    return cost;
  }

  #fold(node: ExprOf<"fold">): Range {
    const { range, init, condition, step, result } = node;
    const start = plus(this.cost(range), this.cost(init));
    const depth = this.#locals.length;
    this.#pushVariable(node.accumulator, init);
    this.#pushElements(node);
    const turn = plus(this.cost(condition), this.cost(step));
    this.#locals.length = depth + 1;
    const end = this.cost(result);
    this.#locals.length = depth;
    const count = this.#sizeOf(range) ?? unknownSize;
    if (init.kind === "literal") {
      const size = this.#sizeOf(init);
      if (size !== undefined) this.#known.set(node, size);
    } else if (init.kind === "list" || init.kind === "map") {
      this.#known.set(node, count);
      const entries = this.#entriesOf(step);
      if (entries !== undefined) this.#entries.set(node, entries);
    }
    return plus(plus(start, end), times(count, turn));
  }

  #pushElements({ first, second, range }: ExprOf<"fold">): void {
    const entries = this.#entriesOf(range);
    const isList = (entries?.container ?? this.#typeOf(range).kind) === "list";
    const path = this.#pathOf(range);
    const push = (name: string, part: string, size: Range | undefined) =>
      this.#locals.push({ name, path: path.append(part), size, entries: undefined });
    if (second === undefined) {
      if (isList) push(first, "@items", entries?.value);
      else push(first, "@keys", entries?.key);
      return;
    }
    push(first, isList ? "@indices" : "@keys", entries?.key);
    push(second, isList ? "@items" : "@values", entries?.value);
  }

  #bind(node: ExprOf<"fold">): Range {
    const start = plus(this.cost(node.range), this.cost(node.init));
    this.#pushVariable(node.accumulator, node.init);
    const cost = plus(start, this.cost(node.result));
    this.#locals.pop();
    this.#copySizes(node, node.result);
    return cost;
  }

  #pushVariable(name: string, value: Expr): void {
    const entries = this.#entriesOf(value);
    this.#locals.push({ name, path: this.#pathOf(value), size: this.#sizeOf(value), entries });
  }

  #copySizes(to: Expr, from: Expr): void {
    const [size, entries] = [this.#sizeOf(from), this.#entriesOf(from)];
    if (size !== undefined) this.#known.set(to, size);
    if (entries !== undefined) this.#entries.set(to, entries);
  }

  #operand(node: Expr): Operand {
    const path = this.#pathOf(node);
    const isAccumulator = accumulators.has(path.names[0] ?? "");
    return {
      node,
      type: this.#typeOf(node),
      path: isAccumulator ? EstimatePath.empty : path,
      size: this.#sizeOf(node),
    };
  }

  #pathOf(node: Expr): EstimatePath {
    const local = node.kind === "ident" ? this.#local(node.name) : undefined;
    return local?.path ?? this.#paths.get(node) ?? EstimatePath.empty;
  }

  #sizeOf(node: Expr): Range | undefined {
    const known = this.#known.get(node) ?? writtenSize(node);
    if (known !== undefined) return known;
    const declared = this.declared(this.#pathOf(node));
    if (declared !== undefined) {
      this.#known.set(node, declared);
      return declared;
    }
    if (isScalar(this.#typeOf(node))) return fixed(1);
    return node.kind === "ident" ? this.#local(node.name)?.size : undefined;
  }

  #entriesOf(node: Expr): Entries | undefined {
    return this.#entries.get(node) ?? (node.kind === "ident" ? this.#local(node.name)?.entries : undefined);
  }
}

/** A variable for a value, which macros write as a loop over nothing. */
function isBinding({ range, condition, accumulator }: ExprOf<"fold">): boolean {
  const isEmpty = range.kind === "list" && range.elements.length === 0;
  return isEmpty && condition.kind === "literal" && condition.value === false && accumulator !== "__result__";
}

function unite(a: Entries | undefined, b: Entries | undefined): Entries | undefined {
  if (a === undefined || b === undefined) return undefined;
  return { container: a.container, key: union(a.key, b.key), value: union(a.value, b.value) };
}

/** The size of what stands in the expression as it is. */
function writtenSize(node: Expr): Range | undefined {
  if (node.kind === "literal") return fixed(literalSize(node.value));
  if (node.kind === "list") return fixed(node.elements.length);
  return node.kind === "map" ? fixed(node.entries.length) : undefined;
}

function literalSize(value: Value): number {
  if (typeof value === "string") return textSize(value);
  return value instanceof Uint8Array ? value.length : 1;
}

const scalars = new Set<CelType["kind"]>(["bool", "double", "duration", "int", "timestamp", "uint"]);

function isScalar({ kind, of }: CelType): boolean {
  return scalars.has(kind) || (kind === "optional" && of[0] !== undefined && isScalar(of[0]));
}
