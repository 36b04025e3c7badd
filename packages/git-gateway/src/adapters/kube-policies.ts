import { BranchProtection, ConfigMap, type ConfigMapType, labels, type ObjectOf, RefPolicy } from "@krate/kinds";
import type { Informer, KubeClient } from "@krate/kube";
import { informer } from "@krate/kube";
import { evaluatePush, type PolicyBundle, parseBundle } from "@krate/refpolicy";
import type { PolicyEngine, PushFacts, RefDecision } from "../ports.ts";
import { AppliedReports } from "./applied-reports.ts";

export const bundleKey = "bundle.json";

/**
 * Policies as the refpolicy-compiler publishes them: one ConfigMap per namespace. The last valid bundle stays in force when a newer
 * one does not parse or its ConfigMap is deleted while policies exist (REF-11).
 *
 *   bundle loaded                       judge by it
 *   none, no policy in the namespace    accept
 *   none, but policies exist            refuse: nobody can say which refs they protect
 */
export class KubePolicies implements PolicyEngine {
  readonly #bundles = new Map<string, PolicyBundle>();
  readonly #configMaps: Informer<ConfigMapType & ObjectOf<typeof ConfigMap>>;
  readonly #protections: Informer<ObjectOf<typeof BranchProtection>>;
  readonly #refPolicies: Informer<ObjectOf<typeof RefPolicy>>;

  readonly #reports: AppliedReports;

  /** @param options.gateway name under which this process reports the bundles it enforces */
  constructor(
    client: KubeClient,
    { gateway, onProblem }: { gateway: string; onProblem(message: string, error: unknown): void },
  ) {
    this.#reports = new AppliedReports(client, gateway, onProblem);
    const report = ({ message, error }: { message: string; error: unknown }) => onProblem(message, error);
    this.#configMaps = informer(client, ConfigMap, { labelSelector: `${labels.bundle}=true`, onProblem: report });
    this.#protections = informer(client, BranchProtection, { onProblem: report });
    this.#refPolicies = informer(client, RefPolicy, { onProblem: report });
    this.#configMaps.onChange((type, object) => {
      if (type === "DELETED") return;
      const { namespace = "", name = "", annotations } = object.metadata ?? {};
      try {
        const bundle = parseBundle(object.data?.[bundleKey] ?? "");
        this.#bundles.set(namespace, bundle);
        this.#reports.report(namespace, name, bundle.hash, annotations);
      } catch (error) {
        onProblem(
          `the policy bundle of namespace "${namespace}" is not valid; the last valid one stays in force`,
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

  /** Says that this process enforces nothing any more. */
  async stop(): Promise<void> {
    await this.#reports.stop();
  }

  async evaluate(push: PushFacts): Promise<RefDecision[]> {
    const bundle = this.#bundles.get(push.namespace);
    const hasPolicies =
      this.#protections.list(push.namespace).length + this.#refPolicies.list(push.namespace).length > 0;
    // Without any policy an old bundle has nothing left to protect; with policies and no bundle evaluatePush refuses.
    return hasPolicies ? evaluatePush(bundle, push) : push.updates.map(({ ref }) => allowed(ref));
  }
}

function allowed(ref: string): RefDecision {
  return { ref, allowed: true, decision: "Accepted", results: [] };
}
