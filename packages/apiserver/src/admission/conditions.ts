/**
 * `matchConditions`: CEL that says whether a webhook or policy is asked at all.
 * Source: k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go.
 */
import { type Bindings, type CelType, celTypes, type JsonObject } from "@krate/apimachinery";
import { textOf } from "../objects.ts";
import { CostBudget, Expression, type ExpressionContext, OutOfBudget } from "./expression.ts";
import type { AdmissionMetrics, ConditionLabels } from "./metrics.ts";

export interface Condition {
  name: string;
  expression: Expression;
}

/** What all conditions of one webhook or policy may cost together: RuntimeCELCostBudgetMatchConditions. */
const costLimit = 2_500_000;

export type ConditionOutcome = { matches: boolean } | { problem: string };

export function compileCondition(condition: JsonObject, variables: Record<string, CelType>): Condition {
  return {
    name: textOf(condition["name"]),
    expression: new Expression(condition["expression"], variables, { returns: [celTypes.bool] }),
  };
}

/** One that is false decides, even when others fail; failures are told together. */
export async function evaluateConditions(
  conditions: readonly Condition[],
  { expressions, bindings }: { expressions: ExpressionContext; bindings: Bindings },
  { metrics, labels }: { metrics: AdmissionMetrics; labels: ConditionLabels },
): Promise<ConditionOutcome> {
  if (conditions.length === 0) return { matches: true };
  const startedAt = performance.now();
  const outcome = await outcomeOf(conditions, expressions, bindings);
  metrics.conditionsEvaluated(labels, (performance.now() - startedAt) / 1000);
  if ("problem" in outcome) metrics.conditionFailed(labels);
  return outcome;
}

async function outcomeOf(
  conditions: readonly Condition[],
  expressions: ExpressionContext,
  bindings: Bindings,
): Promise<ConditionOutcome> {
  const budget = new CostBudget(costLimit);
  const problems: string[] = [];
  try {
    for (const { expression } of conditions) {
      const { value, problem } = await expressions.evaluate(expression, bindings, budget);
      if (problem !== undefined) problems.push(problem);
      if (value === false) return { matches: false };
    }
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return { problem: error.message };
  }
  if (problems.length === 0) return { matches: true };
  return { problem: problems.length === 1 ? (problems[0] as string) : `[${problems.join(", ")}]` };
}
