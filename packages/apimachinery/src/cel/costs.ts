/**
 * What calls cost. A call costs 1 unless this table says otherwise; texts and lists are charged by their size. Where the cost follows from the
 * arguments it is spent before the call, so that an expensive one is not begun.
 * Source: k8s.io/apiserver v0.36 pkg/cel/library/cost.go (by name of the function), cel-go v0.26 interpreter/runtimecost.go and ext/lists.go (by
 * overload, where it is known before the run).
 */
import type { Budget } from "./budget.ts";
import type { Overload } from "./functions/overload.ts";
import { textSize } from "./text-size.ts";
import { formatType } from "./types.ts";
import type { Value } from "./values.ts";
import { ListValue, MapValue, Opaque, OptionalValue } from "./values.ts";

/** A value, or undefined for an argument that failed. */
type Argument = Value | undefined;
export type CallCost = (args: readonly Argument[], result: Argument, budget: Budget) => number;

const traversalFactor = 0.1;
const patternFactor = 0.25;
const listBase = 10;

/** As cel-go measures: elements, entries, code points, bytes; 1 for anything else. */
function sizeOf(value: Argument): number {
  if (typeof value === "string") return textSize(value);
  if (value instanceof ListValue || value instanceof MapValue) return value.size;
  if (value instanceof Uint8Array) return value.length;
  return value instanceof Opaque ? (value.costSize ?? 1) : 1;
}

function sizeOrInner(value: Argument): number {
  return value instanceof OptionalValue && value.value !== undefined ? sizeOrInner(value.value) : sizeOf(value);
}

const traversal = (size: number) => Math.ceil(size * traversalFactor);

/** Walking over everything in a list: texts by their bytes. */
function deepTraversal(value: Argument, budget: Budget): number {
  budget.step();
  if (typeof value === "string") return Math.floor(Buffer.byteLength(value) * traversalFactor);
  if (value instanceof Uint8Array) return Math.floor(value.length * traversalFactor);
  if (value instanceof ListValue) {
    let cost = 0;
    for (const each of value) cost += deepTraversal(each, budget);
    return cost;
  }
  if (!(value instanceof MapValue)) return 1;
  let cost = 0;
  for (const key of value.keys()) cost += deepTraversal(key, budget) + deepTraversal(value.get(key), budget);
  return cost;
}

const match: CallCost = ([text, pattern]) =>
  Math.ceil((1 + sizeOf(text)) * traversalFactor) * Math.ceil(sizeOf(pattern) * patternFactor);
/** What most calls cost. */
export const unitCost: CallCost = () => 1;
const first: CallCost = ([value]) => traversal(sizeOf(value));
const twice: CallCost = ([value]) => Math.ceil(sizeOf(value) * 2 * traversalFactor);
const deep: CallCost = ([value], _result, budget) => deepTraversal(value, budget);

function selector([, text]: readonly Argument[]): number {
  const size = sizeOf(text);
  return listBase + Math.ceil(size * traversalFactor) + Math.ceil(Math.ceil(size * 0.5) * (listBase + 40));
}

const byName: Readonly<Record<string, CallCost>> = {
  check: () => 350_000,
  fieldSelector: selector,
  labelSelector: selector,
  isSorted: deep,
  sum: deep,
  max: deep,
  min: deep,
  indexOf: deep,
  lastIndexOf: deep,
  url: first,
  lowerAscii: first,
  upperAscii: first,
  substring: first,
  trim: first,
  "jsonpatch.escapeKey": first,
  replace: twice,
  split: twice,
  join: (_args, result) => Math.ceil(sizeOf(result) * 2 * traversalFactor),
  find: match,
  findAll: match,
  cidr: first,
  isIP: first,
  isCIDR: first,
  ip: ([value]) => (value instanceof Opaque ? 1 : traversal(sizeOf(value))),
  "ip.isCanonical": twice,
  containsIP: ([range, other]) =>
    Math.ceil(2 * sizeOf(range) * traversalFactor) + (typeof other === "string" ? traversal(sizeOf(other)) : 0),
  containsCIDR: ([range, other]) =>
    Math.ceil(2 * sizeOf(range) * traversalFactor) +
    traversal(sizeOf(range)) +
    1 +
    (typeof other === "string" ? traversal(sizeOf(other)) : 0),
  quantity: first,
  isQuantity: first,
  semver: first,
  isSemver: first,
  validate: ([format, text]) =>
    Math.ceil((1 + sizeOf(text)) * traversalFactor) *
    Math.ceil((format instanceof Opaque ? (format.patternSize ?? 1) : 1) * patternFactor),
};

