/** What a ValidatingAdmissionPolicy says. Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go. */
import { typeNameOf } from "@krate/apimachinery";
import { CostBudget, type Expression, type ExpressionResult, OutOfBudget } from "../expression.ts";
import type { ValidatingPolicy, Validation } from "./compile.ts";
import { type Evaluation, policyCostLimit } from "./evaluation.ts";

export type ErrorType = "compile_error" | "invalid_error" | "out_of_budget" | "no_error";

/** A validation that does not hold, or failed. */
export interface Denial {
  message: string;
  reason: string;
  /** Of the validation. */
  index: number;
  error: ErrorType;
}

export interface Judgement {
  denials: Denial[];
  /** Failures that refuse whatever the binding's actions are. */
  failures: Denial[];
  annotations: Record<string, string>;
  /** Failures that are ignored. */
  ignored: ErrorType[];
}

export async function judge(policy: ValidatingPolicy, evaluation: Evaluation): Promise<Judgement> {
  const judgement: Judgement = { denials: [], failures: [], annotations: {}, ignored: [] };
  await validateAll(policy, evaluation, judgement);
  await annotateAll(policy, evaluation, judgement);
  return judgement;
}

/** A failure of the policy as a whole, such as a match condition's. */
export function failed(policy: ValidatingPolicy, message: string): Judgement {
  const error = errorTypeOf(message);
  return policy.failsClosed
    ? { denials: [{ message, reason: "Invalid", index: 0, error }], failures: [], annotations: {}, ignored: [] }
    : { denials: [], failures: [], annotations: {}, ignored: [error] };
}

async function validateAll(policy: ValidatingPolicy, evaluation: Evaluation, judgement: Judgement): Promise<void> {
  const budget = new CostBudget(policyCostLimit);
  try {
    for (const [index, validation] of policy.validations.entries()) {
      const result = await evaluate(validation.expression, evaluation, budget);
      if (result.problem !== undefined) fail(policy, judgement, result.problem, index);
      else if (result.value !== true) {
        const message = await messageOf(validation, evaluation, budget);
        judgement.denials.push({ message, reason: validation.reason, index, error: "no_error" });
      }
    }
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    // What was found before counts no more, as in kube-apiserver.
    judgement.denials = [];
    fail(policy, judgement, error.message, 0);
  }
}

function fail(policy: ValidatingPolicy, judgement: Judgement, message: string, index: number): void {
  const error = errorTypeOf(message);
  if (policy.failsClosed) judgement.denials.push({ message, reason: "Invalid", index, error });
  else judgement.ignored.push(error);
}

function evaluate(
  expression: Expression,
  { expressions, bindings }: Evaluation,
  budget: CostBudget,
): Promise<ExpressionResult> {
  return expressions.evaluate(expression, bindings, budget);
}

/** Source: validating/errors.go. */
function errorTypeOf(message: string): ErrorType {
  if (message.startsWith("compilation")) return "compile_error";
  return message.startsWith("validation failed due to running out of cost budget") ? "out_of_budget" : "invalid_error";
}

const maxMessageBytes = 5 * 1024;

async function messageOf(
  { expression, message, messageExpression }: Validation,
  evaluation: Evaluation,
  budget: CostBudget,
): Promise<string> {
  const fallback = message === "" ? `failed expression: ${expression.source.trim()}` : message;
  if (messageExpression === undefined) return fallback;
  const { value } = await evaluate(messageExpression, evaluation, budget);
  const text = typeof value === "string" ? value.trim() : "";
  const usable = text !== "" && !text.includes("\n") && Buffer.byteLength(text) <= maxMessageBytes;
  return usable ? text : fallback;
}

const maxAnnotationBytes = 10 * 1024;

async function annotateAll(policy: ValidatingPolicy, evaluation: Evaluation, judgement: Judgement): Promise<void> {
  const budget = new CostBudget(policyCostLimit);
  try {
    for (const { key, expression } of policy.auditAnnotations) {
      const { value = null, problem } = await evaluate(expression, evaluation, budget);
      if (problem !== undefined) {
        if (policy.failsClosed) judgement.failures.push(failure(problem));
        else judgement.ignored.push(errorTypeOf(problem));
      } else if (typeof value === "string") {
        const text = value.trim();
        if (text !== "") judgement.annotations[key] = cut(text);
      } else if (value !== null) {
        const type = typeNameOf(value);
        const message = `valueExpression '${expression.source}' resulted in unsupported return type: ${type}. Return type must be either string or null.`;
        judgement.failures.push(failure(message));
      }
    }
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    judgement.denials = [];
    fail(policy, judgement, error.message, 0);
  }
}

function failure(message: string): Denial {
  return { message, reason: "Invalid", index: 0, error: errorTypeOf(message) };
}

function cut(text: string): string {
  return Buffer.byteLength(text) <= maxAnnotationBytes
    ? text
    : Buffer.from(text).subarray(0, maxAnnotationBytes).toString();
}
