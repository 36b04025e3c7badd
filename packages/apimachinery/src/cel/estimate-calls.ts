/**
 * What calls may cost, and the size of what they give, from the sizes of their arguments.
 * Source: k8s.io/apiserver v0.36 pkg/cel/library/cost.go (by name of the function), cel-go v0.26 checker/cost.go, ext/lists.go and ext/sets.go (by overload).
 */
import type { Estimator, Operand } from "./estimate.ts";
import type { Overload } from "./functions/overload.ts";
import type { Range } from "./ranges.ts";
import { fixed, largest, plus, scaled, smaller, times, unknownSize, wrapped } from "./ranges.ts";
import { formatType } from "./types.ts";
import { isExactType } from "./unify.ts";

export interface CallEstimate {
  cost: Range;
  /** Of the result, where the call gives a text, list or map and this can be told. */
  size?: Range | undefined;
}

interface Call {
  sizes: Estimator;
  overload: Overload;
  target: Operand | undefined;
  args: readonly Operand[];
}

/** Undefined where the table that the entry stands in says nothing of such arguments: the next one is asked then. */
type Estimate = (call: Call) => CallEstimate | undefined;

const traversalFactor = 0.1;
const patternFactor = 0.25;
const listBase = 10;
/** Of the regular expressions that named formats stand for, and of the names of formats. */
const maxFormatPattern = 128;
const maxFormatName = 64;

const unit: Estimate = () => ({ cost: fixed(1) });
const traversal = (size: Range) => scaled(size, traversalFactor);

/** What a call costs without its arguments. */
export function estimateCall(
  sizes: Estimator,
  overload: Overload,
  target: Operand | undefined,
  args: readonly Operand[],
): CallEstimate {
  const call = { sizes, overload, target, args };
  const key = `${overload.name}(${overload.parameters.map(formatType).join(", ")})`;
  const own = (table: Readonly<Record<string, Estimate>>, name: string) =>
    Object.hasOwn(table, name) ? table[name]?.(call) : undefined;
  return (
    own(ofLists, key) ??
    own(ofSorting, overload.name) ??
    own(ofKubernetes, overload.name) ??
    own(ofCel, key) ?? {
      cost: fixed(1),
    }
  );
}

// Lists and sets

function listCall(factor: number, size: Range): CallEstimate {
  return { cost: plus(scaled(size, factor), fixed(1 + listBase)), size };
}

/** The value of a constant int; `fallback` for anything else. */
function intOf({ node }: Operand, fallback: bigint): bigint {
  if (node?.kind !== "literal" || typeof node.value !== "bigint") return fallback;
  return node.value < 0n ? 0n : node.value;
}

const pairs =
  (factor: number): Estimate =>
  ({ sizes, args: [a, b] }) => {
    const product = times(sizes.sizeOf(a as Operand), sizes.sizeOf(b as Operand));
    return { cost: plus(scaled(product, factor), fixed(1)) };
  };

const onTarget =
  (estimate: (size: Range, call: Call) => CallEstimate): Estimate =>
  (call) =>
    call.target === undefined ? undefined : estimate(call.sizes.sizeOf(call.target), call);

const ofLists: Readonly<Record<string, Estimate>> = {
  "slice(list(T), int, int)": onTarget((size, { args: [start, end] }) => {
    const length = wrapped(intOf(end as Operand, size.max) - intOf(start as Operand, 0n));
    return listCall(1, fixed(length));
  }),
  "flatten(list(list(T)))": onTarget((size) => listCall(1, size)),
  "flatten(list(dyn), int)": onTarget((size, { args: [depth] }) =>
    listCall(Number(intOf(depth as Operand, largest)), size),
  ),
  "lists.range(int)": ({ args: [count] }) => listCall(1, fixed(intOf(count as Operand, largest))),
  "reverse(list(T))": onTarget((size) => listCall(1, size)),
  "distinct(list(T))": onTarget((size) => listCall(2, times(size, size))),
  "sets.contains(list(T), list(T))": pairs(1),
  "sets.intersects(list(T), list(T))": pairs(1),
  "sets.equivalent(list(T), list(T))": pairs(2),
};

/** @param keys the list that decides the order, with its type */
function sortCall(size: Range, keys: Overload["parameters"][number] | undefined): CallEstimate {
  const isText = keys?.of[0]?.kind === "string" || keys?.of[0]?.kind === "bytes";
  return listCall(isText ? 2 + traversalFactor : 2, times(size, size));
}

const ofSorting: Readonly<Record<string, Estimate>> = {
  sort: onTarget((size, { overload }) => sortCall(size, overload.parameters[0])),
  "@sortByAssociatedKeys": ({ sizes, overload, args: [keys] }) =>
    sortCall(sizes.sizeOf(keys as Operand), overload.parameters[1]),
};

