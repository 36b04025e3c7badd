/** Kubernetes quantities. Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#Quantity */
import { CelError } from "../issues.ts";
import { Opaque } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;
const binary: Record<string, bigint> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n };
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** Quantities are kept in units of 10^-9, the finest there are; what is finer is rounded up, as Kubernetes does. */
const unit = 10n ** 9n;

export class Quantity extends Opaque {
  readonly typeName = "kubernetes.Quantity";
  readonly nano: bigint;

  constructor(nano: bigint) {
    super();
    this.nano = nano;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Quantity && other.nano === this.nano;
  }
}

/** The quantity a text says; undefined when it says none. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign, digits = "0", power, suffix, exponent] = match;
  const [whole = "", fraction = ""] = digits.split(".");
  let numerator = BigInt(whole + fraction || "0") * unit;
  let denominator = 10n ** BigInt(fraction.length);
  if (power !== undefined) numerator *= 1024n ** (binary[power] ?? 0n);
  const ten = suffix === undefined ? Number(exponent ?? 0) : (decimal[suffix] ?? 0);
  if (ten >= 0) numerator *= 10n ** BigInt(ten);
  else denominator *= 10n ** BigInt(-ten);
  const rounded = (numerator + denominator - 1n) / denominator;
  return new Quantity(sign === "-" ? -rounded : rounded);
}

function quantity(text: string): Quantity {
  const parsed = parseQuantity(text);
  if (parsed === undefined)
    throw new CelError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  return parsed;
}

const maxInt = 2n ** 63n - 1n;

function isInteger({ nano }: Quantity): boolean {
  return nano % unit === 0n && nano / unit <= maxInt && nano / unit >= -maxInt - 1n;
}

function asInteger(value: Quantity): bigint {
  if (!isInteger(value)) throw new CelError("cannot convert value to integer");
  return value.nano / unit;
}

function compareTo(a: Quantity, b: Quantity): bigint {
  return a.nano < b.nano ? -1n : a.nano > b.nano ? 1n : 0n;
}

const type = "kubernetes.Quantity";

export const quantityFunctions: readonly Overload[] = [
  overload(`quantity(string): ${type}`, quantity),
  overload("isQuantity(string): bool", (text: string) => parseQuantity(text) !== undefined),
  overload(`${type}.sign(): int`, ({ nano }: Quantity) => (nano < 0n ? -1n : nano > 0n ? 1n : 0n)),
  overload(`${type}.isInteger(): bool`, isInteger),
  overload(`${type}.asInteger(): int`, asInteger),
  overload(`${type}.asApproximateFloat(): double`, ({ nano }: Quantity) => Number(nano) / 1e9),
  overload(`${type}.isGreaterThan(${type}): bool`, (a: Quantity, b: Quantity) => a.nano > b.nano),
  overload(`${type}.isLessThan(${type}): bool`, (a: Quantity, b: Quantity) => a.nano < b.nano),
  overload(`${type}.compareTo(${type}): int`, compareTo),
  overload(`${type}.add(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.nano + b.nano)),
  overload(`${type}.add(int): ${type}`, (a: Quantity, b: bigint) => new Quantity(a.nano + b * unit)),
  overload(`${type}.sub(${type}): ${type}`, (a: Quantity, b: Quantity) => new Quantity(a.nano - b.nano)),
  overload(`${type}.sub(int): ${type}`, (a: Quantity, b: bigint) => new Quantity(a.nano - b * unit)),
];
