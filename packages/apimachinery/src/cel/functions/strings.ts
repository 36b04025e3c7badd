/** String functions. Source: https://pkg.go.dev/github.com/google/cel-go/ext#Strings; positions count code points. */
import type { Budget } from "../budget.ts";
import { escapes } from "../go-text.ts";
import { CelBudgetError, CelError } from "../issues.ts";
import { noSuchOverload } from "../operators.ts";
import { textSize } from "../text-size.ts";
import type { ListValue } from "../values.ts";
import { ArrayList } from "../values.ts";
import { formatText } from "./format-text.ts";
import type { Overload } from "./overload.ts";
import { budgeted, overload } from "./overload.ts";
import { patternFor } from "./patterns.ts";

/** Where the code point of an index starts, in UTF-16 units; undefined beyond the end. */
function unitOffset(text: string, index: bigint): number | undefined {
  if (index > BigInt(text.length)) return undefined;
  let left = Number(index);
  let at = 0;
  for (; left > 0 && at < text.length; left--) {
    const code = text.charCodeAt(at);
    at += code >= 0xd800 && code < 0xdc00 ? 2 : 1;
  }
  return left > 0 ? undefined : at;
}

function outOfRange(index: bigint): CelError {
  return new CelError(`index out of range: ${index}`);
}

function offsetOf(text: string, index: bigint): number {
  const offset = index < 0n ? undefined : unitOffset(text, index);
  if (offset === undefined) throw outOfRange(index);
  return offset;
}

function charAt(text: string, index: bigint): string {
  const point = text.codePointAt(offsetOf(text, index));
  return point === undefined ? "" : String.fromCodePoint(point);
}

function substring(text: string, start: bigint, end?: bigint): string {
  if (end !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  const from = offsetOf(text, start);
  return text.slice(from, end === undefined ? undefined : offsetOf(text, end));
}

/** A position in UTF-16 units as one in code points. */
function pointIndex(text: string, at: number): bigint {
  return at < 0 ? -1n : BigInt(textSize(text.slice(0, at)));
}

/** An index beyond the end finds nothing; below 0 it is an error. */
function indexOf(text: string, part: string, from = 0n): bigint {
  if (from < 0n) throw outOfRange(from);
  if (part === "") return from;
  const offset = unitOffset(text, from);
  return offset === undefined ? -1n : pointIndex(text, text.indexOf(part, offset));
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  if (from === undefined) return part === "" ? BigInt(textSize(text)) : pointIndex(text, text.lastIndexOf(part));
  if (from < 0n) throw outOfRange(from);
  if (part === "") return from;
  const offset = unitOffset(text, from);
  return offset === undefined ? -1n : pointIndex(text, text.lastIndexOf(part, offset));
}

/** A result may be as long as the text times the replacement, which its cost does not tell. */
const maxTextLength = 20_000_000;

function replace(budget: Budget, text: string, old: string, next: string, limit = -1n): string {
  if (old === "") return insertBetween(budget, text, next, limit);
  const pieces: string[] = [];
  let length = 0;
  let start = 0;
  for (
    let at = text.indexOf(old);
    at >= 0 && (limit < 0n || pieces.length / 2 < limit);
    at = text.indexOf(old, start)
  ) {
    budget.step(8);
    length += at - start + next.length;
    if (length > maxTextLength) throw new CelBudgetError();
    pieces.push(text.slice(start, at), next);
    start = at + old.length;
  }
  return pieces.join("") + text.slice(start);
}

/** What replaces nothing goes before every code point and to the end. */
function insertBetween(budget: Budget, text: string, next: string, limit: bigint): string {
  const pieces: string[] = [];
  let rest = text;
  let length = 0;
  for (const point of text) {
    if (limit >= 0n && pieces.length >= limit) return pieces.join("") + rest;
    budget.step(8);
    length += next.length + point.length;
    if (length > maxTextLength) throw new CelBudgetError();
    pieces.push(next + point);
    rest = text.slice(length - pieces.length * next.length);
  }
  return pieces.join("") + (limit >= 0n && pieces.length >= limit ? rest : next);
}

function split(text: string, separator: string, limit = -1n): ArrayList {
  if (limit === 0n) return new ArrayList([]);
  const parts = separator === "" ? [...text] : text.split(separator);
  if (limit < 0n || BigInt(parts.length) <= limit) return new ArrayList(parts);
  const kept = parts.slice(0, Number(limit) - 1);
  return new ArrayList([...kept, parts.slice(Number(limit) - 1).join(separator)]);
}

function joinTexts(budget: Budget, list: ListValue, separator = ""): string {
  const texts: string[] = [];
  let length = 0;
  for (const each of list) {
    if (typeof each !== "string") throw noSuchOverload();
    budget.step(4);
    length += each.length + separator.length;
    if (length > maxTextLength) throw new CelBudgetError();
    texts.push(each);
  }
  return texts.join(separator);
}

/** ASCII letters only, as the function's name says. */
const lower = (text: string) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const upper = (text: string) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());

/** White space as Unicode has it: with U+0085, without U+FEFF. */
function trim(text: string): string {
  const space = "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
  return text.replace(new RegExp(`^${space}+`), "").replace(new RegExp(`(?<!${space})${space}+$`), "");
}

const patternProblem = "Illegal regex: ";

function find(budget: Budget, text: string, pattern: string): string {
  const matcher = patternFor(budget, { pattern, text, finds: true }, patternProblem).matcher(text);
  return matcher.find() ? (matcher.group() ?? "") : "";
}

/** Go takes no empty match right after another match. */
function findAll(budget: Budget, text: string, pattern: string, limit = -1n): ArrayList {
  const matcher = patternFor(budget, { pattern, text, finds: true }, patternProblem).matcher(text);
  const found: string[] = [];
  let end = -1;
  while ((limit < 0n || found.length < limit) && matcher.find()) {
    budget.step(64);
    if (matcher.end() === end && matcher.start() === end) continue;
    end = matcher.end();
    found.push(matcher.group() ?? "");
  }
  return new ArrayList(found);
}

/** Only what would end or break the literal is escaped. */
function quoteCel(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  return `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (char) => escapes[char] ?? char)}"`;
}

export const stringFunctions: readonly Overload[] = [
  overload("string.charAt(int): string", charAt),
  overload("string.indexOf(string): int", indexOf),
  overload("string.indexOf(string, int): int", indexOf),
  overload("string.lastIndexOf(string): int", lastIndexOf),
  overload("string.lastIndexOf(string, int): int", lastIndexOf),
  overload("string.lowerAscii(): string", lower),
  overload("string.upperAscii(): string", upper),
  budgeted("string.replace(string, string): string", replace),
  budgeted("string.replace(string, string, int): string", replace),
  overload("string.split(string): list<string>", split),
  overload("string.split(string, int): list<string>", split),
  overload("string.substring(int): string", substring),
  overload("string.substring(int, int): string", substring),
  overload("string.trim(): string", trim),
  budgeted("list<string>.join(): string", joinTexts),
  budgeted("list<string>.join(string): string", joinTexts),
  budgeted("string.format(list<dyn>): string", formatText),
  overload("#strings.quote(string): string", quoteCel),
  budgeted("string.find(string): string", find),
  budgeted("string.findAll(string): list<string>", findAll),
  budgeted("string.findAll(string, int): list<string>", findAll),
];
