/** One informer per kind and selection, shared by everything in the program. */
import { type KindRef, type ObjectOf, resourceNameOf } from "@krate/kinds";
import { type Informer, informer, type KubeClient } from "@krate/kube";
import type { Logger } from "@krate/telemetry";
import type { Selection } from "./define-controller.ts";
import { keepOwnManagedFields } from "./status.ts";

export class Informers {
  readonly #client: KubeClient;
  readonly #log: Logger;
  readonly #managers: ReadonlySet<string>;
  readonly #byKey = new Map<string, Informer<unknown>>();
  #signal: AbortSignal | undefined;

  /** `managers`: field managers whose ownership of status must be known. */
  constructor(client: KubeClient, log: Logger, managers: ReadonlySet<string>) {
    this.#client = client;
    this.#log = log;
    this.#managers = managers;
  }

  /** `transform` counts only for whoever asks first. */
  get<K extends KindRef>(
    kind: K,
    selection: Selection = {},
    options: { transform?: (object: ObjectOf<K>) => ObjectOf<K> } = {},
  ): Informer<ObjectOf<K>> {
    const { namespace = "", labelSelector = "", fieldSelector = "" } = selection;
    const key = [resourceNameOf(kind), namespace, labelSelector, fieldSelector].join("|");
    let found = this.#byKey.get(key) as Informer<ObjectOf<K>> | undefined;
    if (!found) {
      const keepOwn = keepOwnManagedFields(this.#managers);
      found = informer(this.#client, kind, {
        ...(namespace && { namespace }),
        ...(labelSelector && { labelSelector }),
        ...(fieldSelector && { fieldSelector }),
        keepManagedFields: true,
        transform: (object) => keepOwn((options.transform ?? ((same) => same))(object)),
        onProblem: ({ message, error }) => this.#log.warn({ err: error }, message),
      });
      this.#byKey.set(key, found as Informer<unknown>);
      if (this.#signal) found.start(this.#signal);
    }
    return found;
  }

  /** The informer a controller reads a kind through: one it declared, whatever its selection. @throws when there is none */
  lister<K extends KindRef>(kind: K): Informer<ObjectOf<K>> {
    for (const [key, candidate] of this.#byKey) {
      if (key.startsWith(`${resourceNameOf(kind)}|`)) return candidate as Informer<ObjectOf<K>>;
    }
    throw new Error(`no controller of this program watches or reads ${resourceNameOf(kind)}: declare it in \`reads\``);
  }

  start(signal: AbortSignal): void {
    this.#signal = signal;
    for (const entry of this.#byKey.values()) entry.start(signal);
  }

  async synced(): Promise<void> {
    await Promise.all([...this.#byKey.values()].map((entry) => entry.synced()));
  }

  /** Names of what has not been listed yet; empty = ready. */
  pending(): string[] {
    return [...this.#byKey.values()].filter((entry) => !entry.hasSynced).map(({ kind }) => resourceNameOf(kind));
  }
}
