/**
 * `"%s is %d".format([...])`, in the version that Kubernetes has: numbers of `%f` and `%e` are written as in American English.
 * Source: cel-go v0.26 ext/formatting.go.
 */
import type { Budget } from "../budget.ts";
import { doubleText, fixedText, quoteGo } from "../go-text.ts";
import { CelBudgetError, CelError } from "../issues.ts";
import { formatDuration, formatTimestamp } from "../times.ts";
import type { Value } from "../values.ts";
import { Duration, ListValue, MapValue, Timestamp, TypeValue, typeNameOf, Uint } from "../values.ts";
import { decodeUtf8 } from "./utf8.ts";

/** One clause of a template: `%.2f`. */
export interface Clause {
  verb: string;
  precision: number | undefined;
}

/** What a clause may not be used on. */
export function clauseProblem({ verb }: Clause, type: string): string {
  switch (verb) {
    case "b":
      return `only integers and bools can be formatted as binary, was given ${type}`;
    case "d":
      return `decimal clause can only be used on integers, was given ${type}`;
    case "f":
      return `fixed-point clause can only be used on doubles, was given ${type}`;
    case "e":
      return `scientific clause can only be used on doubles, was given ${type}`;
    case "o":
      return `octal clause can only be used on integers, was given ${type}`;
    case "x":
    case "X":
      return `only integers, byte buffers, and strings can be formatted as hex, was given ${type}`;
    default:
      return `string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${type}`;
  }
}

/**
 * Reads a template and asks for the text of each clause. `expect` is told the index of the argument that comes next.
 *
 * @throws CelError for a template that is none, and what the two throw
 */
export function readTemplate(
  template: string,
  expect: (index: number) => void,
  write: (clause: Clause) => string,
): string {
  let text = "";
  let used = 0;
  for (let at = 0; at < template.length; ) {
    const char = template.charAt(at);
    if (char !== "%" || template.charAt(at + 1) === "%") {
      text += char;
      at += char === "%" ? 2 : 1;
      continue;
    }
    expect(used++);
    if (at + 1 >= template.length) throw new CelError("unexpected end of string");
    const { clause, length } = readClause(template.slice(at + 1));
    text += write(clause);
    at += length + 1;
  }
  return text;
}

function readClause(rest: string): { clause: Clause; length: number } {
  const problem = (text: string) => new CelError(`could not parse formatting clause: ${text}`);
  let length = 0;
  let precision: number | undefined;
  if (rest.startsWith(".")) {
    const digits = /^\d*/.exec(rest.slice(1))?.[0] ?? "";
    length = 1 + digits.length;
    if (length >= rest.length)
      throw problem("error while parsing precision: could not find end of precision specifier");
    if (digits === "") {
      const cause = 'error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax';
      throw problem(`error while parsing precision: ${cause}`);
    }
    precision = Number(digits);
    if (precision > maxPrecision) throw new CelBudgetError();
  }
  const verb = rest.charAt(length);
  if (!"sdfebxXo".includes(verb)) throw problem(`unrecognized formatting clause "${verb}"`);
  return { clause: { verb, precision }, length: length + 1 };
}

const defaultPrecision = 6;
/** More digits are a way to spend memory, not a message. */
const maxPrecision = 10_000;
/** No double has more digits after the point. */
const maxFraction = 1074;

export function formatText(budget: Budget, template: string, args: ListValue): string {
  let index = 0;
  const expect = (next: number) => {
    if (next >= args.size) throw new CelError(`index ${next} out of range`);
    index = next;
  };
  return readTemplate(template, expect, (clause) => {
    try {
      return formatValue(args.at(index), clause, budget);
    } catch (error) {
      if (error instanceof CelError) throw new CelError(`error during formatting: ${error.message}`);
      throw error;
    }
  });
}

function formatValue(value: Value, clause: Clause, budget: Budget): string {
  const text = clause.verb === "s" ? stringOf(value, budget) : numberText(value, clause);
  if (text === undefined) throw new CelError(clauseProblem(clause, typeNameOf(value)));
  return text;
}

