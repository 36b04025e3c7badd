/** Semantic versions. Source: k8s.io/apiserver v0.36 pkg/cel/library/semverlib.go and github.com/blang/semver v4. */
import { quoteGo } from "../go-text.ts";
import { CelError } from "../issues.ts";
import { Opaque } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

const type = "kubernetes.Semver";

class Semver extends Opaque {
  readonly typeName = type;
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];

  constructor(numbers: readonly bigint[], pre: readonly string[]) {
    super();
    this.numbers = numbers;
    this.pre = pre;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Semver && compare(this, other) === 0n;
  }
}

const isNumber = (text: string) => /^\d*$/.test(text);
const isWord = (text: string) => /^[0-9A-Za-z-]*$/.test(text);
const hasLeadingZero = (text: string) => text.length > 1 && text.startsWith("0");

function parseNumber(text: string): bigint {
  const refuse = (problem: string) => new CelError(`strconv.ParseUint: parsing ${quoteGo(text)}: ${problem}`);
  if (text === "") throw refuse("invalid syntax");
  if (text.length > 20 || BigInt(text) >= 2n ** 64n) throw refuse("value out of range");
  return BigInt(text);
}

function parsePart(name: string, text: string): bigint {
  if (!isNumber(text)) throw new CelError(`Invalid character(s) found in ${name} number ${quoteGo(text)}`);
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  if (hasLeadingZero(text)) throw new CelError(`${title} number must not contain leading zeroes ${quoteGo(text)}`);
  return parseNumber(text);
}

function checkPre(text: string): void {
  if (text === "") throw new CelError("Prerelease is empty");
  if (isNumber(text)) {
    if (hasLeadingZero(text))
      throw new CelError(`Numeric PreRelease version must not contain leading zeroes ${quoteGo(text)}`);
    parseNumber(text);
  } else if (!isWord(text)) throw new CelError(`Invalid character(s) found in prerelease ${quoteGo(text)}`);
}

function checkBuild(text: string): void {
  if (text === "") throw new CelError("Build meta data is empty");
  if (!isWord(text)) throw new CelError(`Invalid character(s) found in build meta data ${quoteGo(text)}`);
}

/** At most `count` parts; the last one keeps the separators after it. */
function splitParts(text: string, count: number): string[] {
  const parts = text.split(".");
  return parts.length <= count ? parts : [...parts.slice(0, count - 1), parts.slice(count - 1).join(".")];
}

function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** @throws CelError */
function parse(text: string): Semver {
  if (text === "") throw new CelError("Version string empty");
  const parts = splitParts(text, 3);
  const [major, minor, rest] = parts;
  if (major === undefined || minor === undefined || rest === undefined)
    throw new CelError("No Major.Minor.Patch elements found");
  const numbers = [parsePart("major", major), parsePart("minor", minor)];
  const [beforeBuild, build] = cut(rest, "+");
  const [patch, pre] = cut(beforeBuild, "-");
  numbers.push(parsePart("patch", patch));
  const pres = pre === undefined ? [] : pre.split(".");
  for (const each of pres) checkPre(each);
  for (const each of build?.split(".") ?? []) checkBuild(each);
  return new Semver(numbers, pres);
}

/** A leading v goes, missing parts are zero, leading zeros go. @throws CelError */
function normalized(text: string): string {
  const parts = splitParts(text.replace(/^v/, ""), 3).map((part) => {
    if (part.length <= 1) return part;
    const trimmed = part.replace(/^0+/, "");
    return /^\d/.test(trimmed) ? trimmed : `0${trimmed}`;
  });
  if (parts.length < 3 && /[-+]/.test(parts.at(-1) ?? ""))
    throw new CelError("short version cannot contain PreRelease/Build meta data");
  while (parts.length < 3) parts.push("0");
  return parts.join(".");
}

function semver(text: string, normalize = false): Semver {
  return parse(normalize ? normalized(text) : text);
}

function isSemver(text: string, normalize = false): boolean {
  try {
    semver(text, normalize);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function compare(a: Semver, b: Semver): bigint {
  for (let index = 0; index < 3; index++) {
    const [left = 0n, right = 0n] = [a.numbers[index], b.numbers[index]];
    if (left !== right) return left < right ? -1n : 1n;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return BigInt(Math.sign(b.pre.length - a.pre.length));
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const order = comparePre(a.pre[index], b.pre[index]);
    if (order !== 0n) return order;
  }
  return 0n;
}

function comparePre(a: string | undefined, b: string | undefined): bigint {
  if (a === undefined || b === undefined) return a === b ? 0n : a === undefined ? -1n : 1n;
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1n : 1n;
  const [left, right] = isNumber(a) ? [BigInt(a), BigInt(b)] : [a, b];
  return left === right ? 0n : left < right ? -1n : 1n;
}

/** Go's conversion of a uint64 to an int64 wraps. */
const part =
  (index: number) =>
  ({ numbers }: Semver) =>
    BigInt.asIntN(64, numbers[index] ?? 0n);

export const semverFunctions: readonly Overload[] = [
  overload(`semver(string): ${type}`, (text: string) => semver(text)),
  overload(`semver(string, bool): ${type}`, semver),
  overload("isSemver(string): bool", (text: string) => isSemver(text)),
  overload("isSemver(string, bool): bool", isSemver),
  overload(`${type}.major(): int`, part(0)),
  overload(`${type}.minor(): int`, part(1)),
  overload(`${type}.patch(): int`, part(2)),
  overload(`${type}.compareTo(${type}): int`, compare),
  overload(`${type}.isGreaterThan(${type}): bool`, (a: Semver, b: Semver) => compare(a, b) > 0n),
  overload(`${type}.isLessThan(${type}): bool`, (a: Semver, b: Semver) => compare(a, b) < 0n),
];
