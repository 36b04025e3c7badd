/**
 * List functions and sets.
 * Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#Lists, https://pkg.go.dev/github.com/google/cel-go/ext#Sets, #Lists
 */
import type { Budget } from "../budget.ts";
import { CelBudgetError, CelError } from "../issues.ts";
import { add, compare, equals, noSuchOverload } from "../operators.ts";
import type { Value } from "../values.ts";
import { ArrayList, Duration, ListValue, maxListSize, typeNameOf, Uint } from "../values.ts";
import type { Overload } from "./overload.ts";
import { budgeted, overload } from "./overload.ts";

const comparable = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
const comparableNames = new Set(
  comparable.map((name) => (name === "duration" || name === "timestamp" ? `google.protobuf.${capital(name)}` : name)),
);

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function isComparable(value: Value): boolean {
  return comparableNames.has(typeNameOf(value));
}

/** -1, 0, 1, or undefined where two values have no order: cel-go's comparisons take that for neither. */
function orderOf(a: Value, b: Value): number | undefined {
  try {
    return compare(a, b);
  } catch (error) {
    if (error instanceof CelError) return undefined;
    throw error;
  }
}

function isSorted(list: ListValue): boolean {
  let before: Value | undefined;
  for (const each of list) {
    if (!isComparable(each)) throw noSuchOverload();
    if (before !== undefined && orderOf(before, each) === 1) return false;
    before = each;
  }
  return true;
}

function sumFrom(zero: Value): (list: ListValue) => Value {
  return (list) => {
    let total = zero;
    for (const each of list) total = add(total, each);
    return total;
  };
}

function extreme(name: string, wanted: number): (list: ListValue) => Value {
  return (list) => {
    let best: Value | undefined;
    for (const each of list) {
      if (!isComparable(each)) throw noSuchOverload();
      if (best === undefined || orderOf(best, each) === -wanted) best = each;
    }
    if (best === undefined) throw new CelError(`${name} called on empty list`);
    return best;
  };
}

function indexOf(budget: Budget, list: ListValue, item: Value): bigint {
  let index = 0n;
  for (const each of list) {
    if (equals(each, item, budget)) return index;
    budget.step();
    index++;
  }
  return -1n;
}

function lastIndexOf(budget: Budget, list: ListValue, item: Value): bigint {
  for (let index = list.size - 1; index >= 0; index--) {
    budget.step();
    if (equals(list.at(index), item, budget)) return BigInt(index);
  }
  return -1n;
}

function sliceList(list: ListValue, start: bigint, end: bigint): ArrayList {
  if (start < 0n || end < 0n) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > BigInt(list.size)) throw new CelError(`cannot slice(${start}, ${end}), list is length ${list.size}`);
  return new ArrayList([...list].slice(Number(start), Number(end)));
}

function flatten(budget: Budget, list: ListValue, depth = 1n): ArrayList {
  if (depth < 0n) throw new CelError("level must be non-negative");
  const result: Value[] = [];
  flattenInto(result, budget, list, depth);
  return new ArrayList(result);
}

function flattenInto(result: Value[], budget: Budget, list: ListValue, depth: bigint): void {
  for (const each of list) {
    budget.step();
    if (each instanceof ListValue && depth > 0n) flattenInto(result, budget, each, depth - 1n);
    else result.push(each);
  }
  if (result.length > maxListSize) throw new CelBudgetError();
}

function distinct(budget: Budget, list: ListValue): ListValue {
  if (list.size === 0) return list;
  const result: Value[] = [];
  for (const each of list) {
    budget.step(result.length);
    if (!result.some((other) => equals(each, other, budget))) result.push(each);
  }
  return new ArrayList(result);
}

function sortedBy(list: ListValue, keys: ListValue): ListValue {
  if (list.size === 0) return list;
  const items = [...list];
  const all = [...keys];
  const [head] = all as [Value];
  if (!isComparable(head)) throw new CelError("list elements must be comparable");
  const type = typeNameOf(head);
  if (all.length > 1 && all.some((key) => typeNameOf(key) !== type))
    throw new CelError("list elements must have the same type");
  const order = items.map((_, index) => index).sort((a, b) => orderOf(all[a] as Value, all[b] as Value) ?? 0);
  return new ArrayList(order.map((index) => items[index] as Value));
}

function containsAll(budget: Budget, list: ListValue, part: ListValue): boolean {
  for (const item of part) if (indexOf(budget, list, item) < 0n) return false;
  return true;
}

function intersects(budget: Budget, a: ListValue, b: ListValue): boolean {
  for (const item of b) if (indexOf(budget, a, item) >= 0n) return true;
  return false;
}

function rangeOf(budget: Budget, count: bigint): ArrayList {
  const size = count < 0n ? 0 : Number(count);
  if (size > budget.limit - budget.spent) throw new CelBudgetError();
  return new ArrayList(Array.from({ length: size }, (_, index) => BigInt(index)));
}

const zeros: Readonly<Record<string, Value>> = { int: 0n, uint: new Uint(0n), double: 0, duration: new Duration(0n) };

export const listFunctions: readonly Overload[] = [
  ...comparable.map((type) => overload(`list<${type}>.isSorted(): bool`, isSorted)),
  ...Object.entries(zeros).map(([type, zero]) => overload(`list<${type}>.sum(): ${type}`, sumFrom(zero))),
  ...comparable.map((type) => overload(`list<${type}>.max(): ${type}`, extreme("max", 1))),
  ...comparable.map((type) => overload(`list<${type}>.min(): ${type}`, extreme("min", -1))),
  budgeted("list<A>.indexOf(A): int", indexOf),
  budgeted("list<A>.lastIndexOf(A): int", lastIndexOf),
  overload("list<T>.slice(int, int): list<T>", sliceList),
  budgeted("list<list<T>>.flatten(): list<T>", flatten),
  budgeted("list<dyn>.flatten(int): list<dyn>", flatten),
  budgeted("list<T>.distinct(): list<T>", distinct),
  overload("list<T>.reverse(): list<T>", (list: ListValue) => new ArrayList([...list].reverse())),
  ...comparable.map((type) =>
    overload(`list<${type}>.sort(): list<${type}>`, (list: ListValue) => sortedBy(list, list)),
  ),
  ...comparable.map((type) => overload(`list<T>.@sortByAssociatedKeys(list<${type}>): list<T>`, sortedBy)),
  budgeted("#sets.contains(list<T>, list<T>): bool", containsAll),
  budgeted(
    "#sets.equivalent(list<T>, list<T>): bool",
    (budget: Budget, a: ListValue, b: ListValue) => containsAll(budget, a, b) && containsAll(budget, b, a),
  ),
  budgeted("#sets.intersects(list<T>, list<T>): bool", intersects),
  budgeted("#lists.range(int): list<int>", rangeOf),
];
