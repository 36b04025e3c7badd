/** Kubernetes quantities. Source: k8s.io/apimachinery v0.36 pkg/api/resource/quantity.go and amount.go. */
import { CelError } from "../issues.ts";
import { Opaque } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

const suffixes: Readonly<Record<string, { base: 2 | 10; exponent: number }>> = {
  n: { base: 10, exponent: -9 },
  u: { base: 10, exponent: -6 },
  m: { base: 10, exponent: -3 },
  "": { base: 10, exponent: 0 },
  k: { base: 10, exponent: 3 },
  M: { base: 10, exponent: 6 },
  G: { base: 10, exponent: 9 },
  T: { base: 10, exponent: 12 },
  P: { base: 10, exponent: 15 },
  E: { base: 10, exponent: 18 },
  Ki: { base: 2, exponent: 10 },
  Mi: { base: 2, exponent: 20 },
  Gi: { base: 2, exponent: 30 },
  Ti: { base: 2, exponent: 40 },
  Pi: { base: 2, exponent: 50 },
  Ei: { base: 2, exponent: 60 },
};

const maxInt = 2n ** 63n - 1n;

/**
 * A number as Kubernetes holds it: a whole number times a power of ten, either in 64 bits (`isSmall`) or of any size. Which of the two it is shows:
 * only small ones are integers to `isInteger`.
 */
export class Quantity extends Opaque {
  readonly typeName = "kubernetes.Quantity";
  readonly value: bigint;
  readonly scale: number;
  readonly isSmall: boolean;

  constructor(value: bigint, scale: number, isSmall: boolean) {
    super();
    this.value = value;
    this.scale = scale;
    this.isSmall = isSmall;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Quantity && compare(this, other) === 0;
  }

  /** The value in units of ten to the power of `scale`, which must not be coarser. */
  at(scale: number): bigint {
    return this.value * 10n ** BigInt(this.scale - scale);
  }
}

function compare(a: Quantity, b: Quantity): number {
  const scale = Math.min(a.scale, b.scale);
  const difference = a.at(scale) - b.at(scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const formatProblem = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixProblem = "unable to parse quantity's suffix";
const form = /^([+-]?)0*(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;

/** More digits than any number needs. */
const maxLength = 1000;
/** Kubernetes takes 32 bits, and would compute with numbers of so many digits. */
const maxExponent = 1000;

/** @throws CelError */
export function parseQuantity(text: string): Quantity {
  const match = text.length > maxLength ? null : form.exec(text); // the pattern is not linear in its zeros
  if (match === null || text === "") throw new CelError(formatProblem);
  const [, sign, number = "", fraction = "", suffix = ""] = match;
  const found = suffixOf(suffix);
  if (found === undefined) throw new CelError(suffixProblem);
  const { base, exponent } = found;
  const whole = number === "" ? "0" : number;
  const unscaled = BigInt(whole + fraction);
  const small = smallQuantity(unscaled, whole, fraction, found);
  const positive =
    small ?? largeQuantity(base === 2 ? unscaled << BigInt(exponent) : unscaled, fraction, base === 2 ? 0 : exponent);
  return sign === "-" ? new Quantity(-positive.value, positive.scale, positive.isSmall) : positive;
}

function suffixOf(suffix: string): { base: 2 | 10; exponent: number } | undefined {
  if (Object.hasOwn(suffixes, suffix)) return suffixes[suffix];
  const exponent = /^[eE]([-+]?\d{1,9})$/.exec(suffix)?.[1];
  if (exponent === undefined || Math.abs(Number(exponent)) > maxExponent) return undefined;
  return { base: 10, exponent: Number(exponent) };
}

/** What fits in 64 bits with a bit of room. */
function smallQuantity(
  unscaled: bigint,
  whole: string,
  fraction: string,
  { base, exponent }: { base: 2 | 10; exponent: number },
): Quantity | undefined {
  const digits = whole.length;
  if (base === 2) {
    if (fraction !== "" || 15 - digits - Math.trunc((exponent * 3) / 10) - 1 < 0) return undefined;
    const value = unscaled << BigInt(exponent);
    return value > maxInt ? undefined : new Quantity(value, 0, true);
  }
  const scale = exponent - fraction.length;
  if (18 - digits - fraction.length < 0 || scale < -9 || unscaled > maxInt) return undefined;
  return new Quantity(unscaled, scale, true);
}

/** Kept in units of 10^-9; what is finer is rounded up. */
function largeQuantity(unscaled: bigint, fraction: string, exponent: number): Quantity {
  const shift = exponent - fraction.length + 9;
  if (shift >= 0) return new Quantity(unscaled * 10n ** BigInt(shift), -9, false);
  const unit = 10n ** BigInt(-shift);
  return new Quantity((unscaled + unit - 1n) / unit, -9, false);
}

function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function integerOf({ value, scale, isSmall }: Quantity): bigint | undefined {
  if (!isSmall || scale < 0) return undefined;
  const integer = value * 10n ** BigInt(Math.min(scale, 40));
  return integer > maxInt || integer < -maxInt - 1n ? undefined : integer;
}

function asInteger(quantity: Quantity): bigint {
  const integer = integerOf(quantity);
  if (integer === undefined) throw new CelError("cannot convert value to integer");
  return integer;
}

function approximate({ value, scale }: Quantity): number {
  return scale === 0 ? Number(value) : Number(value) * Number(`1e${scale}`);
}

function sum(a: Quantity, b: Quantity): Quantity {
  const scale = Math.min(a.value === 0n ? b.scale : a.scale, b.value === 0n ? a.scale : b.scale);
  const value = (a.value === 0n ? 0n : a.at(scale)) + (b.value === 0n ? 0n : b.at(scale));
  const isSmall = a.isSmall && b.isSmall && value <= maxInt && value >= -maxInt - 1n;
  return new Quantity(value, scale, isSmall);
}

const negative = ({ value, scale, isSmall }: Quantity) => new Quantity(-value, scale, isSmall);
const whole = (value: bigint) => new Quantity(value, 0, true);

const type = "kubernetes.Quantity";

export const quantityFunctions: readonly Overload[] = [
  overload(`quantity(string): ${type}`, parseQuantity),
  overload("isQuantity(string): bool", isQuantity),
  overload(`sign(${type}): int`, ({ value }: Quantity) => (value < 0n ? -1n : value > 0n ? 1n : 0n)),
  overload(`${type}.isInteger(): bool`, (quantity: Quantity) => integerOf(quantity) !== undefined),
  overload(`${type}.asInteger(): int`, asInteger),
  overload(`${type}.asApproximateFloat(): double`, approximate),
  overload(`${type}.isGreaterThan(${type}): bool`, (a: Quantity, b: Quantity) => compare(a, b) > 0),
  overload(`${type}.isLessThan(${type}): bool`, (a: Quantity, b: Quantity) => compare(a, b) < 0),
  overload(`${type}.compareTo(${type}): int`, (a: Quantity, b: Quantity) => BigInt(compare(a, b))),
  overload(`${type}.add(${type}): ${type}`, sum),
  overload(`${type}.add(int): ${type}`, (a: Quantity, b: bigint) => sum(a, whole(b))),
  overload(`${type}.sub(${type}): ${type}`, (a: Quantity, b: Quantity) => sum(a, negative(b))),
  overload(`${type}.sub(int): ${type}`, (a: Quantity, b: bigint) => sum(a, negative(whole(b)))),
];
