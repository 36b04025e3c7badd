/** String functions. Source: https://pkg.go.dev/github.com/google/cel-go/ext#Strings; positions count code points. */
import { CelBudgetError, CelError } from "../issues.ts";
import { noSuchOverload } from "../operators.ts";
import { textSize } from "../text-size.ts";
import type { ListValue } from "../values.ts";
import { ArrayList } from "../values.ts";
import { formatText } from "./format-text.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";
import { patternOf } from "./patterns.ts";

/** A text as code points; plain ASCII, the common case, is indexed as it is. */
function points(text: string): string[] | string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  return /^[\x00-\x7f]*$/.test(text) ? text : [...text];
}

function slice(text: string[] | string, start: number, end?: number): string {
  return typeof text === "string" ? text.slice(start, end) : text.slice(start, end).join("");
}

function outOfRange(index: bigint): CelError {
  return new CelError(`index out of range: ${index}`);
}

function charAt(text: string, index: bigint): string {
  const all = points(text);
  if (index < 0n || index > BigInt(all.length)) throw outOfRange(index);
  return slice(all, Number(index), Number(index) + 1);
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = points(text);
  const last = end ?? BigInt(all.length);
  if (end !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > BigInt(all.length)) throw outOfRange(start);
  if (last < 0n || last > BigInt(all.length)) throw outOfRange(last);
  return slice(all, Number(start), Number(last));
}

/** A position in UTF-16 units as one in code points. */
function pointIndex(text: string, at: number): bigint {
  return at < 0 ? -1n : BigInt(textSize(text.slice(0, at)));
}

function indexOf(text: string, part: string, from = 0n): bigint {
  if (part === "" && from >= 0n) return from;
  const all = points(text);
  if (from < 0n) throw outOfRange(from);
  if (from > BigInt(all.length)) return -1n;
  const offset = slice(all, 0, Number(from)).length;
  return pointIndex(text, text.indexOf(part, offset));
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const all = points(text);
  if (part === "") return from ?? BigInt(all.length);
  if (from === undefined) return pointIndex(text, text.lastIndexOf(part));
  if (from < 0n) throw outOfRange(from);
  if (from > BigInt(all.length)) return -1n;
  return pointIndex(text, text.lastIndexOf(part, slice(all, 0, Number(from)).length));
}

/** A result may be as long as the text times the replacement, which its cost does not tell. */
const maxTextLength = 20_000_000;

function replace(text: string, old: string, next: string, limit = -1n): string {
  const separators = old === "" ? ["", ...text] : text.split(old);
  const count = old === "" ? separators.length : separators.length - 1;
  const replaced = limit < 0n || limit > BigInt(count) ? count : Number(limit);
  if (text.length + replaced * next.length > maxTextLength) throw new CelBudgetError();
  if (old === "") {
    const start = separators.slice(0, replaced).map((each) => each + next);
    return start.join("") + separators.slice(replaced).join("");
  }
  return [
    separators.slice(0, replaced).join(next) + (replaced > 0 ? next : ""),
    separators.slice(replaced).join(old),
  ].join("");
}

function split(text: string, separator: string, limit = -1n): ArrayList {
  if (limit === 0n) return new ArrayList([]);
  const parts = separator === "" ? [...text] : text.split(separator);
  if (limit < 0n || BigInt(parts.length) <= limit) return new ArrayList(parts);
  const kept = parts.slice(0, Number(limit) - 1);
  return new ArrayList([...kept, parts.slice(Number(limit) - 1).join(separator)]);
}

function joinTexts(list: ListValue, separator = ""): string {
  return [...list]
    .map((each) => {
      if (typeof each !== "string") throw noSuchOverload();
      return each;
    })
    .join(separator);
}

/** ASCII letters only, as the function's name says. */
const lower = (text: string) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const upper = (text: string) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

/** White space as Unicode has it: with U+0085, without U+FEFF. */
function trim(text: string): string {
  const space = "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
  return text.replace(new RegExp(`^${space}+`), "").replace(new RegExp(`(?<!${space})${space}+$`), "");
}

function find(text: string, pattern: string): string {
  const matcher = patternOf(pattern, "Illegal regex: ").matcher(text);
  return matcher.find() ? (matcher.group() ?? "") : "";
}

/** Go takes no empty match right after another match. */
function findAll(text: string, pattern: string, limit = -1n): ArrayList {
  const matcher = patternOf(pattern, "Illegal regex: ").matcher(text);
  const found: string[] = [];
  let end = -1;
  while ((limit < 0n || found.length < limit) && matcher.find()) {
    if (matcher.end() === end && matcher.start() === end) continue;
    end = matcher.end();
    found.push(matcher.group() ?? "");
  }
  return new ArrayList(found);
}

/** Only what would end or break the literal is escaped. */
function quoteCel(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    "\x07": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
  };
  return `"${[...text].map((char) => escapes[char] ?? char).join("")}"`;
}

export const stringFunctions: readonly Overload[] = [
  overload("string.charAt(int): string", charAt),
  overload("string.indexOf(string): int", indexOf),
  overload("string.indexOf(string, int): int", indexOf),
  overload("string.lastIndexOf(string): int", lastIndexOf),
  overload("string.lastIndexOf(string, int): int", lastIndexOf),
  overload("string.lowerAscii(): string", lower),
  overload("string.upperAscii(): string", upper),
  overload("string.replace(string, string): string", replace),
  overload("string.replace(string, string, int): string", replace),
  overload("string.split(string): list<string>", split),
  overload("string.split(string, int): list<string>", split),
  overload("string.substring(int): string", substring),
  overload("string.substring(int, int): string", substring),
  overload("string.trim(): string", trim),
  overload("list<string>.join(): string", joinTexts),
  overload("list<string>.join(string): string", joinTexts),
  overload("string.format(list<dyn>): string", formatText),
  overload("#strings.quote(string): string", quoteCel),
  overload("string.find(string): string", find),
  overload("string.findAll(string): list<string>", findAll),
  overload("string.findAll(string, int): list<string>", findAll),
];
