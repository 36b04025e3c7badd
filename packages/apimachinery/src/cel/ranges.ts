/**
 * Ranges of sizes and costs that an expression may have, counted as cel-go does: in 64 bits without sign, sums and products end at the largest number.
 * Source: cel-go v0.26 checker/cost.go.
 */

export interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

export const largest = 2n ** 64n - 1n;
export const unknownSize: Range = { min: 0n, max: largest };
export const zero: Range = { min: 0n, max: 0n };

export function fixed(value: number | bigint): Range {
  const size = BigInt(value);
  return { min: size, max: size };
}

export function sumOf(a: bigint, b: bigint): bigint {
  return a + b > largest ? largest : a + b;
}

export function productOf(a: bigint, b: bigint): bigint {
  return a * b > largest ? largest : a * b;
}

/** Rounded up. */
function timesFactor(value: bigint, factor: number): bigint {
  const product = Math.ceil(Number(value) * factor);
  return product >= 2 ** 64 ? largest : BigInt(product);
}

/** As Go's arithmetic without a check: it wraps around. */
export function wrapped(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

export function plus(a: Range, b: Range): Range {
  return { min: sumOf(a.min, b.min), max: sumOf(a.max, b.max) };
}

export function times(a: Range, b: Range): Range {
  return { min: productOf(a.min, b.min), max: productOf(a.max, b.max) };
}

export function scaled({ min, max }: Range, factor: number): Range {
  return { min: timesFactor(min, factor), max: timesFactor(max, factor) };
}

/** `Math.min` knows no bigints. */
export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** The range that holds both. */
export function union(a: Range, b: Range): Range {
  return { min: smaller(a.min, b.min), max: smaller(a.max, b.max) === a.max ? b.max : a.max };
}

export function total(ranges: readonly Range[]): Range {
  return ranges.reduce(plus, zero);
}
