/** Texts as Go writes them. */

/** Characters with an escape of their own in Go, and so in CEL. */
export const escapes: Readonly<Record<string, string>> = {
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

/** What is longer is cut: Go would quote it all, but this goes into messages only. */
const maxQuoted = 10_000;

/** Go's `%q`. */
export function quoteGo(text: string): string {
  const shown = text.length > maxQuoted ? text.slice(0, maxQuoted) : text;
  return `"${shown.replace(unusual, escapeRune)}"`;
}

/** Everything but plain ASCII. */
const unusual = /[^ !#-[\]-~]/gu;

function escapeRune(rune: string): string {
  const known = escapes[rune];
  if (known !== undefined) return known;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune)) return rune;
  const point = rune.codePointAt(0) ?? 0;
  if (point < 0x80) return `\\x${point.toString(16).padStart(2, "0")}`;
  return point < 0x10000 ? `\\u${point.toString(16).padStart(4, "0")}` : `\\U${point.toString(16).padStart(8, "0")}`;
}

/** Go's `%g` with the shortest digits: with an exponent below 1e-4 and from 1e6 on. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", exponent = "0"] = Math.abs(value).toExponential().split("e");
  const power = Number(exponent);
  const sign = value < 0 ? "-" : "";
  if (power >= -4 && power < 6) return `${sign}${plain(mantissa.replace(".", ""), power)}`;
  return `${sign}${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function plain(digits: string, power: number): string {
  if (power < 0) return `0.${"0".repeat(-power - 1)}${digits}`;
  if (digits.length <= power + 1) return digits.padEnd(power + 1, "0");
  return `${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`;
}

/** A number with so many digits after the point, halves to the even neighbour: exact, as Go's `%f` is. */
export function fixedText(value: number, digits: number): string {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, Math.abs(value));
  const raw = bits.getBigUint64(0);
  const exponent = Number(raw >> 52n);
  const fraction = raw & ((1n << 52n) - 1n);
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  const power = (exponent === 0 ? 1 : exponent) - 1075;
  const scaled = mantissa * 10n ** BigInt(digits);
  const rounded = power >= 0 ? scaled << BigInt(power) : divideToEven(scaled, 1n << BigInt(-power));
  const text = rounded.toString().padStart(digits + 1, "0");
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function divideToEven(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  const twice = (a % b) * 2n;
  return twice > b || (twice === b && quotient % 2n === 1n) ? quotient + 1n : quotient;
}
