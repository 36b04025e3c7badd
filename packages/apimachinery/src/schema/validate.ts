/**
 * Validation by ajv, told in Kubernetes' words.
 * Source of the texts: k8s.io/kube-openapi/pkg/validation/errors/schema.go and the translation in
 * k8s.io/apiextensions-apiserver/pkg/apiserver/validation/validation.go.
 */
import type { FieldError } from "@krate/kinds";
import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv } from "ajv";
import { equalJson, isObject } from "../json.ts";
import { child, invalidValue, notSupported, required, tooLong, tooMany, typeInvalid } from "./field-errors.ts";
import { formats } from "./formats.ts";
import { matchInTurns, PatternWork, patternEngine, withPatternWork } from "./pattern-work.ts";
import { toJsonSchema } from "./to-json-schema.ts";
import type { Schema } from "./types.ts";

/** More errors than anybody reads; a list of a million wrong items must not become an answer of 100 MB. */
const maxErrors = 100;

export interface Validator {
  /** The errors, without a pause. */
  validate(value: unknown, old?: unknown): FieldError[];
  /** The same, with pauses in which others are served: matching patterns may take long. The values must not change meanwhile. */
  validateInTurns(value: unknown, old?: unknown): Promise<FieldError[]>;
}

/**
 * Compiles a schema to a validator. With an old value, errors about fields that did not change are dropped ("ratcheting"), so that a schema that
 * became stricter does not make old objects uneditable.
 *
 * Compiling costs 15 to 20 ms per 300 lines of schema and happens at the first call.
 */
export function compileValidator(schema: Schema): Validator {
  let compiled: ValidateFunction | undefined;
  const validate = (value: unknown, old: unknown, work: PatternWork): FieldError[] => {
    compiled ??= newAjv().compile(toJsonSchema(schema));
    const accepts = compiled;
    if (withPatternWork(work, () => accepts(value)) && work.unmatched.size === 0) return [];
    return toFieldErrors(dropBranches(accepts.errors ?? []), value, old, work.unmatched);
  };
  return {
    validate: (value, old) => validate(value, old, new PatternWork()),
    validateInTurns: async (value, old) => {
      const work = new PatternWork();
      await matchInTurns(work, schema, value);
      return validate(value, old, work);
    },
  };
}

function toFieldErrors(
  errors: readonly ErrorObject[],
  value: unknown,
  old: unknown,
  unmatched: PatternWork["unmatched"],
): FieldError[] {
  const changed = old === undefined ? errors : errors.filter((error) => !isUnchanged(error, value, old));
  const found = firstOfText(changed)
    .slice(0, maxErrors)
    .map((error) => (isAmong(unmatched, error) ? untested(error, value) : translate(error, value)));
  // inside anyOf, oneOf or not nothing is said about a pattern, and what they give is not to be relied on
  if (unmatched.size === 0 || errors.some((error) => isAmong(unmatched, error))) return found;
  const [[pattern = "", texts] = []] = unmatched;
  const [text = ""] = texts ?? [];
  return [untested({ instancePath: "", data: text, params: { pattern } }, value), ...found];
}

function isAmong(unmatched: PatternWork["unmatched"], { keyword, data, params }: ErrorObject): boolean {
  return keyword === "pattern" && unmatched.get(String(params["pattern"]))?.has(String(data)) === true;
}

function untested(
  { instancePath, data, params }: Pick<ErrorObject, "instancePath" | "data" | "params">,
  root: unknown,
): FieldError {
  const detail = `texts that are matched with patterns are too long: this has ${String(data).length} characters, for '${String(params["pattern"])}'`;
  return invalidValue(fieldPath(instancePath, root), data, detail);
}

function newAjv(): Ajv {
  return new Ajv({
    allErrors: true,
    verbose: true,
    strict: false,
    ownProperties: true, // else `required: ["constructor"]` holds for {}
    formats: { ...formats },
    code: { regExp: patternEngine },
    logger: false,
  });
}

/** Errors inside the branches of anyOf, oneOf and not say why a branch did not fit; the error about the whole says enough. */
function dropBranches(errors: ErrorObject[]): ErrorObject[] {
  const branching = errors.filter(({ keyword }) => keyword === "anyOf" || keyword === "oneOf" || keyword === "not");
  if (branching.length === 0) return errors;
  return errors.filter(
    (error) => !branching.some((other) => error !== other && error.schemaPath.startsWith(`${other.schemaPath}/`)),
  );
}

