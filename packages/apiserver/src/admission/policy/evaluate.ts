/** Runs a compiled policy for one request and one parameter object. */
import { type Bindings, Budget, CelError, type JsonObject, LazyMap, run } from "@krate/apimachinery";
import { evaluateExpression } from "../expression.ts";
import type { CompiledPolicy, Validation } from "./compile.ts";

export interface Denial {
  message: string;
  reason: string;
}

export type Outcome =
  /** A match condition does not hold. */
  { applies: false } | { applies: true; denials: Denial[]; annotations: Record<string, string> };

/** What all expressions of one policy may cost together for one request. Source: k8s.io/apiserver/pkg/apis/cel/config.go. */
const policyCostLimit = 10_000_000;
const policyTimeoutMilliseconds = 500;

/** A match condition that fails counts as an evaluation error of the policy. */
export function evaluatePolicy(policy: CompiledPolicy, bindings: Bindings, params: JsonObject | undefined): Outcome {
  const budget = new Budget(policyCostLimit, policyTimeoutMilliseconds);
  const withParams: Bindings = policy.paramKind === undefined ? bindings : { ...bindings, params: params ?? null };
  const conditions = policy.conditions.map(({ expression }) => evaluateExpression(expression, withParams, budget));
  if (conditions.some((result) => result.value === false)) return { applies: false };
  const failed = conditions.find((result) => result.problem !== undefined);
  if (failed?.problem !== undefined) {
    return policy.failsClosed
      ? { applies: true, denials: [{ message: failed.problem, reason: "Invalid" }], annotations: {} }
      : { applies: false };
  }
  const withVariables: Bindings = { ...withParams, variables: variablesOf(policy, withParams, budget) };
  const denials = policy.validations.flatMap((validation) => validate(validation, policy, withVariables, budget));
  return { applies: true, denials, annotations: annotationsOf(policy, withVariables, budget) };
}

/** `variables.<name>`, each computed when first used; a later one may use the earlier ones. */
function variablesOf(policy: CompiledPolicy, bindings: Bindings, budget: Budget): LazyMap {
  const known: LazyMap = new LazyMap(
    policy.variables.map(({ name, expression }) => [
      name,
      () => {
        if (expression.program === undefined)
          throw new CelError(`variable ${name} does not compile: ${expression.problem}`);
        return run(expression.program, { ...bindings, variables: known }, { budget }).value;
      },
    ]),
  );
  return known;
}

function validate(validation: Validation, policy: CompiledPolicy, bindings: Bindings, budget: Budget): Denial[] {
  const { expression, reason } = validation;
  const { value, problem } = evaluateExpression(expression, bindings, budget);
  if (problem !== undefined) return policy.failsClosed ? [{ message: problem, reason: "Invalid" }] : [];
  return value === true ? [] : [{ message: messageOf(validation, bindings, budget), reason }];
}

const maxMessageBytes = 5 * 1024;

function messageOf({ expression, message, messageExpression }: Validation, bindings: Bindings, budget: Budget): string {
  const fallback = message === "" ? `failed expression: ${expression.source.trim()}` : message;
  if (messageExpression === undefined) return fallback;
  const { value } = evaluateExpression(messageExpression, bindings, budget);
  const usable =
    typeof value === "string" &&
    value.trim() !== "" &&
    !/[\r\n]/.test(value.trim()) &&
    Buffer.byteLength(value) <= maxMessageBytes;
  return usable ? value.trim() : fallback;
}

function annotationsOf(policy: CompiledPolicy, bindings: Bindings, budget: Budget): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const { key, expression } of policy.auditAnnotations) {
    const { value } = evaluateExpression(expression, bindings, budget);
    if (typeof value === "string" && value.trim() !== "") annotations[key] = value.trim();
  }
  return annotations;
}
