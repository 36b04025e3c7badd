/**
 * `fieldPath` of a rule: the field that is told as wrong, as a path from where the rule stands. Source: ValidFieldPath in
 * k8s.io/apiextensions-apiserver v0.36 pkg/apiserver/schema/cel/validation.go.
 */
import type { Schema } from "../schema/types.ts";
import { valueSchema } from "../schema/types.ts";

const step = /\.([^.[\]']*)|\['((?:[^'\\]|\\.)*)'\]/y;
const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "'": "'",
  "\\": "\\",
};

/** The path as it stands in errors, e.g. `spec.labels[a/b]`; undefined when the schema has no such field. */
export function normalizedFieldPath(path: string, start: Schema): string | undefined {
  let schema: Schema | undefined = start;
  let normalized = "";
  step.lastIndex = 0;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (match === null) return undefined;
    const name = match[1] ?? unescapeQuoted(match[2] ?? "");
    if (name === undefined || name === "") return undefined;
    if (schema.properties !== undefined) {
      schema = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      normalized += normalized === "" ? name : `.${name}`;
    } else {
      schema = valueSchema(schema);
      normalized += `[${name}]`;
    }
    if (schema === undefined) return undefined;
  }
  return normalized;
}

function unescapeQuoted(text: string): string | undefined {
  let isValid = true;
  const plain = text.replace(/\\(.)/gs, (_all, directive: string) => {
    const character = escapes[directive];
    isValid &&= character !== undefined;
    return character ?? "";
  });
  return isValid ? plain : undefined;
}