function numberText(value: Value, { verb, precision = defaultPrecision }: Clause): string | undefined {
  switch (verb) {
    case "f":
      return fixed(doubleOf(value), precision);
    case "e":
      return scientific(doubleOf(value), precision);
    case "b":
      return typeof value === "boolean" ? String(Number(value)) : integerOf(value)?.toString(2);
    case "x":
      return hexOf(value);
    case "X":
      return hexOf(value)?.toUpperCase();
    default:
      return integerOf(value)?.toString(verb === "o" ? 8 : 10);
  }
}

function integerOf(value: Value): bigint | undefined {
  if (typeof value === "bigint") return value;
  return value instanceof Uint ? value.value : undefined;
}

const namedDoubles: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

function doubleOf(value: Value): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" ? namedDoubles[value] : undefined;
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return undefined;
  return value > 0 ? "∞" : "-∞";
}

/** With a comma before every third digit. */
function fixed(value: number | undefined, precision: number): string | undefined {
  if (value === undefined) return undefined;
  const named = special(value);
  if (named !== undefined) return named;
  const [whole = "", digits = ""] = fixedText(value, Math.min(precision, maxFraction)).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  // golang.org/x/text keeps the number of digits to fill up to in eight bits
  const fraction = precision < 256 ? digits : digits.replace(/0+$/, "").padEnd(precision % 256, "0");
  return fraction === "" ? grouped : `${grouped}.${fraction}`;
}

const raised = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The precision is taken for a width, as in cel-go; there are always six digits after the point. */
function scientific(value: number | undefined, width: number): string | undefined {
  if (value === undefined) return undefined;
  const named = special(value);
  if (named !== undefined) return named.padStart(width);
  const [mantissa = "", exponent = "0"] = value.toExponential(defaultPrecision).split("e");
  const digits = exponent.replace(/^[-+]/, "").padStart(2, "0");
  const power = [...digits].map((digit) => raised.charAt(Number(digit))).join("");
  return `${mantissa}×10${exponent.startsWith("-") ? "⁻" : ""}${power}`.padStart(width);
}

function hexOf(value: Value): string | undefined {
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("hex");
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : integerOf(value)?.toString(16);
}

/** What `%s` writes; undefined for what it cannot be used on. */
function stringOf(value: Value, budget: Budget): string | undefined {
  budget.step(typeof value === "string" ? value.length >> 4 : 1);
  if (value === null) return "null";
  if (typeof value === "string") return value;
  if (typeof value === "number") return doubleText(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return bytesText(value);
  if (value instanceof Timestamp) return formatTimestamp(value.nanoseconds);
  if (value instanceof Duration) return formatDuration(value.nanoseconds);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof ListValue) return `[${[...value].map((each) => nested(each, budget)).join(", ")}]`;
  return value instanceof MapValue && typeNameOf(value) === "map" ? mapText(value, budget) : undefined;
}

function bytesText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw new CelError(`could not convert argument ${quoteGo(error instanceof Error ? error.message : "")} to string`);
  }
}

/** An element of a list or map, as it would stand in an expression. */
function nested(value: Value, budget: Budget): string {
  if (typeof value === "number")
    return Number.isFinite(value) ? fixedText(value, defaultPrecision) : quoteGo(doubleText(value));
  const text = stringOf(value, budget);
  if (text === undefined) throw new CelError(`no formatting function for ${typeNameOf(value)}`);
  if (value instanceof Uint8Array) return `b${quoteGo(text)}`;
  if (value instanceof Timestamp) return `timestamp(${quoteGo(text)})`;
  if (value instanceof Duration) return `duration(${quoteGo(text)})`;
  return typeof value === "string" ? quoteGo(text) : text;
}

function mapText(map: MapValue, budget: Budget): string {
  const pairs = [...map.keys()].map((key) => {
    if (typeof key === "number" || typeof key === "object")
      if (!(key instanceof Uint)) throw new CelError(`no formatting function for map key of type ${typeNameOf(key)}`);
    return { key: nested(key, budget), value: nested(map.get(key) ?? null, budget) };
  });
  pairs.sort((a, b) => (a.key < b.key ? -1 : 1));
  return `{${pairs.map(({ key, value }) => `${key}:${value}`).join(", ")}}`;
}