function listCall(factor: number, size: number): number {
  return Math.floor(size * factor) + 1 + listBase;
}

function selfCompare(list: Argument): number {
  const size = sizeOf(list);
  const head = list instanceof ListValue && size > 0 ? list.at(0) : null;
  const isText = typeof head === "string" || head instanceof Uint8Array;
  return listCall(isText ? 2 + traversalFactor : 2, size * size);
}

const pairs =
  (factor: number): CallCost =>
  ([a, b]) =>
    1 + Math.floor(sizeOf(a) * sizeOf(b) * factor);

/** The smaller of two sizes; a text that is more than twice as long as another need not be measured for that. */
function smallerSize(a: Argument, b: Argument): number {
  if (typeof a === "string" && typeof b === "string") {
    if (a.length > 2 * b.length) return textSize(b);
    if (b.length > 2 * a.length) return textSize(a);
  }
  return Math.min(sizeOrInner(a), sizeOrInner(b));
}

const smaller: CallCost = ([a, b]) => traversal(smallerSize(a, b));
const together: CallCost = ([a, b]) => traversal(sizeOrInner(a) + sizeOrInner(b));
const outputSize: CallCost = (_args, result) => listCall(1, sizeOf(result));

/** Costs of single overloads, as `name(parameters)`. */
const byOverload: Readonly<Record<string, CallCost>> = {
  "startsWith(string, string)": first,
  "endsWith(string, string)": first,
  "bytes(string)": first,
  "string(bytes)": first,
  "strings.quote(string)": first,
  "format(string, list(dyn))": first,
  "@in(A, list(A))": ([, list]) => sizeOrInner(list),
  "_+_(string, string)": together,
  "_+_(bytes, bytes)": together,
  "matches(string, string)": match,
  "contains(string, string)": ([text, part]) => traversal(sizeOf(text)) * traversal(sizeOf(part)),
  "slice(list(T), int, int)": outputSize,
  "flatten(list(list(T)))": ([list]) => listCall(1, sizeOf(list)),
  "flatten(list(dyn), int)": ([list, depth]) => listCall(Number(depth ?? 1), sizeOf(list)),
  "lists.range(int)": outputSize,
  "reverse(list(T))": outputSize,
  "sets.contains(list(T), list(T))": pairs(1),
  "sets.intersects(list(T), list(T))": pairs(1),
  "sets.equivalent(list(T), list(T))": pairs(2),
  "distinct(list(T))": ([list]) => selfCompare(list),
};
for (const name of ["_<_", "_<=_", "_>_", "_>=_"])
  for (const type of ["string", "bytes"]) Object.assign(byOverload, { [`${name}(${type}, ${type})`]: smaller });

/** What needs the result to tell its cost. */
const afterwards = new Set<CallCost>([byName["join"] as CallCost, outputSize]);

export interface Cost {
  /** Spent before the call. */
  before?: CallCost;
  /** Spent after it. */
  after?: CallCost;
}

/** Costs of a call, with the overload where the checker found exactly one. */
export function costOf(name: string, overload: Overload | undefined): Cost {
  const cost =
    listCost(name, overload) ??
    (Object.hasOwn(byName, name) ? byName[name] : undefined) ??
    overloadCost(name, overload);
  return cost !== undefined && afterwards.has(cost) ? { after: cost } : { before: cost ?? unitCost };
}

/** `sort` has an overload for each type of elements. */
function listCost(name: string, overload: Overload | undefined): CallCost | undefined {
  if (overload === undefined) return undefined;
  if (name === "sort") return ([list]) => selfCompare(list);
  return name === "@sortByAssociatedKeys" ? ([, keys]) => selfCompare(keys) : undefined;
}

function overloadCost(name: string, overload: Overload | undefined): CallCost | undefined {
  if (overload === undefined) return undefined;
  // cel-go's cost of the global matches() has the id of the method, so the function is not found by it
  if (name === "matches" && !overload.isMethod) return undefined;
  const key = `${name}(${overload.parameters.map(formatType).join(", ")})`;
  return Object.hasOwn(byOverload, key) ? byOverload[key] : undefined;
}

/** `==` and `!=`, which walk over the smaller side; values of Kubernetes' types compare at once. */
export const equalityCost: CallCost = (args, result, budget) =>
  args[0] instanceof Opaque ? 1 : smaller(args, result, budget);
export const inequalityCost: CallCost = smaller;
