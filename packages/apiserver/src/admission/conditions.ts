/**
 * `matchConditions`: CEL that says whether a webhook or policy is asked at all.
 * Source: k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go.
 */
import { type Bindings, Budget, type CelType, type JsonObject } from "@krate/apimachinery";
import { textOf } from "../objects.ts";
import { type Expression, evaluateExpression, expressionOf } from "./expression.ts";

export interface Condition {
  name: string;
  expression: Expression;
}

/** What all conditions of one webhook or policy may cost together: RuntimeCELCostBudgetMatchConditions. */
const costLimit = 2_500_000;

export type ConditionOutcome = { matches: boolean } | { problem: string };

export function compileCondition(
  condition: JsonObject,
  variables: Record<string, CelType>,
  expectedType: CelType,
): Condition {
  return {
    name: textOf(condition["name"]),
    expression: expressionOf(condition["expression"], variables, expectedType),
  };
}

/** One that is false decides, even when others fail; failures are told together. */
export function evaluateConditions(conditions: readonly Condition[], bindings: Bindings): ConditionOutcome {
  const budget = new Budget(costLimit);
  const problems: string[] = [];
  for (const { expression } of conditions) {
    const { value, problem } = evaluateExpression(expression, bindings, budget);
    if (problem !== undefined) problems.push(problem);
    if (value === false) return { matches: false };
  }
  if (problems.length === 0) return { matches: true };
  return { problem: problems.length === 1 ? (problems[0] as string) : `[${problems.join(", ")}]` };
}