// Kubernetes' functions, by name

const onArgument =
  (estimate: (size: Range, call: Call) => CallEstimate): Estimate =>
  (call) =>
    call.args[0] === undefined ? undefined : estimate(call.sizes.sizeOf(call.args[0]), call);

const selector: Estimate = onArgument((size) => ({
  cost: plus(plus(fixed(listBase), traversal(size)), scaled(scaled(size, 0.5), listBase + 40)),
}));

/** Walks over a list once, or over a text. */
const walk: Estimate = onTarget((size, { sizes, target }) => {
  const element = sizes.elementOf(target as Operand);
  if (element === undefined) return { cost: traversal(size) };
  const isText = element.type.kind === "string" || element.type.kind === "bytes";
  const each = isText ? plus(fixed(1), traversal(sizes.sizeOf(element))) : fixed(1);
  return { cost: times(size, each) };
});

const readText: Estimate = onArgument((size) => ({ cost: traversal(size) }));
const sameLength = (size: Range): CallEstimate => ({ cost: traversal(size), size });

/** How often texts are replaced at most, and what is kept of the original. */
function replacements(length: bigint, shortest: bigint, longest: bigint): { count: bigint; kept: bigint } {
  if (shortest === 0n) return { count: length < largest ? length + 1n : length, kept: length };
  if (longest <= shortest) return { count: 0n, kept: length };
  return { count: ceilQuotient(length, shortest), kept: 0n };
}

/** As Go rounds it: through a double. */
function ceilQuotient(a: bigint, b: bigint): bigint {
  const quotient = Math.ceil(Number(a) / Number(b));
  return quotient >= 2 ** 64 ? largest : BigInt(quotient);
}

const replace: Estimate = onTarget((size, { sizes, args: [from, to] }) => {
  if (from === undefined || to === undefined) return { cost: fixed(1) };
  const [old, replacement] = [sizes.sizeOf(from), sizes.sizeOf(to)];
  const most = replacements(size.max, old.min, replacement.max);
  const least =
    old.max === 0n
      ? { count: size.min < largest ? size.min + 1n : size.min, kept: size.min }
      : old.max <= replacement.min
        ? { count: 0n, kept: size.min }
        : { count: ceilQuotient(size.min, old.max), kept: 0n };
  const count: Range = { min: least.count, max: most.count };
  const kept: Range = { min: least.kept, max: most.kept };
  return { cost: scaled(size, 2 * traversalFactor), size: plus(times(count, replacement), kept) };
});

const split: Estimate = onTarget((size, { args: [, limit] }) => {
  const isLimited = limit?.node?.kind === "literal" && typeof limit.node.value === "bigint";
  const max = isLimited ? wrapped((limit.node as { value: bigint }).value) : size.max;
  return { cost: scaled(size, 2 * traversalFactor), size: { min: 0n, max } };
});

const join: Estimate = onTarget((count, { sizes, target, args: [separator] }) => {
  const element = sizes.elementOf(target as Operand);
  let size = element === undefined ? fixed(0) : times(count, sizes.sizeOf(element));
  if (separator !== undefined) {
    const gaps = { min: count.min > 0n ? count.min - 1n : 0n, max: count.max > 0n ? count.max - 1n : 0n };
    size = plus(size, times(sizes.sizeOf(separator), gaps));
  }
  return { cost: traversal(size), size };
});

/** An empty text is not free. */
function match(text: Range, pattern: Range): Range {
  return times(traversal(plus(text, fixed(1))), scaled(pattern, patternFactor));
}

const find: Estimate = onTarget((size, { sizes, args: [pattern] }) => ({
  cost: match(size, pattern === undefined ? unknownSize : sizes.sizeOf(pattern)),
  size: { min: 0n, max: size.max },
}));

/** Bytes of an address. */
const address: Range = { min: 4n, max: 16n };
const compareAddresses = traversal(plus(address, address));

/** Compares ranges of addresses; a text has to be read first. */
const contains =
  (extra: Range): Estimate =>
  ({ sizes, overload, args: [other] }) => {
    const cost = plus(compareAddresses, extra);
    const isText = overload.parameters[1]?.kind === "string";
    return { cost: isText ? plus(cost, traversal(sizes.sizeOf(other as Operand))) : cost };
  };

const comparedAtOnce = new Set([
  "net.IP",
  "net.CIDR",
  "kubernetes.Quantity",
  "kubernetes.Semver",
  ...["Authorizer", "PathCheck", "GroupCheck", "ResourceCheck", "Decision"].map(
    (name) => `kubernetes.authorization.${name}`,
  ),
]);

