/** String functions. Source: https://pkg.go.dev/github.com/google/cel-go/ext#Strings; positions count code points. */
import { linearRegExp } from "../../schema/regexp.ts";
import { CelError } from "../issues.ts";
import type { ListValue } from "../values.ts";
import { ArrayList } from "../values.ts";
import { formatText } from "./format-text.ts";
import type { Overload } from "./overload.ts";
import { overload, textCost } from "./overload.ts";

/** A text as code points; plain ASCII, the common case, is indexed as it is. */
function points(text: string): string[] | string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  return /^[\x00-\x7f]*$/.test(text) ? text : [...text];
}

function slice(text: string[] | string, start: number, end?: number): string {
  return typeof text === "string" ? text.slice(start, end) : text.slice(start, end).join("");
}

function charAt(text: string, index: bigint): string {
  const all = points(text);
  if (index < 0n || index > BigInt(all.length)) throw new CelError(`index out of range: ${index}`);
  return slice(all, Number(index), Number(index) + 1);
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = points(text);
  const last = end ?? BigInt(all.length);
  if (start > last) throw new CelError(`invalid substring range. start: ${start}, end: ${last}`);
  if (start < 0n || last > BigInt(all.length)) throw new CelError(`index out of range: ${start < 0n ? start : last}`);
  return slice(all, Number(start), Number(last));
}

/** A position in UTF-16 units as one in code points. */
function pointIndex(text: string, at: number): bigint {
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function indexOf(text: string, part: string, from = 0n): bigint {
  const all = points(text);
  if (from < 0n || from > BigInt(all.length)) throw new CelError(`index out of range: ${from}`);
  const offset = slice(all, 0, Number(from)).length;
  return pointIndex(text, text.indexOf(part, offset));
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const all = points(text);
  if (from === undefined) return pointIndex(text, text.lastIndexOf(part));
  if (from < 0n || from > BigInt(all.length)) throw new CelError(`index out of range: ${from}`);
  return pointIndex(text, text.lastIndexOf(part, slice(all, 0, Number(from)).length));
}

function replace(text: string, old: string, next: string, limit = -1n): string {
  if (limit < 0n) return text.replaceAll(old, () => next);
  let rest = text;
  let result = "";
  for (let count = 0n; count < limit; count++) {
    const at = rest.indexOf(old);
    if (at < 0 || (old === "" && rest === "")) break;
    const step = old === "" ? 1 : 0;
    result += rest.slice(0, at) + next + rest.slice(at, at + step);
    rest = rest.slice(at + old.length + step);
  }
  return result + rest;
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
      if (typeof each !== "string")
        throw new CelError("no such overload: join of a list that holds other than strings");
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
  const matcher = compiled(pattern).matcher(text);
  return matcher.find() ? (matcher.group() ?? "") : "";
}

function findAll(text: string, pattern: string, limit = -1n): ArrayList {
  const matcher = compiled(pattern).matcher(text);
  const found: string[] = [];
  while ((limit < 0n || BigInt(found.length) < limit) && matcher.find()) found.push(matcher.group() ?? "");
  return new ArrayList(found);
}

function compiled(pattern: string) {
  try {
    return linearRegExp(pattern);
  } catch (cause) {
    throw new CelError(`Illegal regex: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function quote(text: string): string {
  const escapes: Record<string, string> = {
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
  overload("string.indexOf(string): int", indexOf, textCost),
  overload("string.indexOf(string, int): int", indexOf, textCost),
  overload("string.lastIndexOf(string): int", lastIndexOf, textCost),
  overload("string.lastIndexOf(string, int): int", lastIndexOf, textCost),
  overload("string.lowerAscii(): string", lower, textCost),
  overload("string.upperAscii(): string", upper, textCost),
  overload("string.replace(string, string): string", replace, textCost),
  overload("string.replace(string, string, int): string", replace, textCost),
  overload("string.split(string): list<string>", split, textCost),
  overload("string.split(string, int): list<string>", split, textCost),
  overload("string.substring(int): string", substring, textCost),
  overload("string.substring(int, int): string", substring, textCost),
  overload("string.trim(): string", trim, textCost),
  overload("string.reverse(): string", (text: string) => [...text].reverse().join(""), textCost),
  overload("list<string>.join(): string", joinTexts),
  overload("list<string>.join(string): string", joinTexts),
  overload("string.format(list<dyn>): string", formatText, textCost),
  overload("#strings.quote(string): string", quote, textCost),
  overload("string.find(string): string", find, textCost),
  overload("string.findAll(string): list<string>", findAll, textCost),
  overload("string.findAll(string, int): list<string>", findAll, textCost),
];
