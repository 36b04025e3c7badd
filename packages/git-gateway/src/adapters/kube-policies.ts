import { BranchProtection, ConfigMap, type ConfigMapType, labels, type ObjectOf, RefPolicy } from "@krate/kinds";
import type { Informer, KubeClient } from "@krate/kube";
import { informer } from "@krate/kube";
import type { PolicyEngine, PushFacts, RefDecision } from "../ports.ts";

/** Judges a push by a bundle; `@krate/refpolicy` implements it. */
export interface BundleEvaluator<Bundle> {
  /** @throws {Error} saying what is wrong where. */
  parse(text: string): Bundle;
  evaluate(bundle: Bundle, push: PushFacts): Promise<RefDecision[]>;
}

export const bundleKey = "bundle.json";

/**
 * Policies as the refpolicy-compiler publishes them: one ConfigMap per namespace. The last valid bundle stays in force when a newer
 * one does not parse or its ConfigMap is deleted while policies exist (REF-11).
 *
 *   bundle loaded                       judge by it
 *   none, no policy in the namespace    accept
 *   none, but policies exist            refuse: nobody can say which refs they protect
 */
export class KubePolicies<Bundle> implements PolicyEngine {
  readonly #bundles = new Map<string, Bundle>();
  readonly #evaluator: BundleEvaluator<Bundle>;
  readonly #configMaps: Informer<ConfigMapType & ObjectOf<typeof ConfigMap>>;
  readonly #protections: Informer<ObjectOf<typeof BranchProtection>>;
  readonly #refPolicies: Informer<ObjectOf<typeof RefPolicy>>;

  constructor(
    client: KubeClient,
    evaluator: BundleEvaluator<Bundle>,
    onProblem: (message: string, error: unknown) => void,
  ) {
    const report = ({ message, error }: { message: string; error: unknown }) => onProblem(message, error);
    this.#evaluator = evaluator;
    this.#configMaps = informer(client, ConfigMap, { labelSelector: `${labels.bundle}=true`, onProblem: report });
    this.#protections = informer(client, BranchProtection, { onProblem: report });
    this.#refPolicies = informer(client, RefPolicy, { onProblem: report });
    this.#configMaps.onChange((type, object) => {
      if (type === "DELETED") return;
      try {
        this.#bundles.set(object.metadata?.namespace ?? "", evaluator.parse(object.data?.[bundleKey] ?? ""));
      } catch (error) {
        onProblem(
          `the policy bundle of namespace "${object.metadata?.namespace}" is not valid; the last valid one stays in force`,
          error,
        );
      }
    });
  }

  start(signal: AbortSignal): void {
    for (const copy of [this.#configMaps, this.#protections, this.#refPolicies]) copy.start(signal);
  }

  async synced(): Promise<void> {
    await Promise.all([this.#configMaps.synced(), this.#protections.synced(), this.#refPolicies.synced()]);
  }

  async evaluate(push: PushFacts): Promise<RefDecision[]> {
    const bundle = this.#bundles.get(push.namespace);
    const hasPolicies =
      this.#protections.list(push.namespace).length + this.#refPolicies.list(push.namespace).length > 0;
    if (bundle !== undefined) {
      // Without any policy an old bundle has nothing left to protect.
      return hasPolicies ? this.#evaluator.evaluate(bundle, push) : push.updates.map(({ ref }) => allowed(ref));
    }
    return push.updates.map(({ ref }) => (hasPolicies ? unjudged(ref) : allowed(ref)));
  }
}

function allowed(ref: string): RefDecision {
  return { ref, allowed: true, decision: "Accepted", results: [] };
}

function unjudged(ref: string): RefDecision {
  const result = {
    policy: "Krate",
    rule: "policy-bundle",
    decision: "Denied",
    message: "the policies of this namespace have not been compiled yet, so no ref can be judged",
    remedy:
      "Try again in a moment; if it stays, look at condition Compiled of the BranchProtections and RefPolicies and at refpolicy-compiler.",
  } as const;
  return { ref, allowed: false, decision: "Rejected", results: [result] };
}
