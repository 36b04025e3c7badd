import { BranchProtection, ConfigMap, type ConfigMapType, labels, type ObjectOf, RefPolicy } from "@krate/kinds";
import type { Informer, KubeClient } from "@krate/kube";
import { informer } from "@krate/kube";
import {
  evaluatePush,
  type PolicyBundle,
  parseBundle,
  runPostReceive,
  type WasmRunner,
  type WasmSettings,
} from "@krate/refpolicy";
import type { PolicyEngine, PushFacts, RefDecision } from "../ports.ts";
import { AppliedReports } from "./applied-reports.ts";

export const bundleKey = "bundle.json";

/** What runs the hooks of a bundle. */
export interface PolicyHooks {
  /** The runner of one push. */
  runner(namespace: string): WasmRunner;
  /** Fetches and compiles a module ahead of the first push that needs it. */
  prepare(namespace: string, settings: WasmSettings): void;
}

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
  readonly #hooks: PolicyHooks;

  /**
   * @param options.gateway name under which this process reports the bundles it enforces
   */
  constructor(
    client: KubeClient,
    {
      gateway,
      hooks,
      onProblem,
    }: {
      gateway: string;
      hooks: PolicyHooks;
      onProblem(message: string, error: unknown): void;
    },
  ) {
    this.#hooks = hooks;
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
        for (const { params } of bundle.rules) if (params?.wasm) hooks.prepare(namespace, params.wasm);
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
    // Without any policy an old bundle has nothing left to protect; with policies and no bundle evaluatePush refuses.
    if (!this.#hasPolicies(push.namespace)) return push.updates.map(({ ref }) => allowed(ref));
    const wasm = this.#hooks.runner(push.namespace);
    return evaluatePush(this.#bundles.get(push.namespace), push, { wasm });
  }

  async afterwards(push: PushFacts): Promise<string[]> {
    const bundle = this.#bundles.get(push.namespace);
    if (!bundle || !this.#hasPolicies(push.namespace)) return [];
    return runPostReceive(bundle, push, this.#hooks.runner(push.namespace));
  }

  #hasPolicies(namespace: string): boolean {
    return this.#protections.list(namespace).length + this.#refPolicies.list(namespace).length > 0;
  }
}

function allowed(ref: string): RefDecision {
  return { ref, allowed: true, decision: "Accepted", results: [] };
}