const textKeywords = ["maxLength", "minLength", "pattern"];

/** Of what is wrong with one text only the first is told, in this order. */
function firstOfText(errors: readonly ErrorObject[]): ErrorObject[] {
  const first = new Map<string, number>();
  for (const { keyword, instancePath } of errors) {
    const rank = textKeywords.indexOf(keyword);
    if (rank !== -1) first.set(instancePath, Math.min(rank, first.get(instancePath) ?? rank));
  }
  return errors.filter(({ keyword, instancePath }) => {
    const rank = textKeywords.indexOf(keyword);
    return rank === -1 || rank === first.get(instancePath);
  });
}

function isUnchanged(error: ErrorObject, value: unknown, old: unknown): boolean {
  const tokens = tokensOf(error.instancePath);
  const before = at(old, tokens);
  return before !== undefined && equalJson(before, at(value, tokens));
}

function tokensOf(pointer: string): string[] {
  if (pointer === "") return [];
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function at(value: unknown, tokens: readonly string[]): unknown {
  let here = value;
  for (const token of tokens) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, token)) return undefined;
    here = (here as Record<string, unknown>)[token];
  }
  return here;
}

/** `/spec/list/0/a.b` as Kubernetes writes it: `spec.list[0].a.b`. */
function fieldPath(pointer: string, root: unknown): string {
  let path = "";
  let here: unknown = root;
  for (const token of tokensOf(pointer)) {
    path = Array.isArray(here) ? `${path}[${token}]` : child(path, token);
    here = at(here, [token]);
  }
  return path;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function translate(error: ErrorObject, root: unknown): FieldError {
  const path = fieldPath(error.instancePath, root);
  const value = error.data;
  const params = error.params as Record<string, unknown>;
  const body = path === "" ? "<root> in body" : `${path} in body`;
  const limit = Number(params.limit);
  switch (error.keyword) {
    case "required":
      return required(child(path, String(params.missingProperty)));
    case "type":
    case "nullable": {
      const types = (Array.isArray(params.type) ? params.type : [params.type])
        .filter((type) => type !== "null")
        .join(",");
      return typeInvalid(path, typeName(value), `${body} must be of type ${types}: ${JSON.stringify(typeName(value))}`);
    }
    case "enum":
      return notSupported(
        path,
        value,
        (params.allowedValues as unknown[]).filter((each) => each !== null),
      );
    case "format":
      return typeInvalid(path, value, `${body} must be of type ${String(params.format)}: ${JSON.stringify(value)}`);
    case "pattern":
      return invalidValue(path, value, `${body} should match '${String(params.pattern)}'`);
    case "maxLength":
      return tooLong(path, limit);
    case "minLength":
      return invalidValue(path, value, `${body} should be at least ${limit} chars long`);
    case "maxItems":
      return tooMany(path, Array.isArray(value) ? value.length : 0, limit);
    case "minItems":
      return invalidValue(path, Array.isArray(value) ? value.length : 0, `${body} should have at least ${limit} items`);
    case "maxProperties":
      return tooMany(path, isObject(value) ? Object.keys(value).length : 0, limit);
    case "minProperties":
      return invalidValue(
        path,
        isObject(value) ? Object.keys(value).length : 0,
        `${body} should have at least ${limit} properties`,
      );
    case "minimum":
      return invalidValue(path, value, `${body} should be greater than or equal to ${limit}`);
    case "exclusiveMinimum":
      return invalidValue(path, value, `${body} should be greater than ${limit}`);
    case "maximum":
      return invalidValue(path, value, `${body} should be less than or equal to ${limit}`);
    case "exclusiveMaximum":
      return invalidValue(path, value, `${body} should be less than ${limit}`);
    case "multipleOf":
      return invalidValue(path, value, `${body} should be a multiple of ${String(params.multipleOf)}`);
    case "uniqueItems":
      return invalidValue(path, "", `${body} shouldn't contain duplicates`);
    case "anyOf":
      return invalidValue(path, "", `"${path}" must validate at least one schema (anyOf)`);
    case "oneOf": {
      const found = params.passingSchemas === null ? "Found none valid" : "Found 2 valid alternatives";
      return invalidValue(path, "", `"${path}" must validate one and only one schema (oneOf). ${found}`);
    }
    case "not":
      return invalidValue(path, "", `"${path}" must not validate the schema (not)`);
    default:
      return invalidValue(path, value, `${body} ${error.message ?? "is not valid"}`);
  }
}
