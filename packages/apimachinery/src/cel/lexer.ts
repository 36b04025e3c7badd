/**
 * Tokens of CEL. Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
 */

import type { LiteralValue } from "./ast.ts";
import { CelSyntaxError } from "./issues.ts";

export interface Token {
  kind: "ident" | "literal" | "symbol" | "end";
  text: string;
  at: number;
  value?: LiteralValue;
  /** Written in back-ticks: a field name, never a keyword or variable. */
  quoted?: boolean;
}

const symbols = [
  "&&",
  "||",
  "<=",
  ">=",
  "==",
  "!=",
  "?",
  ":",
  ".",
  ",",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  "<",
  ">",
  "!",
  "+",
  "-",
  "*",
  "/",
  "%",
];
const number =
  /^(?:0[xX]([0-9a-fA-F]+)([uU])?|(\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)|(\d+)([uU])?)/;
const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*/;
const stringStart = /^([rR][bB]?|[bB][rR]?)?("""|'''|"|')/;

const maxInt = 2n ** 63n - 1n;
const maxUint = 2n ** 64n - 1n;
/** cel-go's default limit, in code points there. */
export const maxExpressionLength = 100_000;

/** @throws CelSyntaxError */
export function tokenize(text: string): Token[] {
  if (text.length > maxExpressionLength)
    throw new CelSyntaxError(
      `expression code point size exceeds limit: size: ${text.length}, limit ${maxExpressionLength}`,
      0,
    );
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + 4096);
    const blank = /^(\s+|\/\/[^\n]*)/.exec(rest);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    const token =
      stringToken(text, at) ?? numberToken(rest, at, tokens.at(-1)) ?? identToken(rest, at) ?? symbolToken(rest, at);
    if (token === undefined)
      throw new CelSyntaxError(`Syntax error: token recognition error at: '${text.charAt(at)}'`, at);
    tokens.push(token.token);
    at += token.length;
  }
  tokens.push({ kind: "end", text: "<EOF>", at: text.length });
  return tokens;
}

interface Found {
  token: Token;
  length: number;
}

function symbolToken(rest: string, at: number): Found | undefined {
  const symbol = symbols.find((each) => rest.startsWith(each));
  return symbol === undefined ? undefined : { token: { kind: "symbol", text: symbol, at }, length: symbol.length };
}

function identToken(rest: string, at: number): Found | undefined {
  const quoted = /^`([a-zA-Z0-9_.\-/ ]+)`/.exec(rest);
  if (quoted !== null)
    return { token: { kind: "ident", text: quoted[1] ?? "", at, quoted: true }, length: quoted[0].length };
  const text = identifier.exec(rest)?.[0];
  if (text === undefined) return undefined;
  const constants: Record<string, LiteralValue> = { true: true, false: false, null: null };
  if (Object.hasOwn(constants, text))
    return { token: { kind: "literal", text, at, value: constants[text] ?? null }, length: text.length };
  return { token: { kind: "ident", text, at }, length: text.length };
}

function numberToken(rest: string, at: number, previous: Token | undefined): Found | undefined {
  const match = number.exec(rest);
  if (match === null) return undefined;
  // `.5` after an operand is a selection, which the parser will refuse with a better text
  if (
    rest.startsWith(".") &&
    previous !== undefined &&
    (previous.kind !== "symbol" || [")", "]", "}"].includes(previous.text))
  )
    return undefined;
  const [text, hex, hexUnsigned, double, decimal, unsigned] = match;
  let value: LiteralValue;
  if (double !== undefined) value = Number(double);
  else {
    const integer = BigInt(hex === undefined ? (decimal ?? "0") : `0x${hex}`);
    const isUnsigned = (hexUnsigned ?? unsigned) !== undefined;
    // 2^63 is allowed here: it may stand behind a minus sign; the parser refuses it elsewhere
    if (integer > (isUnsigned ? maxUint : maxInt + 1n))
      throw new CelSyntaxError(`Syntax error: invalid ${isUnsigned ? "uint" : "int"} literal`, at);
    value = isUnsigned ? { uint: integer } : integer;
  }
  return { token: { kind: "literal", text, at, value }, length: text.length };
}

function stringToken(text: string, at: number): Found | undefined {
  const match = stringStart.exec(text.slice(at, at + 5));
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
  const value = isBytes ? unescapeBytes(raw, isRaw, at) : unescapeText(raw, isRaw, at);
  const length = end + quote.length - at;
  return { token: { kind: "literal", text: text.slice(at, at + length), at, value }, length };
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
        throw new CelSyntaxError("Syntax error: invalid unicode code point", at);
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
    else parts.push(Buffer.from(unescapeText(match[0], false, at), "utf8"));
  }
  parts.push(Buffer.from(raw.slice(last), "utf8"));
  return new Uint8Array(Buffer.concat(parts));
}
