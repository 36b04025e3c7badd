/** Named formats and JSON pointers. Source: k8s.io/apiserver v0.36 pkg/cel/library/format.go, jsonpatch.go. */
import { formats } from "../../schema/formats.ts";
import { checkDns1123Label, checkDns1123Subdomain, checkLabelValue, checkQualifiedName } from "../../schema/names.ts";
import { ArrayList, Opaque, OptionalValue } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";
import { parseRequestUri, UrlError } from "./url.ts";

const type = "kubernetes.NamedFormat";

class Format extends Opaque {
  readonly typeName = type;
  readonly name: string;
  readonly check: (text: string) => string[];
  readonly #patternSize: number;

  constructor(name: string, patternSize: number, check: (text: string) => string[]) {
    super();
    this.name = name;
    this.check = check;
    this.#patternSize = patternSize;
  }

  override get patternSize(): number {
    return this.#patternSize;
  }

  override equals(other: Opaque): boolean {
    return other instanceof Format && other.name === this.name;
  }
}

const dns1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const dns1035Text =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

function checkDns1035(text: string): string[] {
  const problems = text.length > 63 ? ["must be no more than 63 characters"] : [];
  return dns1035.test(text) ? problems : [...problems, dns1035Text];
}

function plain(name: string, problem: string): (text: string) => string[] {
  return (text) => (formats[name]?.(text) ? [] : [problem]);
}

/** A name that something will be appended to may end in a dash; Kubernetes replaces the last two characters. */
function prefixOf(check: (text: string) => string[]): (text: string) => string[] {
  return (text) => check(text.length > 1 && text.endsWith("-") ? `${text.slice(0, -2)}a` : text);
}

function checkUri(text: string): string[] {
  try {
    parseRequestUri(text);
    return [];
  } catch (error) {
    if (error instanceof UrlError) return [error.message];
    throw error;
  }
}

const namedFormats: readonly Format[] = [
  new Format("dns1123Label", 30, checkDns1123Label),
  new Format("dns1123Subdomain", 60, checkDns1123Subdomain),
  new Format("dns1035Label", 30, checkDns1035),
  new Format("qualifiedName", 60, checkQualifiedName),
  new Format("dns1123LabelPrefix", 30, prefixOf(checkDns1123Label)),
  new Format("dns1123SubdomainPrefix", 60, prefixOf(checkDns1123Subdomain)),
  new Format("dns1035LabelPrefix", 30, prefixOf(checkDns1035)),
  new Format("labelValue", 40, checkLabelValue),
  new Format("uri", 1103, checkUri),
  new Format("uuid", 70, plain("uuid", "does not match the UUID format")),
  new Format("byte", 84, (text: string) => (text === "" || !formats["byte"]?.(text) ? ["invalid base64"] : [])),
  new Format("date", 71, plain("date", "invalid date")),
  new Format("datetime", 71, plain("datetime", "invalid datetime")),
];

function namedFormat(name: string): OptionalValue {
  const found = namedFormats.find((format) => format.name === name);
  return found === undefined ? OptionalValue.none : new OptionalValue(found);
}

function validate({ check }: Format, text: string): OptionalValue {
  const problems = check(text);
  return problems.length === 0 ? OptionalValue.none : new OptionalValue(new ArrayList(problems));
}

export const formatFunctions: readonly Overload[] = [
  overload(`#format.named(string): optional<${type}>`, namedFormat),
  ...namedFormats.map((format) => overload(`#format.${format.name}(): ${type}`, () => format)),
  overload(`${type}.validate(string): optional<list<string>>`, validate),
  overload("#jsonpatch.escapeKey(string): string", (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1")),
];
