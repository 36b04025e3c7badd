/**
 * Tokens of CEL. Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
 */

import { CelSyntaxError } from "./issues.ts";
import type { Value } from "./values.ts";
import { Uint } from "./values.ts";

export interface Token {
  kind: "ident" | "literal" | "symbol" | "end";
  text: string;
  at: number;
  value?: Value;
  /** An int or double, which a minus sign before it belongs to. */
  number?: "signed";
  /** What is wrong with a literal that is otherwise well-formed. */
  problem?: string;
  /** Written in back-ticks: a field name, never a keyword or variable. */
  quoted?: boolean;
}

/** Each finds a token where its `lastIndex` stands. */
const blank = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y;
const symbol = /&&|\|\||[<>=!]=|[?:.,()[\]{}<>!+\-*/%]/y;
const number =
  /0x([0-9a-fA-F]+)([uU])?|(\d+\.\d+(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)|(\d+)([uU])?/y;
const identifier = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const quotedIdentifier = /`([a-zA-Z0-9_.\-/ ]+)`/y;
const stringStart = /([bB]?[rR]|[bB])?("""|'''|"|')/y;

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** No number that fits has more. */
const maxDigits = 1000;

/** cel-go's default limit, in code points there. */
export const maxExpressionLength = 100_000;

/** @throws CelSyntaxError */
export function tokenize(text: string): Token[] {
  if (text.length > maxExpressionLength)
    throw new CelSyntaxError(
      `expression code point size exceeds limit: size: ${text.length}, limit ${maxExpressionLength}`,
      -1,
    );
  const tokens: Token[] = [];
  let at = skipBlank(text, 0);
  while (at < text.length) {
    const token = stringToken(text, at) ?? numberToken(text, at) ?? identToken(text, at) ?? symbolToken(text, at);
    if (token === undefined) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      throw new CelSyntaxError(`Syntax error: token recognition error at: '${character}'`, at);
    }
    tokens.push(token.token);
    at = skipBlank(text, at + token.length);
  }
  tokens.push({ kind: "end", text: "<EOF>", at: text.length });
  return tokens;
}

function skipBlank(text: string, at: number): number {
  return at + (matchAt(blank, text, at)?.[0].length ?? 0);
}

interface Found {
  token: Token;
  length: number;
}

function symbolToken(text: string, at: number): Found | undefined {
  const found = matchAt(symbol, text, at)?.[0];
  return found === undefined ? undefined : { token: { kind: "symbol", text: found, at }, length: found.length };
}

const constants = new Map<string, Value>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

function identToken(text: string, at: number): Found | undefined {
  const name = matchAt(identifier, text, at)?.[0];
  if (name !== undefined) {
    const value = constants.get(name);
    const token: Token =
      value === undefined ? { kind: "ident", text: name, at } : { kind: "literal", text: name, at, value };
    return { token, length: name.length };
  }
  const quoted = matchAt(quotedIdentifier, text, at);
  if (quoted === null) return undefined;
  return { token: { kind: "ident", text: quoted[1] ?? "", at, quoted: true }, length: quoted[0].length };
}

function numberToken(expression: string, at: number): Found | undefined {
  const match = matchAt(number, expression, at);
  if (match === null) return undefined;
  const [text, hex, hexUnsigned, double, decimal, unsigned] = match;
  const { length } = text;
  if (length > maxDigits) return { token: { kind: "literal", text, at, problem: "invalid int literal" }, length };
  if (double !== undefined)
    return { token: { kind: "literal", text, at, value: Number(double), number: "signed" }, length };
  const integer = BigInt(hex === undefined ? (decimal ?? "0") : `0x${hex}`);
  const isUnsigned = (hexUnsigned ?? unsigned) !== undefined;
  const token: Token = isUnsigned
    ? { kind: "literal", text, at, value: new Uint(integer) }
    : { kind: "literal", text, at, value: integer, number: "signed" };
  return { token, length };
}

function stringToken(text: string, at: number): Found | undefined {
  const match = matchAt(stringStart, text, at);
  if (match === null) return undefined;
  const prefix = (match[1] ?? "").toLowerCase();
  const quote = match[2] ?? '"';
  const isRaw = prefix.includes("r");
  const isBytes = prefix.includes("b");
  const start = at + match[0].length;
  let end = start;
  while (!text.startsWith(quote, end)) {
    const char = text.charAt(end);
    if (char === "" || (quote.length === 1 && (char === "\n" || char === "\r")))
      throw new CelSyntaxError("Syntax error: unterminated string", at);
    end += char === "\\" && !isRaw ? 2 : 1;
  }
  const raw = text.slice(start, end);
  const length = end + quote.length - at;
  const token: Token = { kind: "literal", text: text.slice(at, at + length), at };
  try {
    token.value = isBytes ? unescapeBytes(raw, isRaw, at) : unescapeText(raw, isRaw, at);
  } catch (error) {
    if (!(error instanceof CelSyntaxError) || error.message.startsWith("Syntax error")) throw error;
    token.problem = error.message;
  }
  return { token, length };
}

const simpleEscapes: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "?": "?",
  '"': '"',
  "'": "'",
  "`": "`",
};

const escapeSequence =
  /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]?))/g;

function unescapeText(raw: string, isRaw: boolean, at: number): string {
  if (isRaw || !raw.includes("\\")) return raw;
  return raw.replace(escapeSequence, (_all, x, bigX, u, bigU, octal, simple) => {
    const hex: string | undefined = x ?? bigX ?? u ?? bigU;
    if (hex !== undefined || octal !== undefined) {
      const point = hex === undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex, 16);
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        throw new CelSyntaxError("invalid unicode code point", at);
      return String.fromCodePoint(point);
    }
    const plain = simpleEscapes[simple as string];
    if (plain === undefined) throw new CelSyntaxError(`Syntax error: unable to unescape string: \\${simple}`, at);
    return plain;
  });
}

/** In bytes, `\x` and octal escapes are single bytes; everything else is UTF-8. */
function unescapeBytes(raw: string, isRaw: boolean, at: number): Uint8Array {
  if (isRaw || !raw.includes("\\")) return Buffer.from(raw, "utf8");
  const parts: Buffer[] = [];
  let last = 0;
  for (const match of raw.matchAll(escapeSequence)) {
    parts.push(Buffer.from(raw.slice(last, match.index), "utf8"));
    last = match.index + match[0].length;
    const byte = match[1] ?? match[2];
    if (byte !== undefined) parts.push(Buffer.from([Number.parseInt(byte, 16)]));
    else if (match[5] !== undefined) parts.push(Buffer.from([Number.parseInt(match[5], 8)]));
    else if (match[3] !== undefined || match[4] !== undefined)
      throw new CelSyntaxError("unable to unescape string", at);
    else parts.push(Buffer.from(unescapeText(match[0], false, at), "utf8"));
  }
  parts.push(Buffer.from(raw.slice(last), "utf8"));
  return new Uint8Array(Buffer.concat(parts));
}
