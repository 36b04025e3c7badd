/** CEL's standard functions. Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions */
import { linearRegExp } from "../../schema/regexp.ts";
import { CelError } from "../issues.ts";
import { checkInt, checkUint } from "../operators.ts";
import { formatDuration, formatTimestamp, inZone, parseDuration, parseTimestamp } from "../times.ts";
import type { ListValue, MapValue, Value } from "../values.ts";
import { Duration, Timestamp, TypeValue, typeNameOf, Uint } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload, textCost } from "./overload.ts";

/** Length in code points. */
export function textSize(text: string): number {
  let size = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00) size--;
  }
  return size;
}

function matches(text: string, pattern: string): boolean {
  try {
    return linearRegExp(pattern).test(text);
  } catch (cause) {
    throw new CelError(`error parsing regexp: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

const matchCost = (text: Value, pattern: Value) => textCost(text) * Math.max(1, Math.ceil(String(pattern).length / 4));

function toInt(value: number): bigint {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw new CelError("range error converting double to int");
  return BigInt(Math.trunc(value));
}

function toUint(value: number): Uint {
  if (!(value >= 0 && value < 2 ** 64)) throw new CelError("range error converting double to uint");
  return new Uint(BigInt(Math.trunc(value)));
}

function parseInteger(text: string, type: string): bigint {
  if (!/^[-+]?\d+$/.test(text)) throw new CelError(`type conversion error: ${type}(${JSON.stringify(text)})`);
  return BigInt(text);
}

function parseDouble(text: string): number {
  if (/^[-+]?(inf|infinity)$/i.test(text))
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^[-+]?nan$/i.test(text)) return Number.NaN;
  if (!/^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(text))
    throw new CelError(`type conversion error: double(${JSON.stringify(text)})`);
  return Number(text);
}

function parseBool(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new CelError(`type conversion error: bool(${JSON.stringify(text)})`);
}

/** As Go's `%g` with the shortest digits: an exponent from 1e21 on. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  return String(value).replace(/e([-+])(\d)$/, "e$10$2");
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CelError("invalid UTF-8 in bytes, cannot convert to string");
  }
}

const conversions: Overload[] = [
  overload("int(int): int", (value: bigint) => value),
  overload("int(uint): int", ({ value }: Uint) => checkInt(value)),
  overload("int(double): int", toInt),
  overload("int(string): int", (text: string) => checkInt(parseInteger(text, "int"))),
  overload(
    "int(timestamp): int",
    ({ nanoseconds }: Timestamp) =>
      (nanoseconds - (((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n,
  ),
  overload("int(duration): int", ({ nanoseconds }: Duration) => nanoseconds),
  overload("uint(uint): uint", (value: Uint) => value),
  overload("uint(int): uint", (value: bigint) => checkUint(value)),
  overload("uint(double): uint", toUint),
  overload("uint(string): uint", (text: string) => checkUint(parseInteger(text, "uint"))),
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
  overload(
    "timestamp(int): timestamp",
    (seconds: bigint) => new Timestamp(parseTimestamp(formatTimestamp(seconds * 1_000_000_000n))),
  ),
  overload("duration(duration): duration", (duration: Duration) => duration),
  overload("duration(string): duration", (text: string) => new Duration(parseDuration(text))),
  overload("duration(int): duration", (nanoseconds: bigint) => new Duration(nanoseconds)),
  overload("dyn(T): dyn", (value: Value) => value),
  overload("type(T): type", (value: Value) => new TypeValue(typeNameOf(value))),
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
  overload("duration.getMilliseconds(): int", ({ nanoseconds }: Duration) => (nanoseconds / 1_000_000n) % 1000n),
];

function sizes(form: (parameter: string) => string): Overload[] {
  return [
    overload(form("string"), (text: string) => BigInt(textSize(text)), textCost),
    overload(form("bytes"), (bytes: Uint8Array) => BigInt(bytes.length)),
    overload(form("list<T>"), (list: ListValue) => BigInt(list.size)),
    overload(form("map<K, V>"), (map: MapValue) => BigInt(map.size)),
  ];
}

export const standardFunctions: readonly Overload[] = [
  ...sizes((parameter) => `size(${parameter}): int`),
  ...sizes((parameter) => `${parameter}.size(): int`),
  overload("string.contains(string): bool", (text: string, part: string) => text.includes(part), textCost),
  overload(
    "string.startsWith(string): bool",
    (text: string, part: string) => text.startsWith(part),
    (_text, part) => textCost(part),
  ),
  overload(
    "string.endsWith(string): bool",
    (text: string, part: string) => text.endsWith(part),
    (_text, part) => textCost(part),
  ),
  overload("string.matches(string): bool", matches, matchCost),
  overload("matches(string, string): bool", matches, matchCost),
  ...conversions,
  ...dates,
];
