/**
 * Field selectors: `field=value`, `==`, `!=`, joined by commas; in a value `\`, `,` and `=` are escaped by a backslash.
 * Source: k8s.io/apimachinery/pkg/fields/selector.go.
 */
import { badRequest } from "@krate/kinds";
import { dig } from "../json.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "Equals" | "NotEquals";
  readonly value: string;
}

/** All requirements must hold; an empty list holds for every object. */
export type FieldSelector = readonly FieldRequirement[];

export interface ParseFieldSelectorOptions {
  /** Fields that may be named; `metadata.name` and `metadata.namespace` always may. @defaultValue any field */
  supported?: readonly string[];
}

const operators = ["!=", "==", "="] as const;

/**
 * Parses the text of a `fieldSelector` query parameter.
 *
 * @throws badRequest for a malformed term or a field that is not supported
 */
export function parseFieldSelector(text: string, options: ParseFieldSelectorOptions = {}): FieldSelector {
  return splitTerms(text)
    .filter((term) => term !== "")
    .map((term) => {
      const parsed = parseTerm(term);
      if (parsed === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      refuseUnsupported(parsed.field, options.supported);
      return parsed;
    });
}

function refuseUnsupported(field: string, supported: readonly string[] | undefined): void {
  if (supported === undefined || field === "metadata.name" || field === "metadata.namespace") return;
  if (!supported.includes(field)) throw badRequest(`field label not supported: ${field}`);
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function parseTerm(term: string): FieldRequirement | undefined {
  for (let at = 0; at < term.length; at++) {
    const operator = operators.find((candidate) => term.startsWith(candidate, at));
    if (operator === undefined) continue;
    return {
      field: term.slice(0, at),
      operator: operator === "!=" ? "NotEquals" : "Equals",
      value: unescapeValue(term.slice(at + operator.length)),
    };
  }
  return undefined;
}

function unescapeValue(value: string): string {
  let result = "";
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === "\\") {
      const escaped = value.charAt(++at);
      if (!["\\", ",", "="].includes(escaped))
        throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
      result += escaped;
    } else if (char === "=" || char === ",") {
      throw badRequest(`invalid field selector: unescaped character in value: ${char}`);
    } else result += char;
  }
  return result;
}

function escapeValue(value: string): string {
  return value.replace(/[\\,=]/g, "\\$&");
}

/** The canonical text: parsing it gives the same selector again. */
export function formatFieldSelector(selector: FieldSelector): string {
  return selector
    .map(({ field, operator, value }) => `${field}${operator === "Equals" ? "=" : "!="}${escapeValue(value)}`)
    .join(",");
}

/** True when the object is selected; a missing field counts as the empty string, as in kube-apiserver. */
export function matchesFields(selector: FieldSelector, object: unknown): boolean {
  return selector.every(
    ({ field, operator, value }) => (fieldValue(object, field) === value) === (operator === "Equals"),
  );
}

/** The text of a field for selectors: `spec.repository` of the object; booleans and numbers as written in JSON. */
export function fieldValue(object: unknown, field: string): string {
  const value = dig(object, ...field.replace(/^\./, "").split("."));
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return "";
}

/** The value a selector requires a field to have, if it requires one: `metadata.name=x` turns a list into a get. */
export function requiredValue(selector: FieldSelector, field: string): string | undefined {
  return selector.find((each) => each.field === field && each.operator === "Equals")?.value;
}