/** Only values of Kubernetes' own types: others are compared as in CEL. */
const equalObjects: Estimate = ({ args: [a, b] }) => {
  if (a === undefined || b === undefined || !isExactType(a.type, b.type)) return undefined;
  const { name } = a.type;
  if (comparedAtOnce.has(name)) return { cost: fixed(1) };
  if (name === "kubernetes.NamedFormat") return { cost: traversal({ min: 1n, max: BigInt(maxFormatName) }) };
  if (name === "kubernetes.URL") return { cost: traversal({ min: 1n, max: b.size?.max ?? 1n }) };
  return undefined;
};

function entries(names: string, estimate: Estimate): Record<string, Estimate> {
  return Object.fromEntries(names.split(" ").map((name) => [name, estimate]));
}

const ofKubernetes: Readonly<Record<string, Estimate>> = {
  ...entries("serviceAccount path group resource subresource namespace name allowed reason error errored", unit),
  ...entries("masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast", unit),
  ...entries("isGlobalUnicast format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan", unit),
  ...entries("compareTo add sub major minor patch", unit),
  ...entries("getScheme getHostname getHost getPort getEscapedPath getQuery", unit),
  ...entries("fieldSelector labelSelector", selector),
  ...entries("isSorted sum max min indexOf lastIndexOf", walk),
  ...entries(
    "url jsonpatch.escapeKey",
    onArgument((size) => sameLength(size)),
  ),
  ...entries(
    "lowerAscii upperAscii substring trim",
    onTarget((size) => sameLength(size)),
  ),
  ...entries("cidr isIP isCIDR quantity isQuantity semver isSemver", readText),
  ...entries("find findAll", find),
  check: () => ({ cost: fixed(350_000) }),
  replace,
  split,
  join,
  ip: (call) => (call.target === undefined ? readText(call) : unit(call)),
  "ip.isCanonical": onArgument((size) => ({ cost: scaled(size, 2 * traversalFactor) })),
  containsIP: contains(fixed(0)),
  containsCIDR: contains(plus(traversal(address), fixed(1))),
  validate: onArgument((size) => ({ cost: scaled(traversal(size), maxFormatPattern * patternFactor) })),
  "_==_": equalObjects,
};

// CEL's own functions, by overload

/** The smaller side decides; something that has a size is not compared for nothing. */
const compare: Estimate = ({ args: [a, b] }) => {
  const [left, right] = [a?.size ?? unknownSize, b?.size ?? unknownSize];
  const max = smaller(left.max, right.max);
  return { cost: traversal({ min: max > 0n ? 1n : 0n, max }) };
};

const sum =
  (cost: (size: Range) => Range): Estimate =>
  ({ args: [a, b] }) => {
    const size = plus(a?.size ?? unknownSize, b?.size ?? unknownSize);
    return { cost: cost(size), size };
  };

const converted =
  (size: (from: Range) => Range): Estimate =>
  ({ args: [from] }) => {
    const given = from?.size ?? unknownSize;
    return { cost: traversal(given), size: size(given) };
  };

const argumentLength: Estimate = ({ args: [text] }) => ({ cost: traversal(text?.size ?? unknownSize) });
const comparedTexts = ["_<_", "_<=_", "_>_", "_>=_"].flatMap((name) =>
  ["string", "bytes"].map((type) => `${name}(${type}, ${type})`),
);

const ofCel: Readonly<Record<string, Estimate>> = {
  "format(string, list(dyn))": ({ target }) => ({ cost: traversal(target?.size ?? unknownSize) }),
  // a character takes up to four bytes
  "bytes(string)": converted(({ min, max }) => ({ min, max: wrapped(max * 4n) })),
  "string(bytes)": converted(({ min, max }) => ({ min: min / 4n, max })),
  "strings.quote(string)": converted(({ min, max }) => ({ min: wrapped(min + 2n), max: wrapped(max * 2n + 2n) })),
  "startsWith(string, string)": argumentLength,
  "endsWith(string, string)": argumentLength,
  "@in(A, list(A))": ({ args: [, list] }) => ({ cost: scaled(list?.size ?? unknownSize, 1) }),
  // cel-go's entry has the id of the method, so that the function costs 1
  "matches(string, string)": ({ target, args: [pattern] }) =>
    target === undefined ? undefined : { cost: match(target.size ?? unknownSize, pattern?.size ?? unknownSize) },
  "contains(string, string)": ({ target, args: [part] }) => ({
    cost: times(traversal(target?.size ?? unknownSize), traversal(part?.size ?? unknownSize)),
  }),
  "_+_(list(A), list(A))": sum(() => fixed(1)),
  ...Object.fromEntries(["string", "bytes"].map((type) => [`_+_(${type}, ${type})`, sum(traversal)])),
  ...Object.fromEntries(comparedTexts.map((key) => [key, compare])),
  "_==_(A, A)": compare,
  "_!=_(A, A)": compare,
};
