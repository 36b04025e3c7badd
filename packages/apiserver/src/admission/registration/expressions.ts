/** Expressions and names in webhook configurations and policies. Source: pkg/apis/admissionregistration/validation. */
import { checkQualifiedName, duplicate, invalidValue, required, tooMany } from "@krate/apimachinery";
import type { FieldError } from "@krate/kinds";
import type { Condition } from "../conditions.ts";
import type { Expression } from "../expression.ts";

const maxConditions = 64;

/** An expression that must be there and compile. */
export function checkExpression(expression: Expression, path: string, missing = ""): FieldError[] {
  if (expression.source.trim() === "") return [required(path, missing)];
  const { problem } = expression;
  return problem === undefined ? [] : [invalidValue(path, expression.source.trim(), problem)];
}

export function checkConditions(conditions: readonly Condition[], path: string): FieldError[] {
  const names = conditions.map(({ name }) => name);
  return [
    ...(conditions.length > maxConditions ? [tooMany(path, conditions.length, maxConditions)] : []),
    ...conditions.flatMap(({ name, expression }, index) => [
      ...checkExpression(expression, `${path}[${index}].expression`),
      ...checkConditionName(name, `${path}[${index}].name`),
      ...(name !== "" && names.indexOf(name) < index ? [duplicate(`${path}[${index}].name`, name)] : []),
    ]),
  ];
}

function checkConditionName(name: string, path: string): FieldError[] {
  if (name === "") return [required(path, "")];
  return checkQualifiedName(name).map((text) => invalidValue(path, name, text));
}
