/**
 * List functions and sets.
 * Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#Lists, https://pkg.go.dev/github.com/google/cel-go/ext#Sets, #Lists
 */
import { CelError } from "../issues.ts";
import { add, compare, equals } from "../operators.ts";
import type { Value } from "../values.ts";
import { ArrayList, Duration, ListValue, Uint } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

function isSorted(list: ListValue): boolean {
  for (let index = 1; index < list.size; index++) {
    if ((compare("isSorted", list.at(index - 1), list.at(index)) ?? 0) > 0) return false;
  }
  return true;
}

function sum(zero: Value): (list: ListValue) => Value {
  return (list) => [...list].reduce((total, each, index) => (index === 0 ? each : add(total, each)), zero);
}

/** Without a static element type an empty list's sum is the int 0, as in Kubernetes. */
function sumOf(list: ListValue): Value {
  return list.size === 0 ? 0n : sum(zeroOf(list.at(0)))(list);
}

function zeroOf(value: Value): Value {
  if (typeof value === "number") return 0;
  if (value instanceof Uint) return new Uint(0n);
  return value instanceof Duration ? new Duration(0n) : 0n;
}

function extreme(name: string, wanted: number): (list: ListValue) => Value {
  return (list) => {
    if (list.size === 0) throw new CelError(`${name} called on empty list`);
    let best = list.at(0);
    for (const each of list) if (compare(name, each, best) === wanted) best = each;
    return best;
  };
}

function indexOf(list: ListValue, item: Value): bigint {
  for (let index = 0; index < list.size; index++) if (equals(list.at(index), item)) return BigInt(index);
  return -1n;
}

function lastIndexOf(list: ListValue, item: Value): bigint {
  for (let index = list.size - 1; index >= 0; index--) if (equals(list.at(index), item)) return BigInt(index);
  return -1n;
}

function sliceList(list: ListValue, start: bigint, end: bigint): ArrayList {
  if (start < 0n || end < 0n) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > BigInt(list.size)) throw new CelError(`cannot slice(${start}, ${end}), list is length ${list.size}`);
  return new ArrayList([...list].slice(Number(start), Number(end)));
}

function flatten(list: ListValue, depth = 1n): ArrayList {
  const result: Value[] = [];
  for (const each of list) {
    if (each instanceof ListValue && depth > 0n) result.push(...flatten(each, depth - 1n));
    else result.push(each);
  }
  return new ArrayList(result);
}

function distinct(list: ListValue): ArrayList {
  const result: Value[] = [];
  for (const each of list) if (!result.some((other) => equals(other, each))) result.push(each);
  return new ArrayList(result);
}

/** Sorts by a key; also the engine of the macro `sortBy`. */
export function sortedBy(items: readonly Value[], keys: readonly Value[]): ArrayList {
  const order = items.map((_, index) => index).sort((a, b) => compare("sort", keys[a] as Value, keys[b] as Value) ?? 0);
  return new ArrayList(order.map((index) => items[index] as Value));
}

function containsAll(list: ListValue, part: ListValue): boolean {
  return [...part].every((item) => indexOf(list, item) >= 0n);
}

/** Longer ranges are a way to spend memory, not a policy. */
const maxRange = 100_000n;

function rangeOf(count: bigint): ArrayList {
  if (count < 0n || count > maxRange) throw new CelError(`lists.range(${count}): must be between 0 and ${maxRange}`);
  return new ArrayList(Array.from({ length: Number(count) }, (_, index) => BigInt(index)));
}

/** Every pair is compared. */
const pairs = (a: Value, b: Value) => (a instanceof ListValue && b instanceof ListValue ? a.size * b.size : 1);
const each = (list: Value) => (list instanceof ListValue ? list.size : 1);

export const listFunctions: readonly Overload[] = [
  overload("list<T>.isSorted(): bool", isSorted, each),
  overload("list<int>.sum(): int", sumOf, each),
  overload("list<double>.sum(): double", sum(0), each),
  overload("list<uint>.sum(): uint", sum(new Uint(0n)), each),
  overload("list<duration>.sum(): duration", sum(new Duration(0n)), each),
  overload("list<T>.min(): T", extreme("min", -1), each),
  overload("list<T>.max(): T", extreme("max", 1), each),
  overload("list<T>.indexOf(T): int", indexOf, each),
  overload("list<T>.lastIndexOf(T): int", lastIndexOf, each),
  overload("list<T>.slice(int, int): list<T>", sliceList, each),
  overload("list<dyn>.flatten(): list<dyn>", flatten, each),
  overload("list<dyn>.flatten(int): list<dyn>", flatten, each),
  overload("list<T>.distinct(): list<T>", distinct, (list) => each(list) ** 2),
  overload("list<T>.reverse(): list<T>", (list: ListValue) => new ArrayList([...list].reverse()), each),
  overload(
    "list<T>.sort(): list<T>",
    (list: ListValue) => sortedBy([...list], [...list]),
    (list) => each(list) * 8,
  ),
  overload("#sets.contains(list<T>, list<T>): bool", containsAll, pairs),
  overload(
    "#sets.equivalent(list<T>, list<T>): bool",
    (a: ListValue, b: ListValue) => containsAll(a, b) && containsAll(b, a),
    (a, b) => 2 * pairs(a, b),
  ),
  overload(
    "#sets.intersects(list<T>, list<T>): bool",
    (a: ListValue, b: ListValue) => [...b].some((item) => indexOf(a, item) >= 0n),
    pairs,
  ),
  overload("#lists.range(int): list<int>", rangeOf, (count) => Number(count)),
];
