/**
 * `x-kubernetes-validations`: CEL rules in a schema. A rule sees the value it stands at as `self`, and the stored one as `oldSelf` where the two can
 * be matched: members by name, items of list maps by their keys. A rule that uses `oldSelf` holds where there is none, unless it asks to run
 * (`optionalOldSelf`).
 *
 * Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go and
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
 */

import type { FieldError } from "@krate/kinds";
import type { JsonObject, JsonValue } from "../json.ts";
import { canonicalJson, equalJson, isObject, own } from "../json.ts";
import { child, duplicate, forbiddenField, invalidValue, required } from "../schema/field-errors.ts";
import type { Schema, ValidationRuleSchema } from "../schema/types.ts";
import { memberSchema, valueSchema } from "../schema/types.ts";
import { Budget } from "./budget.ts";
import type { Bindings, CelProgram } from "./evaluate.ts";
import { compile, run } from "./evaluate.ts";
import { CelBudgetError, CelError } from "./issues.ts";
import { fromJson } from "./json-values.ts";
import { optionalOf, schemaType, types } from "./types.ts";
import type { Value } from "./values.ts";
import { OptionalValue } from "./values.ts";

/** kube-apiserver's RuntimeCELCostBudget: what all rules of one object may cost together. */
const objectCostLimit = 10_000_000;
/** Processor time of all rules of one object: they run without a pause, and nothing else is served meanwhile. */
const objectTimeoutMilliseconds = 50;

interface Rule {
  source: ValidationRuleSchema;
  program: CelProgram | undefined;
  problem: string | undefined;
  message: CelProgram | undefined;
  messageProblem: string | undefined;
}

const compiledRules = new WeakMap<Schema, readonly Rule[]>();
const holdingRules = new WeakMap<Schema, boolean>();

function rulesOf(schema: Schema): readonly Rule[] {
  const known = compiledRules.get(schema);
  if (known !== undefined) return known;
  const rules = (schema["x-kubernetes-validations"] ?? []).map((source) => compileRule(source, schema));
  compiledRules.set(schema, rules);
  return rules;
}

function compileRule(source: ValidationRuleSchema, schema: Schema): Rule {
  const self = schemaType(schema);
  const variables = { self, oldSelf: source.optionalOldSelf ? optionalOf(self) : self };
  const compiled = compile(source.rule, { variables, expectedType: types.bool });
  const message =
    source.messageExpression === undefined
      ? undefined
      : compile(source.messageExpression, { variables, expectedType: types.string });
  return {
    source,
    program: compiled.program,
    problem: compiled.program === undefined ? compiled.message : undefined,
    message: message?.program,
    messageProblem: message !== undefined && message.program === undefined ? message.message : undefined,
  };
}

/**
 * What is wrong with the rules of a schema, for whoever accepts one (a CustomResourceDefinition). `path` is where the schema stands, e.g.
 * `spec.versions[0].schema.openAPIV3Schema`.
 */
