/** `"%s is %d".format([...])`. Source: https://pkg.go.dev/github.com/google/cel-go/ext#Strings */
import { CelError } from "../issues.ts";
import { isNumeric } from "../operators.ts";
import { formatDuration, formatTimestamp } from "../times.ts";
import type { Value } from "../values.ts";
import { Duration, ListValue, MapValue, Timestamp, TypeValue, typeNameOf, Uint } from "../values.ts";
import { doubleText } from "./standard.ts";

const clause = /%(?:%|(?:\.(\d{1,2}))?([sdfexXob]))?/g;

export function formatText(template: string, args: ListValue): string {
  let used = 0;
  return template.replace(clause, (all, precision: string | undefined, verb: string | undefined) => {
    if (all === "%%") return "%";
    if (verb === undefined) throw new CelError("could not parse formatting clause: unrecognized formatting clause");
    if (used >= args.size) throw new CelError(`index ${used} out of range`);
    return formatValue(args.at(used++), verb, precision === undefined ? undefined : Number(precision));
  });
}

function formatValue(value: Value, verb: string, precision: number | undefined): string {
  switch (verb) {
    case "s":
      return textOf(value);
    case "d":
      if (typeof value === "bigint") return String(value);
      if (value instanceof Uint) return String(value.value);
      if (typeof value === "number" && !Number.isFinite(value)) return String(value);
      break;
    case "f":
      if (isNumeric(value)) return finite(value, (number) => fixed(number, precision ?? 6));
      break;
    case "e":
      if (isNumeric(value))
        return finite(value, (number) => number.toExponential(precision ?? 6).replace(/e([-+])(\d)$/, "e$10$2"));
      break;
    case "b":
      if (typeof value === "boolean") return value ? "1" : "0";
      if (typeof value === "bigint" || value instanceof Uint) return integer(value).toString(2);
      break;
    case "o":
      if (typeof value === "bigint" || value instanceof Uint) return integer(value).toString(8);
      break;
    case "x":
    case "X": {
      const hex = hexOf(value);
      if (hex !== undefined) return verb === "X" ? hex.toUpperCase() : hex;
      break;
    }
  }
  throw new CelError(`error during formatting: %${verb} clause cannot be used on ${typeNameOf(value)}`);
}

function integer(value: bigint | Uint): bigint {
  return value instanceof Uint ? value.value : value;
}

function finite(value: bigint | number | Uint, format: (number: number) => string): string {
  const number = typeof value === "number" ? value : Number(integer(value));
  if (Number.isNaN(number)) return "NaN";
  return Number.isFinite(number) ? format(number) : number > 0 ? "Infinity" : "-Infinity";
}

/** Halves go to the even neighbour, as in Go. */
function fixed(number: number, digits: number): string {
  const scaled = number * 10 ** digits;
  const isHalf = Math.abs(scaled % 1) === 0.5 && Number.isSafeInteger(Math.trunc(scaled));
  return isHalf && Math.trunc(scaled) % 2 === 0
    ? (Math.trunc(scaled) / 10 ** digits).toFixed(digits)
    : number.toFixed(digits);
}

function hexOf(value: Value): string | undefined {
  if (typeof value === "bigint" || value instanceof Uint) return integer(value).toString(16);
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("hex");
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : undefined;
}

function textOf(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "string") return value;
  if (typeof value === "number") return Number.isFinite(value) ? doubleText(value) : String(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (value instanceof Timestamp) return formatTimestamp(value.nanoseconds);
  if (value instanceof Duration) return formatDuration(value.nanoseconds);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof ListValue) return `[${[...value].map(textOf).join(", ")}]`;
  if (value instanceof MapValue) {
    const entries = [...value.keys()].map((key) => `${textOf(key)}: ${textOf(value.get(key) ?? null)}`);
    return `{${entries.sort().join(", ")}}`;
  }
  throw new CelError(
    `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`,
  );
}
