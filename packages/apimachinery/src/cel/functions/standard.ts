/** CEL's standard functions. Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions */

import type { Budget } from "../budget.ts";
import { doubleText } from "../go-text.ts";
import { CelError } from "../issues.ts";
import { checkInt, checkUint } from "../operators.ts";
import { textSize } from "../text-size.ts";
import { checkTimestamp, formatDuration, formatTimestamp, inZone, parseDuration, parseTimestamp } from "../times.ts";
import type { ListValue, MapValue, Value } from "../values.ts";
import { ArrayMap, Duration, Timestamp, TypeValue, typeNameOf, Uint } from "../values.ts";
import type { Overload } from "./overload.ts";
import { budgeted, overload } from "./overload.ts";
import { patternFor } from "./patterns.ts";
import { decodeUtf8 } from "./utf8.ts";

function matches(budget: Budget, text: string, pattern: string): boolean {
  return patternFor(budget, { pattern, text, finds: false }).test(text);
}

function conversionError(from: string, to: string): CelError {
  return new CelError(`type conversion error from '${from}' to '${to}'`);
}

function toInt(value: number): bigint {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw new CelError("integer overflow");
  return BigInt(Math.trunc(value));
}

function toUint(value: number): Uint {
  if (!(value >= 0 && value < 2 ** 64)) throw new CelError("unsigned integer overflow");
  return new Uint(BigInt(Math.trunc(value)));
}

function parseInteger(text: string, type: string, pattern: RegExp, max: bigint): bigint {
  const value = pattern.test(text) && text.length < 100 ? BigInt(text.replace(/^\+/, "")) : undefined;
  if (value === undefined || value > max || value < -max - 1n) throw conversionError("string", type);
  return value;
}

const maxInt = 2n ** 63n - 1n;
const maxUint = 2n ** 64n - 1n;

/** As Go's ParseFloat reads decimal numbers; what is beyond the range is an error. */
function parseDouble(text: string): number {
  if (/^[-+]?(inf|infinity)$/i.test(text))
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!/^[-+]?((\d_?)*\d(\.(\d_?)*)?|\.(\d_?)*\d)([eE][-+]?\d+)?$/.test(text) || /_(\.|e|$)/i.test(text))
    throw conversionError("string", "double");
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isFinite(value)) throw conversionError("string", "double");
  return value;
}

function parseBool(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw conversionError("string", "bool");
}