export function checkRules(schema: Schema, path: string): FieldError[] {
  const here = rulesOf(schema).flatMap(({ source, problem, messageProblem }, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`;
    return [
      ...(problem === undefined ? [] : [invalidValue(`${at}.rule`, source.rule, `compilation failed: ${problem}`)]),
      ...(messageProblem === undefined
        ? []
        : [
            invalidValue(
              `${at}.messageExpression`,
              source.messageExpression,
              `messageExpression compilation failed: ${messageProblem}`,
            ),
          ]),
    ];
  });
  const members = Object.entries(schema.properties ?? {}).flatMap(([key, each]) =>
    checkRules(each, `${path}.properties[${key}]`),
  );
  const values = valueSchema(schema);
  return [
    ...here,
    ...members,
    ...(schema.items === undefined ? [] : checkRules(schema.items, `${path}.items`)),
    ...(values === undefined ? [] : checkRules(values, `${path}.additionalProperties`)),
  ];
}

/**
 * Runs all rules of an object that its schema otherwise accepts. With `old`, rules about values that did not change are not held against the
 * object, unless they compare with `oldSelf`: `tolerated` gets to know them.
 */
export function validateRules(
  value: JsonObject,
  old: JsonObject | undefined,
  schema: Schema,
  tolerated: FieldError[] = [],
): FieldError[] {
  const walker = new RuleWalker(tolerated);
  try {
    walker.visit(value, old, schema, "");
  } catch (error) {
    if (!(error instanceof CelBudgetError)) throw error;
    walker.errors.push(
      invalidValue(
        "",
        "object",
        "validation failed due to running out of cost budget, no further validation rules will be run",
      ),
    );
  }
  return walker.errors;
}

class RuleWalker {
  readonly errors: FieldError[] = [];
  readonly #tolerated: FieldError[];
  readonly #budget = new Budget(objectCostLimit, objectTimeoutMilliseconds);

  constructor(tolerated: FieldError[]) {
    this.#tolerated = tolerated;
  }

  visit(value: JsonValue | undefined, old: JsonValue | undefined, schema: Schema | undefined, path: string): void {
    if (schema === undefined || value === undefined || value === null || !holdsRules(schema)) return;
    for (const rule of rulesOf(schema)) this.#apply(rule, value, old, schema, path);
    if (Array.isArray(value)) this.#visitItems(value, Array.isArray(old) ? old : [], schema, path);
    else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        this.visit(value[key], isObject(old) ? own(old, key) : undefined, memberSchema(schema, key), child(path, key));
      }
    }
  }

  #visitItems(list: JsonValue[], old: JsonValue[], schema: Schema, path: string): void {
    const keys = schema["x-kubernetes-list-type"] === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : [];
    const before = new Map(keys.length === 0 ? [] : old.map((item) => [keyOf(item, keys), item]));
    for (const [index, item] of list.entries())
      this.visit(item, before.get(keyOf(item, keys)), schema.items, `${path}[${index}]`);
  }

  #apply(rule: Rule, value: JsonValue, old: JsonValue | undefined, schema: Schema, path: string): void {
    const { source, program, problem } = rule;
    if (program === undefined) {
      this.errors.push(invalidValue(path, value, `rule compile error: ${problem}`));
      return;
    }
    const transitions = program.variables.has("oldSelf");
    if (transitions && old === undefined && !source.optionalOldSelf) return;
    const bindings = bindingsOf(value, old, schema, source.optionalOldSelf === true);
    const outcome = this.#run(program, bindings, source);
    if (outcome === true) return;
    const isTolerated = !transitions && old !== undefined && equalJson(value, old);
    const findings = isTolerated ? this.#tolerated : this.errors;
    if (typeof outcome === "string") findings.push(invalidValue(path, schema.type ?? "", outcome));
    else findings.push(errorOf(rule, this.#message(rule, bindings), value, path));
  }

  /** @returns what the rule says, or what went wrong with it */
  #run(program: CelProgram, bindings: Bindings, source: ValidationRuleSchema): Value | string {
    try {
      return run(program, bindings, { budget: this.#budget }).value === true;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      const text = source.message ?? source.rule.trim();
      return error.message.startsWith("no such overload")
        ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
        : `${error.message} evaluating rule: ${text}`;
    }
  }

  #message({ source, message }: Rule, bindings: Bindings): string {
    const fallback = source.message ?? `failed rule: ${source.rule.trim()}`;
    if (message === undefined) return fallback;
    try {
      const { value } = run(message, bindings, { budget: this.#budget });
      const isUsable = typeof value === "string" && value.trim() !== "" && !/[\r\n]/.test(value);
      return isUsable ? value.trim() : fallback;
    } catch (error) {
      if (error instanceof CelError) return fallback; // a message that cannot be made must not hide that the rule failed
      throw error;
    }
  }
}

function bindingsOf(value: JsonValue, old: JsonValue | undefined, schema: Schema, isOptional: boolean): Bindings {
  const self = fromJson(value, schema);
  const oldValue = old === undefined || old === null ? undefined : fromJson(old, schema);
  if (!isOptional) return { self, oldSelf: oldValue };
  return { self, oldSelf: oldValue === undefined ? OptionalValue.none : new OptionalValue(oldValue) };
}

function errorOf({ source }: Rule, message: string, value: JsonValue, path: string): FieldError {
  const field =
    source.fieldPath === undefined
      ? path
      : `${path}${source.fieldPath.startsWith(".") && path === "" ? source.fieldPath.slice(1) : source.fieldPath}`;
  switch (source.reason ?? "") {
    case "FieldValueForbidden":
      return forbiddenField(field, message);
    case "FieldValueRequired":
      return required(field, message);
    case "FieldValueDuplicate":
      return duplicate(field, value);
    default:
      // An object or list as a whole says nothing: the message must do
      if (typeof value === "object")
        return { reason: "FieldValueInvalid", field, message: `Invalid value: ${message}` };
      return invalidValue(field, value, message);
  }
}

function keyOf(item: JsonValue, keys: readonly string[]): string {
  if (!isObject(item) || keys.length === 0) return "";
  return canonicalJson(keys.map((key) => own(item, key) ?? null));
}

function holdsRules(schema: Schema): boolean {
  const known = holdingRules.get(schema);
  if (known !== undefined) return known;
  holdingRules.set(schema, true); // a cyclic schema asks for itself: walking too much is safe
  const children = [...Object.values(schema.properties ?? {}), schema.items, valueSchema(schema)];
  const found =
    (schema["x-kubernetes-validations"]?.length ?? 0) > 0 ||
    children.some((each) => each !== undefined && holdsRules(each));
  holdingRules.set(schema, found);
  return found;
}
