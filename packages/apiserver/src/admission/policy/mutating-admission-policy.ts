/**
 * MutatingAdmissionPolicy and its bindings (D2, ADM-01).
 * Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go and generic/policy_dispatcher.go.
 */
import { equalJson, type JsonObject } from "@krate/apimachinery";
import { ApiError, type StatusReason } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import type { AdmissionPlugin } from "../../services.ts";
import { isExempt } from "../exempt.ts";
import { CostBudget, OutOfBudget } from "../expression.ts";
import type { AdmissionMetrics } from "../metrics.ts";
import { type Ledger, passesOf } from "../reinvocation.ts";
import { settle } from "../settle.ts";
import { inVersion } from "../versions.ts";
import { type CompiledPolicy, compiledMutatingPolicy, type MutatingPolicy, type Mutation } from "./compile.ts";
import { type Evaluation, policyCostLimit, startEvaluation } from "./evaluation.ts";
import { type Invocation, invocationsOf, situationOf } from "./invocations.ts";
import type { PolicyKinds } from "./kinds.ts";
import { MutationFailed, mutate } from "./mutate.ts";
import { forbiddenParts } from "./validating-admission-policy.ts";

const name = "MutatingAdmissionPolicy";

interface Failure {
  policy: CompiledPolicy;
  binding: string | undefined;
  message: string;
  reason: "Forbidden" | "Invalid";
}

export function mutatingAdmissionPolicies(kinds: PolicyKinds, metrics: AdmissionMetrics): AdmissionPlugin {
  return {
    name,
    mutate: async (ctx) => {
      if (ctx.operation === "DELETE" || ctx.services.config.list(kinds.binding).length === 0 || isExempt(ctx)) return;
      if (ctx.served.strategy.answer !== undefined) return;
      const ledger = passesOf(ctx).ledger(name);
      ledger.enter(ctx.object);
      const failures = await invokeAll(ctx, kinds, { metrics, ledger });
      ledger.leave(ctx.object);
      const refused = failures.filter(({ policy }) => policy.failsClosed);
      if (refused.length > 0) throw refusalOf(ctx, refused);
    },
  };
}

/** All are asked, whatever those before them said. */
async function invokeAll(ctx: RequestContext, kinds: PolicyKinds, parts: Parts): Promise<Failure[]> {
  const failures: Failure[] = [];
  const invocations = await invocationsOf(ctx, { kinds, compiled: compiledMutatingPolicy }, await situationOf(ctx));
  for (const each of invocations) {
    const { policy, binding } = each;
    if (each.kind === "problem") {
      const message = `failed to configure ${binding === undefined ? "policy" : "binding"}: ${each.message}`;
      failures.push({ policy, binding: binding?.name, message, reason: "Forbidden" });
      continue;
    }
    for (const message of await invoke(ctx, each, parts)) {
      failures.push({ policy, binding: each.binding.name, message, reason: "Invalid" });
    }
  }
  return failures;
}

interface Parts {
  metrics: AdmissionMetrics;
  ledger: Ledger;
}

/** What went wrong. */
async function invoke(
  ctx: RequestContext,
  invocation: Invocation<MutatingPolicy>,
  { metrics, ledger }: Parts,
): Promise<string[]> {
  const { policy, id } = invocation;
  // Policies before this one may have changed the object.
  const evaluation = await startEvaluation(ctx, invocation, await situationOf(ctx), { metrics, type: "admit" });
  if (evaluation === undefined) return [];
  if ("problem" in evaluation) return [evaluation.problem];
  if (!ledger.mayInvoke(id) || ctx.object === undefined) return [];
  const before = ctx.object;
  const problems: string[] = [];
  for (const mutation of policy.mutations) {
    const problem = await apply(ctx, mutation, invocation, evaluation, metrics);
    if (problem !== undefined) problems.push(problem);
  }
  ledger.invoked(id, { changed: !equalJson(before, ctx.object), reinvocable: policy.reinvocable });
  return problems;
}

async function apply(
  ctx: RequestContext,
  mutation: Mutation,
  { policy, binding, as }: Invocation<MutatingPolicy>,
  evaluation: Evaluation,
  metrics: AdmissionMetrics,
): Promise<string | undefined> {
  const startedAt = performance.now();
  const observe = (error: string, action: string) => {
    const labels = { policy: policy.name, policy_binding: binding.name, error_type: error, enforcement_action: action };
    metrics.policyChecked("mutating", labels, (performance.now() - startedAt) / 1000);
  };
  const object = inVersion(ctx.object as JsonObject, ctx.served, as);
  const current: Evaluation = { ...evaluation, bindings: { ...evaluation.bindings, object } };
  try {
    const schema = as.subresources.has(ctx.target.subresource) ? undefined : as.schema?.schema;
    const changed = await mutate(mutation, current, { object, schema }, new CostBudget(policyCostLimit));
    // Shared with the expression's own values until here.
    ctx.object = settle(ctx, structuredClone(inVersion(changed, as, ctx.served)));
    observe("no_error", "allow");
    return undefined;
  } catch (error) {
    if (!(error instanceof MutationFailed) && !(error instanceof OutOfBudget)) throw error;
    observe(error instanceof OutOfBudget ? "out_of_budget" : errorTypeOf(error.message), "deny");
    return error.message;
  }
}

function errorTypeOf(message: string): string {
  return message.startsWith("compilation") ? "compile_error" : "invalid_error";
}

/** The code is that of Forbidden whatever the reason, as in kube-apiserver. */
function refusalOf(ctx: RequestContext, failures: readonly Failure[]): ApiError {
  const texts = failures.map(({ policy, binding, message }) =>
    binding === undefined
      ? `policy ${JSON.stringify(policy.name)} denied request: ${message}`
      : `policy '${policy.name}' with binding '${binding}' denied request: ${message}`,
  );
  const reason = (failures[0]?.reason ?? "Forbidden") as StatusReason;
  const { details } = forbiddenParts(ctx, "");
  const causes = texts.map((message) => ({ message }));
  return new ApiError(reason, texts[0] ?? "", { code: 403, details: { ...details, causes } });
}
