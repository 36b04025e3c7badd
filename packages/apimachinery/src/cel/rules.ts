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
import { Budget, defaultCostLimit } from "./budget.ts";
import type { Bindings, CelProgram } from "./evaluate.ts";
import { compile, run } from "./evaluate.ts";
import { CelBudgetError, CelError } from "./issues.ts";
import { fromJson } from "./json-values.ts";
import { normalizedFieldPath } from "./rule-paths.ts";
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
  /** Where the field that is told stands, from the value of the schema. */
  fieldPath: string | undefined;
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
    fieldPath: source.fieldPath === undefined ? undefined : normalizedFieldPath(source.fieldPath, schema),
  };
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
  walker.visit(value, old, schema, "");
  return walker.errors;
}

/** What an expression gave, or the text of its error; `isLast` when nothing may run after it. */
type Outcome = { value: Value } | { error: string; isLast: boolean };

class RuleWalker {
  readonly errors: FieldError[] = [];
  readonly #tolerated: FieldError[];
  /** The clock of all rules of the object. */
  readonly #time = new Budget(Number.POSITIVE_INFINITY, objectTimeoutMilliseconds);
  #remaining = objectCostLimit;
  #isOver = false;

  constructor(tolerated: FieldError[]) {
    this.#tolerated = tolerated;
  }

  visit(value: JsonValue | undefined, old: JsonValue | undefined, schema: Schema | undefined, path: string): void {
    if (this.#isOver || schema === undefined || value === undefined || value === null || !holdsRules(schema)) return;
    for (const rule of rulesOf(schema)) {
      this.#apply(rule, value, old, schema, path);
      if (this.#isOver) return;
    }
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
      this.errors.push(invalidValue(path, schema.type ?? "", `rule compile error: ${problem}`));
      return;
    }
    const transitions = program.variables.has("oldSelf");
    if (transitions && old === undefined && !source.optionalOldSelf) return;
    const bindings = bindingsOf(value, old, schema, source.optionalOldSelf === true);
    const outcome = this.#run(program, bindings);
    if ("error" in outcome) {
      this.#isOver = outcome.isLast;
      this.errors.push(invalidValue(path, schema.type ?? "", ruleError(outcome, source)));
      return;
    }
    if (outcome.value === true) return;
    const isTolerated = !transitions && old !== undefined && equalJson(value, old);
    const findings = isTolerated ? this.#tolerated : this.errors;
    const message = this.#message(rule, bindings);
    if (typeof message === "string") findings.push(errorOf(rule, message, value, path));
    else {
      this.#isOver = true;
      findings.push(invalidValue(fieldOf(rule, path), schema.type ?? "", message.error));
    }
  }

  /** Runs an expression within what one may cost, and counts it among what all may. */
  #run(program: CelProgram, bindings: Bindings): Outcome {
    const budget = new Budget(defaultCostLimit, objectTimeoutMilliseconds, this.#time);
    let outcome: Outcome;
    try {
      outcome = { value: run(program, bindings, { budget }).value };
    } catch (error) {
      if (!(error instanceof CelError) && !(error instanceof CelBudgetError)) throw error;
      outcome = { error: error.message, isLast: error instanceof CelBudgetError };
    }
    this.#remaining -= budget.spent;
    return this.#remaining < 0 ? { error: outOfBudget, isLast: true } : outcome;
  }

  /** @returns the text, or why nothing may run any more */
  #message({ source, message }: Rule, bindings: Bindings): string | { error: string } {
    const fallback = source.message ? source.message.trim() : `failed rule: ${source.rule.trim()}`;
    if (message === undefined) return fallback;
    const outcome = this.#run(message, bindings);
    // a message that cannot be made must not hide that the rule failed
    if ("value" in outcome) return usableMessage(outcome.value) ?? fallback;
    if (!outcome.isLast) return fallback;
    if (outcome.error === outOfBudget) return { error: `messageExpression evaluation failed due to ${runningOut}` };
    const detail = "no further validation rules will be run due to call cost exceeds limit for messageExpression";
    return { error: `${detail}: ${JSON.stringify(source.messageExpression)}` };
  }
}

const runningOut = "running out of cost budget, no further validation rules will be run";
const outOfBudget = `validation failed due to ${runningOut}`;
/** Longer messages are none: the rule's own text stands in for them. */
const maxMessageBytes = 5 * 1024;

function usableMessage(value: Value): string | undefined {
  const text = typeof value === "string" ? value.trim() : "";
  return text === "" || text.includes("\n") || Buffer.byteLength(text) > maxMessageBytes ? undefined : text;
}

function ruleError(
  { error, isLast }: { error: string; isLast: boolean },
  { message, rule }: ValidationRuleSchema,
): string {
  if (error === outOfBudget) return error;
  const text = (message || rule).trim();
  if (isLast)
    return `'${error}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}`;
  return error.startsWith("no such overload")
    ? `'${error}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
    : `${error} evaluating rule: ${text}`;
}

function bindingsOf(value: JsonValue, old: JsonValue | undefined, schema: Schema, isOptional: boolean): Bindings {
  const self = fromJson(value, schema);
  const oldValue = old === undefined || old === null ? undefined : fromJson(old, schema);
  if (!isOptional) return { self, oldSelf: oldValue };
  return { self, oldSelf: oldValue === undefined ? OptionalValue.none : new OptionalValue(oldValue) };
}

function fieldOf({ fieldPath }: Rule, path: string): string {
  return fieldPath === undefined || fieldPath === "" ? path : child(path, fieldPath);
}

function errorOf(rule: Rule, message: string, value: JsonValue, path: string): FieldError {
  const field = fieldOf(rule, path);
  const { source } = rule;
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
