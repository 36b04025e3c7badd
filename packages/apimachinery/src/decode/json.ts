import { badRequest } from "@krate/kinds";
import type { JsonValue } from "../json.ts";

export interface DecodeLimits {
  /** Largest nesting of objects and lists. @defaultValue 200; kube-apiserver allows 10,000, no object of ours needs more than 20 */
  maxDepth?: number;
  /** Largest document in bytes. @defaultValue 3 MiB, the limit of kube-apiserver */
  maxBytes?: number;
}

export interface Decoded {
  value: JsonValue;
  /** Paths of members that appear twice, like `spec.list[0].foo`; the last one wins, as in kube-apiserver. At most 100. */
  duplicateFields: string[];
}

export const defaultMaxDepth = 200;
export const defaultMaxBytes = 3 * 1024 * 1024;
/** kube-apiserver stops collecting strict decoding errors here too (sigs.k8s.io/json). */
export const maxReportedFields = 100;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Decodes JSON as kube-apiserver does: duplicate members are collected with their paths, nesting and size are bounded, numbers that JavaScript
 * would silently round or turn into Infinity are refused, and so is the key `__proto__`.
 *
 * @throws badRequest naming what is wrong with the document
 */
export function decodeJson(input: Uint8Array | string, limits: DecodeLimits = {}): Decoded {
  const text = toText(input, limits.maxBytes ?? defaultMaxBytes);
  const members = countMembers(text, limits.maxDepth ?? defaultMaxDepth);
  const value = parse(text);
  const found: Walked = { members: 0, suspicious: false };
  walk(value, found);
  if (found.suspicious) refuseInexactNumbers(text);
  return { value, duplicateFields: found.members === members ? [] : findDuplicates(text) };
}

/** The text of a body. @throws badRequest when it is empty, too large or not UTF-8 */
export function toText(input: Uint8Array | string, maxBytes: number): string {
  const size = typeof input === "string" ? Buffer.byteLength(input) : input.byteLength;
  if (size > maxBytes) throw badRequest(`the request body is ${size} bytes, the limit is ${maxBytes}`);
  let text: string;
  try {
    text = typeof input === "string" ? input : utf8.decode(input);
  } catch (cause) {
    throw badRequest("the request body is not valid UTF-8", cause);
  }
  if (text.trim() === "") throw badRequest("the request body is empty: it must hold one object");
  return text;
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw badRequest(
      `couldn't parse the request body as JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}

/**
 * One pass over the text, before it is parsed: how many members it spells out (colons outside strings) and whether it nests too deep. A parsed
 * object with fewer members than that must have lost some to duplicates; only then the slow search for their paths runs.
 */
function countMembers(text: string, maxDepth: number): number {
  let members = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        i = endOfString(text, i);
        break;
      case 0x3a: // :
        members++;
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > maxDepth) throw badRequest(`the request body nests deeper than ${maxDepth} levels`);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
    }
  }
  return members;
}

/** Index of the quote that closes the string opened at `start`. indexOf beats a loop here by 4x on 2 KB objects. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

interface Walked {
  members: number;
  suspicious: boolean;
}

function walk(value: JsonValue | undefined, found: Walked): void {
  if (typeof value === "number") {
    if (value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER) found.suspicious = true;
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) walk(item, found);
    return;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw badRequest('the key "__proto__" is not allowed in an object');
    found.members++;
    walk(value[key], found);
  }
}

/** The parsed value no longer shows how a number was written; the reviver of Node 21 and later does. */
function refuseInexactNumbers(text: string): void {
  type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;
  const check: SourceReviver = (_key, value, context) => {
    if (typeof value !== "number" || context.source === undefined) return value;
    if (!Number.isFinite(value)) throw badRequest(`the number ${context.source} is out of range`);
    if (/^-?\d+$/.test(context.source) && BigInt(context.source) !== BigInt(value)) {
      throw badRequest(
        `the integer ${context.source} cannot be kept exactly: it must be between -9007199254740991 and 9007199254740991, or a string`,
      );
    }
    return value;
  };
  JSON.parse(text, check as (key: string, value: unknown) => unknown);
}

/** Paths of duplicate members of a text that is known to be valid JSON. */
function findDuplicates(text: string): string[] {
  const found: string[] = [];
  let at = 0;
  const space = () => {
    while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  };
  const string = (): string => {
    const end = endOfString(text, at);
    const raw = text.slice(at, end + 1);
    at = end + 1;
    return JSON.parse(raw) as string;
  };
  const value = (path: string): void => {
    space();
    const opening = text[at];
    if (opening === "{") members(path);
    else if (opening === "[") items(path);
    else if (opening === '"') string();
    else while (at < text.length && !",]}".includes(text[at] as string)) at++;
    space();
  };
  const members = (path: string): void => {
    const seen = new Set<string>();
    at++;
    space();
    while (text[at] !== "}") {
      const key = string();
      const member = path === "" ? key : `${path}.${key}`;
      if (seen.has(key) && found.length < maxReportedFields && !found.includes(member)) found.push(member);
      seen.add(key);
      space();
      at++; // the colon
      value(member);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  };
  const items = (path: string): void => {
    at++;
    space();
    for (let index = 0; text[at] !== "]"; index++) {
      value(`${path}[${index}]`);
      if (text[at] === ",") at++;
      space();
    }
    at++;
  };
  value("");
  return found;
}
