/**
 * ValidatingAdmissionPolicy and its bindings (D2, ADM-01, ADM-05, ADM-06).
 * Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go, whose texts these are.
 */
import type { JsonObject } from "@krate/apimachinery";
import { ApiError, type StatusReason, statusReasons } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { metadataOf, textOf } from "../../objects.ts";
import type { AdmissionPlugin } from "../../services.ts";
import { isExempt } from "../exempt.ts";
import type { AdmissionMetrics } from "../metrics.ts";
import { type CompiledBinding, compiledValidatingPolicy, type ValidatingPolicy } from "./compile.ts";
import { startEvaluation } from "./evaluation.ts";
import {
  type ConfigurationProblem,
  type Invocation,
  invocationsOf,
  type Situation,
  situationOf,
} from "./invocations.ts";
import { validatingPolicyKinds as kinds } from "./kinds.ts";
import { type Denial, failed, type Judgement, judge } from "./validate.ts";

export function validatingAdmissionPolicies(metrics: AdmissionMetrics): AdmissionPlugin {
  return {
    name: "ValidatingAdmissionPolicy",
    validate: async (ctx) => {
      if (ctx.services.config.list(kinds.binding).length === 0 || isExempt(ctx)) return;
      if (ctx.served.strategy.answer !== undefined) return;
      await new PolicyReview(ctx, metrics).run();
    },
  };
}

/** One request before all policies. Every one is asked, so that all warnings and annotations are there; then the first refusal is thrown. */
class PolicyReview {
  readonly #ctx: RequestContext;
  readonly #metrics: AdmissionMetrics;
  readonly #failures: JsonObject[] = [];
  /** By policy and key: what its bindings say. */
  readonly #annotations = new Map<string, Set<string>>();
  #refusal: ApiError | undefined;

  constructor(ctx: RequestContext, metrics: AdmissionMetrics) {
    this.#ctx = ctx;
    this.#metrics = metrics;
  }

  async run(): Promise<void> {
    const situation = await situationOf(this.#ctx);
    for (const each of await invocationsOf(this.#ctx, { kinds, compiled: compiledValidatingPolicy }, situation)) {
      if (each.kind === "problem") this.#misconfigured(each);
      else await this.#ask(each, situation);
    }
    this.#annotate();
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  async #ask(invocation: Invocation<ValidatingPolicy>, situation: Situation): Promise<void> {
    const startedAt = performance.now();
    const judgement = await this.#judgementOf(invocation, situation);
    if (judgement === undefined) return;
    const seconds = (performance.now() - startedAt) / 1000;
    const { policy, binding } = invocation;
    for (const denial of judgement.denials) this.#report(policy.name, binding, denial, seconds);
    for (const failure of judgement.failures) this.#deny(policy.name, binding.name, failure);
    for (const error of judgement.ignored) this.#observe(policy.name, binding.name, error, "allow", seconds);
    for (const [key, value] of Object.entries(judgement.annotations)) {
      const name = `${policy.name}/${key}`;
      this.#annotations.set(name, (this.#annotations.get(name) ?? new Set()).add(value));
    }
  }

  async #judgementOf(invocation: Invocation<ValidatingPolicy>, situation: Situation): Promise<Judgement | undefined> {
    const parts = { metrics: this.#metrics, type: "validating" } as const;
    const evaluation = await startEvaluation(this.#ctx, invocation, situation, parts);
    if (evaluation === undefined) return undefined;
    const { policy } = invocation;
    return "problem" in evaluation ? failed(policy, evaluation.problem) : judge(policy, evaluation);
  }

  #misconfigured({ policy, binding, message }: ConfigurationProblem): void {
    if (!policy.failsClosed) return;
    const text = `failed to configure ${binding === undefined ? "policy" : "binding"}: ${message}`;
    const denial: Denial = { message: text, reason: "Invalid", index: 0, error: "invalid_error" };
    this.#deny(policy.name, binding?.name, denial);
  }

  #report(policy: string, { name: binding, actions }: CompiledBinding, denial: Denial, seconds: number): void {
    const { message, error, index } = denial;
    for (const action of actions) this.#observe(policy, binding, error, action === "Deny" ? "deny" : action, seconds);
    if (actions.includes("Deny")) this.#deny(policy, binding, denial);
    if (actions.includes("Warn")) {
      this.#ctx.warn(
        `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`,
      );
    }
    if (actions.includes("Audit")) {
      this.#failures.push({ message, policy, binding, expressionIndex: index, validationActions: [...actions] });
    }
  }

  #observe(policy: string, policy_binding: string, error_type: string, action: string, seconds: number): void {
    const labels = { policy, policy_binding, error_type, enforcement_action: action.toLowerCase() };
    this.#metrics.policyChecked("validating", labels, seconds);
  }

  #deny(policy: string, binding: string | undefined, { message, reason }: Denial): void {
    const where = binding === undefined ? "" : ` with binding '${binding}'`;
    this.#refusal ??= refusalOf(
      this.#ctx,
      `ValidatingAdmissionPolicy '${policy}'${where} denied request: ${message}`,
      reason,
    );
  }

  #annotate(): void {
    if (this.#failures.length > 0) {
      this.#ctx.addAuditAnnotation(failureAnnotation, JSON.stringify(this.#failures));
    }
    for (const [key, values] of this.#annotations) this.#ctx.addAuditAnnotation(key, [...values].join(", "));
  }
}

const failureAnnotation = "validation.policy.admission.k8s.io/validation_failure";

/** Source: k8s.io/apiserver/pkg/admission/errors.go (NewForbidden), with the reason the policy names. */
function refusalOf(ctx: RequestContext, text: string, reason: string): ApiError {
  const known = (Object.hasOwn(statusReasons, reason) ? reason : "Invalid") as StatusReason;
  const { message, details } = forbiddenParts(ctx, text);
  return new ApiError(known, message, { details: { ...details, causes: [{ message: text }] } });
}

export function forbiddenParts(
  ctx: RequestContext,
  text: string,
): { message: string; details: { name: string; group?: string; kind: string } } {
  const { group, plural } = ctx.served;
  const name = nameFor(ctx);
  const resource = group === "" ? plural : `${plural}.${group}`;
  return {
    message: `${resource} ${JSON.stringify(name)} is forbidden: ${text}`,
    details: { name, ...(group !== "" && { group }), kind: plural },
  };
}

/** A name that is still to be generated, or is not told, is shown by what there is. */
function nameFor(ctx: RequestContext): string {
  const named = ctx.target.verb === "deletecollection" ? "" : (ctx.key?.name ?? ctx.target.name);
  if (named !== "") return named;
  const { name, generateName } = ctx.object === undefined ? ({} as JsonObject) : metadataOf(ctx.object);
  return textOf(name) || textOf(generateName) || "Unknown";
}