const conversions: Overload[] = [
  overload("int(int): int", (value: bigint) => value),
  overload("int(uint): int", ({ value }: Uint) => checkInt(value)),
  overload("int(double): int", toInt),
  overload("int(string): int", (text: string) => parseInteger(text, "int", /^[-+]?\d+$/, maxInt)),
  overload(
    "int(timestamp): int",
    ({ nanoseconds }: Timestamp) =>
      (nanoseconds - (((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n,
  ),
  overload("int(duration): int", ({ nanoseconds }: Duration) => nanoseconds),
  overload("uint(uint): uint", (value: Uint) => value),
  overload("uint(int): uint", (value: bigint) => checkUint(value)),
  overload("uint(double): uint", toUint),
  overload("uint(string): uint", (text: string) => new Uint(parseInteger(text, "uint", /^\d+$/, maxUint))),
  overload("double(double): double", (value: number) => value),
  overload("double(int): double", (value: bigint) => Number(value)),
  overload("double(uint): double", ({ value }: Uint) => Number(value)),
  overload("double(string): double", parseDouble),
  overload("string(string): string", (text: string) => text),
  overload("string(int): string", (value: bigint) => String(value)),
  overload("string(uint): string", ({ value }: Uint) => String(value)),
  overload("string(double): string", doubleText),
  overload("string(bool): string", (value: boolean) => String(value)),
  overload("string(bytes): string", decodeUtf8),
  overload("string(timestamp): string", ({ nanoseconds }: Timestamp) => formatTimestamp(nanoseconds)),
  overload("string(duration): string", ({ nanoseconds }: Duration) => formatDuration(nanoseconds)),
  overload("bytes(bytes): bytes", (bytes: Uint8Array) => bytes),
  overload("bytes(string): bytes", (text: string) => new Uint8Array(Buffer.from(text, "utf8"))),
  overload("bool(bool): bool", (value: boolean) => value),
  overload("bool(string): bool", parseBool),
  overload("timestamp(timestamp): timestamp", (time: Timestamp) => time),
  overload("timestamp(string): timestamp", (text: string) => new Timestamp(parseTimestamp(text))),
  overload("timestamp(int): timestamp", (seconds: bigint) => new Timestamp(checkTimestamp(seconds * 1_000_000_000n))),
  overload("duration(duration): duration", (duration: Duration) => duration),
  overload("duration(string): duration", (text: string) => new Duration(parseDuration(text))),
  overload("duration(int): duration", () => {
    throw conversionError("int", "google.protobuf.Duration");
  }),
  overload("dyn(A): dyn", (value: Value) => value),
  overload(
    "type(A): type<A>",
    (value: Value) =>
      // the type of an object that a mutation makes is no type by name in Kubernetes
      new TypeValue(value instanceof ArrayMap && value.typeName !== undefined ? "type" : typeNameOf(value)),
  ),
];

function datePart(name: string, read: (date: Date) => number): Overload[] {
  const part = ({ nanoseconds }: Timestamp, zone?: string) => BigInt(read(inZone(nanoseconds, zone)));
  return [overload(`timestamp.${name}(): int`, part), overload(`timestamp.${name}(string): int`, part)];
}

const dayMilliseconds = 86_400_000;

const dates: Overload[] = [
  ...datePart("getFullYear", (date) => date.getUTCFullYear()),
  ...datePart("getMonth", (date) => date.getUTCMonth()),
  ...datePart("getDate", (date) => date.getUTCDate()),
  ...datePart("getDayOfMonth", (date) => date.getUTCDate() - 1),
  ...datePart("getDayOfWeek", (date) => date.getUTCDay()),
  ...datePart("getDayOfYear", (date) =>
    Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / dayMilliseconds),
  ),
  ...datePart("getHours", (date) => date.getUTCHours()),
  ...datePart("getMinutes", (date) => date.getUTCMinutes()),
  ...datePart("getSeconds", (date) => date.getUTCSeconds()),
  ...datePart("getMilliseconds", (date) => date.getUTCMilliseconds()),
  overload("duration.getHours(): int", ({ nanoseconds }: Duration) => nanoseconds / 3_600_000_000_000n),
  overload("duration.getMinutes(): int", ({ nanoseconds }: Duration) => nanoseconds / 60_000_000_000n),
  overload("duration.getSeconds(): int", ({ nanoseconds }: Duration) => nanoseconds / 1_000_000_000n),
  overload("duration.getMilliseconds(): int", ({ nanoseconds }: Duration) => nanoseconds / 1_000_000n),
];

function sizes(form: (parameter: string) => string): Overload[] {
  return [
    overload(form("string"), (text: string) => BigInt(textSize(text))),
    overload(form("bytes"), (bytes: Uint8Array) => BigInt(bytes.length)),
    overload(form("list<T>"), (list: ListValue) => BigInt(list.size)),
    overload(form("map<K, V>"), (map: MapValue) => BigInt(map.size)),
  ];
}

export const standardFunctions: readonly Overload[] = [
  ...sizes((parameter) => `size(${parameter}): int`),
  ...sizes((parameter) => `${parameter}.size(): int`),
  overload("string.contains(string): bool", (text: string, part: string) => text.includes(part)),
  overload("string.startsWith(string): bool", (text: string, part: string) => text.startsWith(part)),
  overload("string.endsWith(string): bool", (text: string, part: string) => text.endsWith(part)),
  budgeted("string.matches(string): bool", matches),
  budgeted("matches(string, string): bool", matches),
  ...conversions,
  ...dates,
];
