import { setTimeout as delay } from "node:timers/promises";
import { ConfigMap, isReason, toLabelValue } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";

/** Annotation prefix by which an enforcing process says which bundle it judges by; refpolicy-compiler turns it into `Distributed`. */
const appliedPrefix = "applied.krate.a5c.ai/";
const retryMs = 5_000;

/**
 * Reports on each bundle's ConfigMap which version this gateway enforces: annotation `applied.krate.a5c.ai/<gateway>: <hash>`.
 * Only the newest version of a namespace is reported; a report that fails is repeated every 5 s.
 */
export class AppliedReports {
  readonly #client: KubeClient;
  readonly #annotation: string;
  readonly #onProblem: (message: string, error: unknown) => void;
  /** What is to be written, by namespace. */
  readonly #wanted = new Map<string, { name: string; hash: string }>();
  /** Bundles that carry our annotation, by namespace. */
  readonly #reported = new Map<string, string>();
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(client: KubeClient, gateway: string, onProblem: (message: string, error: unknown) => void) {
    this.#client = client;
    this.#annotation = `${appliedPrefix}${toLabelValue(gateway) || "gateway"}`;
    this.#onProblem = onProblem;
  }

  /** Tells that bundle `hash`, found in ConfigMap `name`, is in force; `annotations` are what the ConfigMap says already. */
  report(namespace: string, name: string, hash: string, annotations: Readonly<Record<string, string>> = {}): void {
    if (annotations[this.#annotation] === hash) {
      this.#reported.set(namespace, name);
      this.#wanted.delete(namespace);
      return;
    }
    this.#wanted.set(namespace, { name, hash });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    for (let next = this.#next(); next && !this.#stopped; next = this.#next()) {
      const [namespace, { name, hash }] = next;
      if (await this.#write(namespace, name, hash)) {
        this.#reported.set(namespace, name);
        if (this.#wanted.get(namespace)?.hash === hash) this.#wanted.delete(namespace);
      } else await delay(retryMs, undefined, { ref: false });
    }
  }

  #next(): [string, { name: string; hash: string }] | undefined {
    return this.#wanted.entries().next().value;
  }

  /** False when it has to be tried again. */
  async #write(namespace: string, name: string, hash: string | null): Promise<boolean> {
    try {
      await this.#client.patch(
        ConfigMap,
        { namespace, name },
        { metadata: { annotations: { [this.#annotation]: hash } } },
        { type: "merge", timeoutSeconds: 5 },
      );
      return true;
    } catch (error) {
      if (isReason(error, "NotFound")) return true;
      this.#onProblem(`the policy bundle of namespace "${namespace}" could not be marked as applied`, error);
      return false;
    }
  }

  /** Takes the reports back: who no longer serves must not hold up `Distributed`. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#reported].map(([namespace, name]) => this.#write(namespace, name, null)));
  }
}
