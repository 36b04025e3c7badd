/**
 * ValidatingAdmissionPolicy and its bindings (D2, ADM-01, ADM-05, ADM-06).
 * Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go, whose texts these are.
 */
import type { JsonObject } from "@krate/apimachinery";
import { ApiError, type StatusReason, statusReasons } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { namespaceKind } from "../../core/namespaces.ts";
import { nameOf, sectionOf, textOf } from "../../objects.ts";
import type { AdmissionPlugin, ConfigKind } from "../../services.ts";
import { attributesOf } from "../attributes.ts";
import { type MatchedObjects, matches, type Subject, subjectOf } from "../match.ts";
import { withBindings } from "../request.ts";
import { type CompiledPolicy, compiledBinding, compiledPolicy } from "./compile.ts";
import { type Denial, evaluatePolicy } from "./evaluate.ts";
import { paramsOf } from "./params.ts";

const group = "admissionregistration.k8s.io";
export const policyKind: ConfigKind = {
  group,
  version: "v1",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
};
export const policyBindingKind: ConfigKind = {
  group,
  version: "v1",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
};

/** Policies do not judge themselves: a wrong one could not be removed any more. */
const exemptResources = new Set([
  policyKind.plural,
  policyBindingKind.plural,
  "mutatingadmissionpolicies",
  "mutatingadmissionpolicybindings",
]);

export const validatingAdmissionPolicy: AdmissionPlugin = {
  name: "ValidatingAdmissionPolicy",
  validate: async (ctx) => {
    const bindings = ctx.services.config.list(policyBindingKind);
    if (bindings.length === 0 || isExempt(ctx)) return;
    await new PolicyReview(ctx).judge(bindings);
  },
};

function isExempt({ served }: RequestContext): boolean {
  return served.strategy.answer !== undefined || (served.group === group && exemptResources.has(served.plural));
}

class PolicyReview {
  readonly #ctx: RequestContext;
  readonly #subject: Subject;
  readonly #objects: MatchedObjects;
  readonly #versions: string[];
  readonly #failures: JsonObject[] = [];
  #refusal: ApiError | undefined;

  constructor(ctx: RequestContext) {
    this.#ctx = ctx;
    this.#subject = subjectOf(ctx);
    const { config, registry } = ctx.services;
    const { namespace: name } = ctx.target;
    this.#objects = {
      object: ctx.operation === "DELETE" ? undefined : ctx.object,
      oldObject: ctx.old,
      namespace: ctx.served.namespaced ? config.get(namespaceKind, { name }) : undefined,
    };
    this.#versions = registry
      .all()
      .filter(({ group: each, plural }) => each === ctx.served.group && plural === ctx.served.plural)
      .map(({ version }) => version);
  }

  /** Every binding is looked at, so that all warnings and annotations are there; then the first refusal is thrown. */
  async judge(bindings: readonly JsonObject[]): Promise<void> {
    for (const binding of [...bindings].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)))
      await this.#judgeBinding(binding);
    if (this.#failures.length > 0) {
      this.#annotate({ "validation.policy.admission.k8s.io/validation_failure": JSON.stringify(this.#failures) });
    }
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  async #judgeBinding(binding: JsonObject): Promise<void> {
    const name = textOf(sectionOf(binding, "spec")["policyName"]);
    const object = this.#ctx.services.config.get(policyKind, { name });
    if (object === undefined) return;
    const policy = compiledPolicy(object);
    if (!this.#matches(policy.matcher) || !this.#matches(compiledBinding(binding))) return;
    const params = await paramsOf(this.#ctx, policy, binding);
    if (params.kind === "skip") return;
    if (params.kind === "missing") {
      const message = `failed to configure binding: ${params.problem}`;
      if (policy.failsClosed) this.#report(name, binding, [{ message, reason: "Invalid" }], ["Deny"]);
      return;
    }
    for (const param of params.objects) await this.#evaluate(name, policy, binding, param);
  }

  #matches(matcher: CompiledPolicy["matcher"]): boolean {
    return matches(matcher, this.#subject, this.#objects, this.#versions);
  }

  async #evaluate(
    name: string,
    policy: CompiledPolicy,
    binding: JsonObject,
    param: JsonObject | undefined,
  ): Promise<void> {
    const attributes = attributesOf(this.#ctx);
    const subject = { attributes, as: attributes, objects: attributes, namespaceObject: this.#objects.namespace };
    const outcome = await withBindings(this.#ctx, subject, (bindings) => evaluatePolicy(policy, bindings, param));
    if (!outcome.applies) return;
    const { validationActions } = sectionOf(binding, "spec");
    this.#report(
      name,
      binding,
      outcome.denials,
      Array.isArray(validationActions) ? validationActions.map(String) : ["Deny"],
    );
    for (const [key, value] of Object.entries(outcome.annotations)) this.#annotate({ [`${name}/${key}`]: value });
  }

  #report(policy: string, binding: JsonObject, denials: readonly Denial[], actions: readonly string[]): void {
    denials.forEach(({ message, reason }, index) => {
      if (actions.includes("Deny"))
        this.#refusal ??= refusalOf(this.#ctx, { policy, binding: nameOf(binding), message, reason });
      if (actions.includes("Warn")) {
        this.#ctx.warn(
          `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${nameOf(binding)}': ${message}`,
        );
      }
      if (actions.includes("Audit")) {
        this.#failures.push({
          message,
          policy,
          binding: nameOf(binding),
          expressionIndex: index,
          validationActions: [...actions],
        });
      }
    });
  }

  #annotate(annotations: Record<string, string>): void {
    this.#ctx.auditAnnotations = { ...this.#ctx.auditAnnotations, ...annotations };
  }
}

interface Refusal extends Denial {
  policy: string;
  binding: string;
}

/** `<resource> "<name>" is forbidden: ValidatingAdmissionPolicy 'x' with binding 'y' denied request: <message>`, reason as the policy says. */
function refusalOf(ctx: RequestContext, { policy, binding, message, reason }: Refusal): ApiError {
  const { group, plural, kind } = ctx.served;
  const name = ctx.key?.name ?? ctx.target.name;
  const resource = group === "" ? plural : `${plural}.${group}`;
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`;
  const known = (Object.hasOwn(statusReasons, reason) ? reason : "Invalid") as StatusReason;
  return new ApiError(known, `${resource} ${JSON.stringify(name)} is forbidden: ${text}`, {
    details: { name, ...(group !== "" && { group }), kind: plural || kind, causes: [{ message: text }] },
  });
}
