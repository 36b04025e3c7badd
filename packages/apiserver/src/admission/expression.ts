/** One CEL expression of a webhook or policy: compiled once, evaluated within a budget. */
import {
  type Bindings,
  type Budget,
  CelBudgetError,
  CelError,
  type CelProgram,
  type CelType,
  type CelValue,
  compile,
  type JsonValue,
  run,
} from "@krate/apimachinery";
import { textOf } from "../objects.ts";

/** An expression, or why it does not compile. */
export type Expression =
  | { source: string; program: CelProgram }
  | { source: string; program?: undefined; problem: string };

export function expressionOf(
  value: JsonValue | undefined,
  variables: Record<string, CelType>,
  expectedType?: CelType,
): Expression {
  const source = textOf(value);
  const compiled = compile(source, { variables, ...(expectedType !== undefined && { expectedType }) });
  return compiled.program === undefined ? { source, problem: compiled.message } : { source, program: compiled.program };
}

export interface ExpressionResult {
  value?: CelValue;
  problem?: string;
}

/** Failures become `problem`, in kube-apiserver's words. */
export function evaluateExpression(expression: Expression, bindings: Bindings, budget: Budget): ExpressionResult {
  if (expression.program === undefined) return { problem: `compilation error: ${expression.problem}` };
  try {
    return { value: run(expression.program, bindings, { budget }).value };
  } catch (error) {
    if (!(error instanceof CelError) && !(error instanceof CelBudgetError)) throw error;
    return { problem: `expression '${expression.source}' resulted in error: ${error.message}` };
  }
}
