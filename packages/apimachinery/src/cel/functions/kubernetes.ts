/** Named formats, semantic versions and JSON pointers. Source: https://pkg.go.dev/k8s.io/apiserver/pkg/cel/library#Format, #SemverLib */
import { formats } from "../../schema/formats.ts";
import { checkDns1123Label, checkDns1123Subdomain, checkLabelValue, checkQualifiedName } from "../../schema/names.ts";
import { CelError } from "../issues.ts";
import { ArrayList, Opaque, OptionalValue } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

const formatType = "kubernetes.NamedFormat";

class Format extends Opaque {
  readonly typeName = formatType;
  readonly name: string;
  readonly check: (text: string) => string[];

  constructor(name: string, check: (text: string) => string[]) {
    super();
    this.name = name;
    this.check = check;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Format && other.name === this.name;
  }
}

const dns1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

function checkDns1035(text: string): string[] {
  const problems = text.length > 63 ? ["must be no more than 63 characters"] : [];
  return dns1035.test(text)
    ? problems
    : [
        ...problems,
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      ];
}

function plain(name: string): (text: string) => string[] {
  return (text) => (formats[name]?.(text) ? [] : [`invalid ${name}`]);
}

/** A name that something will be appended to may end in a dash. */
function prefixOf(check: (text: string) => string[]): (text: string) => string[] {
  return (text) => check(text.replace(/-$/, "a"));
}

const namedFormats: readonly Format[] = [
  new Format("dns1123Label", checkDns1123Label),
  new Format("dns1123Subdomain", checkDns1123Subdomain),
  new Format("dns1035Label", checkDns1035),
  new Format("qualifiedName", checkQualifiedName),
  new Format("dns1123LabelPrefix", prefixOf(checkDns1123Label)),
  new Format("dns1123SubdomainPrefix", prefixOf(checkDns1123Subdomain)),
  new Format("dns1035LabelPrefix", prefixOf(checkDns1035)),
  new Format("labelValue", checkLabelValue),
  ...["uri", "uuid", "byte", "date", "datetime"].map((name) => new Format(name, plain(name))),
];

function namedFormat(name: string): OptionalValue {
  const found = namedFormats.find((format) => format.name === name);
  return found === undefined ? OptionalValue.none : new OptionalValue(found);
}

function validate({ check }: Format, text: string): OptionalValue {
  const problems = check(text);
  return problems.length === 0 ? OptionalValue.none : new OptionalValue(new ArrayList(problems));
}

const semverType = "kubernetes.Semver";
const semverPattern = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/;

class Semver extends Opaque {
  readonly typeName = semverType;
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];

  constructor(numbers: readonly bigint[], pre: readonly string[]) {
    super();
    this.numbers = numbers;
    this.pre = pre;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Semver && compareSemver(this, other) === 0n;
  }
}

function parseSemver(text: string, normalize = false): Semver | undefined {
  const match = semverPattern.exec(normalize ? normalized(text) : text);
  if (match === null) return undefined;
  const pre = match[4] === undefined ? [] : match[4].split(".");
  if (pre.some((part) => part === "" || /^0\d+$/.test(part))) return undefined;
  return new Semver(
    [match[1], match[2], match[3]].map((part) => BigInt(part ?? 0)),
    pre,
  );
}

/** A leading v goes, missing parts are zero, leading zeros go. */
function normalized(text: string): string {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+].*)?$/.exec(text);
  return match === null
    ? text
    : `${[match[1], match[2], match[3]].map((part) => BigInt(part ?? 0)).join(".")}${match[4] ?? ""}`;
}

function semver(text: string, normalize?: boolean): Semver {
  const parsed = parseSemver(text, normalize);
  if (parsed === undefined) throw new CelError(`${JSON.stringify(text)} is not a semantic version`);
  return parsed;
}

function compareSemver(a: Semver, b: Semver): bigint {
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
  const [aNumber, bNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (aNumber !== bNumber) return aNumber ? -1n : 1n;
  const [left, right] = aNumber ? [BigInt(a), BigInt(b)] : [a, b];
  return left === right ? 0n : left < right ? -1n : 1n;
}

export const kubernetesFunctions: readonly Overload[] = [
  overload(`#format.named(string): optional<${formatType}>`, namedFormat),
  ...namedFormats.map((format) => overload(`#format.${format.name}(): ${formatType}`, () => format)),
  overload(`${formatType}.validate(string): optional<list<string>>`, validate),
  overload(`semver(string): ${semverType}`, semver),
  overload(`semver(string, bool): ${semverType}`, semver),
  overload("isSemver(string): bool", (text: string) => parseSemver(text) !== undefined),
  overload(
    "isSemver(string, bool): bool",
    (text: string, normalize: boolean) => parseSemver(text, normalize) !== undefined,
  ),
  overload(`${semverType}.major(): int`, ({ numbers }: Semver) => numbers[0] ?? 0n),
  overload(`${semverType}.minor(): int`, ({ numbers }: Semver) => numbers[1] ?? 0n),
  overload(`${semverType}.patch(): int`, ({ numbers }: Semver) => numbers[2] ?? 0n),
  overload(`${semverType}.compareTo(${semverType}): int`, compareSemver),
  overload(`${semverType}.isGreaterThan(${semverType}): bool`, (a: Semver, b: Semver) => compareSemver(a, b) > 0n),
  overload(`${semverType}.isLessThan(${semverType}): bool`, (a: Semver, b: Semver) => compareSemver(a, b) < 0n),
  overload("#jsonpatch.escapeKey(string): string", (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1")),
];
