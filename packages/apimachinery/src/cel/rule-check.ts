/**
 * What is wrong with the rules of a schema, for whoever accepts one: rules that do not compile, and those that may cost too much, each alone and all of
 * them together. Source: k8s.io/apiextensions-apiserver v0.36 pkg/apis/apiextensions/validation/validation.go and cel_validation.go.
 */
import { setImmediate } from "node:timers/promises";
import type { FieldError } from "@krate/kinds";
import { forbiddenField, invalidValue, notSupported, required } from "../schema/field-errors.ts";
import type { Schema, ValidationRuleSchema } from "../schema/types.ts";
import { valueSchema } from "../schema/types.ts";
import { declaredSizes, maxRequestBytes } from "./declared-sizes.ts";
import type { CelProgram, CompileOptions } from "./evaluate.ts";
import { compile } from "./evaluate.ts";
import { largest, productOf, sumOf } from "./ranges.ts";
import { normalizedFieldPath } from "./rule-paths.ts";
import { optionalOf, schemaType, types, withMetadata } from "./types.ts";
import { isExactType } from "./unify.ts";

/** What one rule may cost, counted for every place of an object where it runs. */
const ruleCostLimit = 10_000_000n;
/** What all rules of a schema may cost together. */
const schemaCostLimit = 100_000_000n;
/** So many of the most expensive rules are named when all together cost too much. */
const maxNamed = 4;

export interface RuleCheckOptions {
  /** Each rule was accepted before and may cost what it does; the sum is still bounded. @defaultValue false */
  unchanged?: boolean;
}

