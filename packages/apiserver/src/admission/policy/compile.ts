/** ValidatingAdmissionPolicy objects, compiled once per stored object. */
import { admissionVariables, type CelType, celTypes, isObject, type JsonObject } from "@krate/apimachinery";
import type { FieldError } from "@krate/kinds";
import { sectionOf, textOf } from "../../objects.ts";
import { objectsIn } from "../attributes.ts";
import { type Expression, expressionOf } from "../expression.ts";
import { compileMatcher, type Matcher } from "../match.ts";

export interface Validation {
  expression: Expression;
  message: string;
  messageExpression: Expression | undefined;
  reason: string;
}

export interface CompiledPolicy {
  matcher: Matcher;
  conditions: readonly { name: string; expression: Expression }[];
  variables: readonly { name: string; expression: Expression }[];
  validations: readonly Validation[];
  auditAnnotations: readonly { key: string; expression: Expression }[];
  paramKind: { apiVersion: string; kind: string } | undefined;
  /** An expression that fails refuses the request (`failurePolicy: Fail`). */
  failsClosed: boolean;
}

const { bool, string } = celTypes;

export function compilePolicy(policy: JsonObject): CompiledPolicy {
  const spec = sectionOf(policy, "spec");
  const paramKind = isObject(spec["paramKind"])
    ? { apiVersion: textOf(spec["paramKind"]["apiVersion"]), kind: textOf(spec["paramKind"]["kind"]) }
    : undefined;
  const params = paramKind !== undefined;
  const types: Record<string, CelType> = {};
  const variables = objectsIn(spec["variables"]).map((variable) => {
    const name = textOf(variable["name"]);
    const expression = expressionOf(variable["expression"], admissionVariables({ params, variables: { ...types } }));
    types[name] = expression.program?.type ?? celTypes.dyn;
    return { name, expression };
  });
  const withVariables = admissionVariables({ params, variables: types });
  return {
    matcher: compileMatcher(spec["matchConstraints"]),
    conditions: objectsIn(spec["matchConditions"]).map((condition) => ({
      name: textOf(condition["name"]),
      expression: expressionOf(condition["expression"], admissionVariables({ params }), bool),
    })),
    variables,
    validations: objectsIn(spec["validations"]).map((validation) => ({
      expression: expressionOf(validation["expression"], withVariables, bool),
      message: textOf(validation["message"]).trim(),
      messageExpression:
        validation["messageExpression"] === undefined
          ? undefined
          : expressionOf(validation["messageExpression"], withVariables, string),
      reason: textOf(validation["reason"]) || "Invalid",
    })),
    auditAnnotations: objectsIn(spec["auditAnnotations"]).map((annotation) => ({
      key: textOf(annotation["key"]),
      expression: expressionOf(annotation["valueExpression"], withVariables),
    })),
    paramKind,
    failsClosed: spec["failurePolicy"] !== "Ignore",
  };
}

const compiledPolicies = new WeakMap<JsonObject, CompiledPolicy>();

/** Compiled when first needed; the cache hands out the same object until it changes. */
export function compiledPolicy(policy: JsonObject): CompiledPolicy {
  const known = compiledPolicies.get(policy);
  if (known !== undefined) return known;
  const compiled = compilePolicy(policy);
  compiledPolicies.set(policy, compiled);
  return compiled;
}

const compiledBindings = new WeakMap<JsonObject, Matcher>();

export function compiledBinding(binding: JsonObject): Matcher {
  const known = compiledBindings.get(binding);
  if (known !== undefined) return known;
  const matcher = compileMatcher(sectionOf(binding, "spec")["matchResources"]);
  compiledBindings.set(binding, matcher);
  return matcher;
}

/** Expressions that do not compile, for whoever accepts a policy. */
export function checkPolicy(policy: JsonObject): FieldError[] {
  const compiled = compilePolicy(policy);
  const check = (field: string, expression: Expression | undefined): FieldError[] =>
    expression === undefined || expression.program !== undefined
      ? []
      : [
          {
            reason: "FieldValueInvalid",
            field,
            message: `Invalid value: ${JSON.stringify(expression.source)}: compilation failed: ${expression.problem}`,
          },
        ];
  return [
    ...compiled.conditions.flatMap(({ expression }, at) => check(`spec.matchConditions[${at}].expression`, expression)),
    ...compiled.variables.flatMap(({ expression }, at) => check(`spec.variables[${at}].expression`, expression)),
    ...compiled.validations.flatMap(({ expression, messageExpression }, at) => [
      ...check(`spec.validations[${at}].expression`, expression),
      ...check(`spec.validations[${at}].messageExpression`, messageExpression),
    ]),
    ...compiled.auditAnnotations.flatMap(({ expression }, at) =>
      check(`spec.auditAnnotations[${at}].valueExpression`, expression),
    ),
  ];
}