/** @param path where the schema stands, e.g. `spec.versions[0].schema.openAPIV3Schema` */
export function checkRules(schema: Schema, path: string, options: RuleCheckOptions = {}): FieldError[] {
  const steps = checkSteps(schema, path, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same, with a pause after each rule in which others are served: the largest expression takes some 100 ms to compile. */
export async function checkRulesInTurns(
  schema: Schema,
  path: string,
  options: RuleCheckOptions = {},
): Promise<FieldError[]> {
  const steps = checkSteps(schema, path, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await setImmediate();
  }
}

/** Stops after each rule. */
function* checkSteps(
  schema: Schema,
  path: string,
  { unchanged = false }: RuleCheckOptions,
): Generator<undefined, FieldError[]> {
  const check = new RuleCheck(unchanged);
  const place = { path, isRoot: true, repeats: 1n, uncorrelatable: undefined };
  const { shape, rules } = yield* check.visit(schema, place);
  return [...shape, ...rules, ...check.totalErrors(path)];
}

interface Place {
  path: string;
  isRoot: boolean;
  /** How often a value of the schema can stand in one object; undefined when nothing bounds it. */
  repeats: bigint | undefined;
  /** The outermost list whose items cannot be matched with the stored ones. */
  uncorrelatable: string | undefined;
}

interface Findings {
  /** Mistakes that are not in an expression: with one of them here or deeper, the expressions are not looked at. */
  shape: FieldError[];
  rules: FieldError[];
}

class RuleCheck {
  readonly #unchanged: boolean;
  #total = 0n;
  #expensive: { path: string; cost: bigint }[] = [];

  constructor(unchanged: boolean) {
    this.#unchanged = unchanged;
  }

  *visit(schema: Schema, place: Place): Generator<undefined, Findings> {
    const shape: FieldError[] = [];
    const rules: FieldError[] = [];
    for (const [child, at] of childrenOf(schema, place)) {
      const found = yield* this.visit(child, at);
      shape.push(...found.shape);
      rules.push(...found.rules);
    }
    const own = schema["x-kubernetes-validations"] ?? [];
    const pathOf = (index: number) => `${place.path}.x-kubernetes-validations[${index}]`;
    for (const [index, rule] of own.entries()) shape.push(...checkShape(rule, schema, pathOf(index)));
    if (shape.length === 0 && own.length > 0) {
      const sizes = declaredSizes(schema, place.isRoot || schema["x-kubernetes-embedded-resource"] === true);
      const repeats =
        place.repeats ?? BigInt(Math.floor(maxRequestBytes / ((sizes?.minSerializedSize ?? maxRequestBytes) + 1)));
      for (const [index, rule] of own.entries()) {
        const options = {
          variables: variablesOf(place.isRoot ? withMetadata(schema) : schema, rule),
          sizes: sizes ?? { maxElements: 0, minSerializedSize: 0 },
        };
        rules.push(...this.#checkRule(rule, options, pathOf(index), { ...place, repeats }));
        yield;
      }
    }
    return { shape, rules };
  }

  totalErrors(path: string): FieldError[] {
    if (this.#total <= schemaCostLimit) return [];
    const detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    const name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    return [
      ...this.#expensive.map((each) => forbiddenField(each.path, detail)),
      forbiddenField(path, costMessage(name, this.#total, schemaCostLimit)),
    ];
  }

  #checkRule(
    rule: ValidationRuleSchema,
    options: CompileOptions,
    path: string,
    { repeats = 1n, uncorrelatable }: Place,
  ): FieldError[] {
    const compiled = compile(rule.rule, options);
    const problem =
      compiled.program === undefined
        ? `${compiled.problem === undefined ? "compilation failed: " : ""}${compiled.message}`
        : isExactType(types.bool, compiled.program.type)
          ? undefined
          : "cel expression must evaluate to a bool";
    if (problem !== undefined || compiled.program === undefined)
      return [invalidRule(`${path}.rule`, rule, problem ?? "")];
    const { program } = compiled;
    const cost = productOf(maxCost(program), repeats);
    const errors = this.#judge(`${path}.rule`, "estimated rule cost", cost);
    if (rule.messageExpression !== undefined && rule.messageExpression !== "")
      errors.push(...this.#checkMessage(rule, rule.messageExpression, options, path));
    if (program.variables.has("oldSelf")) {
      const detail = "oldSelf cannot be used on the uncorrelatable portion of the schema within";
      if (uncorrelatable !== undefined)
        errors.push(invalidValue(`${path}.rule`, rule.rule, `${detail} ${uncorrelatable}`));
    } else if (rule.optionalOldSelf !== undefined)
      errors.push(
        invalidValue(`${path}.optionalOldSelf`, rule.optionalOldSelf, "may not be set if oldSelf is not used in rule"),
      );
    return errors;
  }

  #checkMessage(rule: ValidationRuleSchema, text: string, options: CompileOptions, path: string): FieldError[] {
    const at = `${path}.messageExpression`;
    const message = compile(text, options);
    if (message.program === undefined) {
      const start =
        message.problem === undefined
          ? "messageExpression compilation failed"
          : "messageExpression instantiation failed";
      return [invalidRule(at, rule, `${start}: ${message.problem ?? message.message}`)];
    }
    if (!isExactType(types.string, message.program.type))
      return [invalidRule(at, rule, "messageExpression must evaluate to a string")];
    return this.#judge(at, "estimated messageExpression cost", maxCost(message.program));
  }

  /** Counts the cost of an expression. */
  #judge(path: string, name: string, cost: bigint): FieldError[] {
    this.#total = sumOf(this.#total, cost);
    if (cost >= schemaCostLimit / 100n)
      this.#expensive = [...this.#expensive, { path, cost }]
        .sort((a, b) => (a.cost === b.cost ? 0 : a.cost > b.cost ? -1 : 1))
        .slice(0, maxNamed);
    if (this.#unchanged || cost <= ruleCostLimit) return [];
    return [forbiddenField(path, costMessage(name, cost, ruleCostLimit))];
  }
}

function variablesOf(schema: Schema, { optionalOldSelf }: ValidationRuleSchema): CompileOptions["variables"] {
  const self = schemaType(schema);
  return { self, oldSelf: optionalOldSelf ? optionalOf(self) : self };
}

function maxCost({ estimate }: CelProgram): bigint {
  return estimate?.max ?? largest;
}

function childrenOf(schema: Schema, place: Place): [Schema, Place][] {
  const factor = repetition(schema);
  const repeats = place.repeats === undefined || factor === undefined ? undefined : productOf(place.repeats, factor);
  const at = (name: string): Place => ({ ...place, path: `${place.path}.${name}`, isRoot: false, repeats });
  const found: [Schema, Place][] = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    property,
    at(`properties[${name}]`),
  ]);
  if (schema.items !== undefined) {
    const isMap = schema["x-kubernetes-list-type"] === "map";
    const uncorrelatable = place.uncorrelatable ?? (isMap ? undefined : place.path);
    found.push([schema.items, { ...at("items"), uncorrelatable }]);
  }
  const values = valueSchema(schema);
  if (values !== undefined) found.push([values, at("additionalProperties")]);
  return found;
}

/** How many values of its items or members one value of a schema holds; undefined when nothing bounds it. */
function repetition(schema: Schema): bigint | undefined {
  const isList = schema.type === "array";
  if (!isList && !(schema.type === "object" && schema.additionalProperties !== undefined)) return 1n;
  const most = isList ? schema.maxItems : schema.maxProperties;
  return most === undefined ? undefined : BigInt(Math.max(0, most));
}

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

function checkShape(rule: ValidationRuleSchema, schema: Schema, path: string): FieldError[] {
  const { message = "", messageExpression = "", reason, fieldPath = "" } = rule;
  const errors: FieldError[] = [];
  const hasLines = (text: string) => /[\n\r]/.test(text.trim());
  if (rule.rule.trim() === "") errors.push(required(`${path}.rule`, "rule is not specified"));
  else if (message !== "" && message.trim() === "")
    errors.push(invalidValue(`${path}.message`, message, "must be non-empty if specified"));
  else if (hasLines(message)) errors.push(invalidValue(`${path}.message`, message, "must not contain line breaks"));
  else if (hasLines(rule.rule) && message === "")
    errors.push(required(`${path}.message`, "message must be specified if rule contains line breaks"));
  if (messageExpression !== "" && messageExpression.trim() === "")
    errors.push(required(`${path}.messageExpression`, "messageExpression must be non-empty if specified"));
  if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, reasons));
  if (fieldPath === "") return errors;
  if (fieldPath.trim() === "")
    errors.push(invalidValue(`${path}.fieldPath`, fieldPath, "must be non-empty if specified"));
  if (/[\n\r]/.test(fieldPath))
    errors.push(invalidValue(`${path}.fieldPath`, fieldPath, "must not contain line breaks"));
  if (normalizedFieldPath(fieldPath, schema) === undefined)
    errors.push(invalidValue(`${path}.fieldPath`, fieldPath, "must be a valid path"));
  return errors;
}

/** kube-apiserver shows the whole rule as a Go program encodes it. */
function invalidRule(path: string, rule: ValidationRuleSchema, detail: string): FieldError {
  const shown = {
    Rule: rule.rule,
    Message: rule.message ?? "",
    MessageExpression: rule.messageExpression ?? "",
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? "",
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
  const error = invalidValue(path, shown, detail);
  const [start, end] = ["Invalid value: ".length, error.message.length - detail.length];
  const value = error.message.slice(start, end).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  return { ...error, message: `Invalid value: ${value}${detail}` };
}

/** By how much an expression costs too much: a rule that is far above needs bounds in its schema, not another number. */
function costMessage(name: string, cost: bigint, limit: bigint): string {
  const factor = Number(cost) / Number(limit);
  const text = factor > 100 ? "more than 100x" : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`;
  const hint =
    "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared";
  return `${name} exceeds budget by factor of ${text} (${hint})`;
}
