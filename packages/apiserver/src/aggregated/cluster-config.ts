import type { JsonObject } from "@krate/apimachinery";
import { ApiError, type KindRef } from "@krate/kinds";
import { type Informer, informer, type KubeClient } from "@krate/kube";
import type { Logger } from "@krate/telemetry";
import type { ConfigKind, ConfigReader } from "../services.ts";

type AnyObject = JsonObject & { metadata?: Record<string, never> };

/** Reads configuration from the cluster's API server; one informer per kind, started when the kind is first asked for. */
export class ClusterConfig implements ConfigReader {
  readonly #client: KubeClient;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #informers = new Map<string, Informer<AnyObject>>();

  constructor({ client, log, signal }: { client: KubeClient; log: Logger; signal: AbortSignal }) {
    this.#client = client;
    this.#log = log;
    this.#signal = signal;
  }

  follow(kind: ConfigKind): Informer<AnyObject> {
    const id = `${kind.group}/${kind.version}/${kind.plural}`;
    const known = this.#informers.get(id);
    if (known !== undefined) return known;
    const made = informer(this.#client, refOf(kind), {
      onProblem: ({ message, error }) => this.#log.warn({ err: error, resource: kind.plural }, message),
    }) as unknown as Informer<AnyObject>;
    this.#informers.set(id, made);
    made.start(this.#signal);
    return made;
  }

  get(kind: ConfigKind, { namespace, name }: { namespace?: string | undefined; name: string }): JsonObject | undefined {
    return this.follow(kind).get(keyOf(namespace, name));
  }

  async find(kind: ConfigKind, key: { namespace?: string | undefined; name: string }): Promise<JsonObject | undefined> {
    const cached = this.get(kind, key);
    if (cached !== undefined) return cached;
    try {
      const found = await this.#client.find(refOf(kind), keyOf(key.namespace, key.name));
      return found as JsonObject | undefined;
    } catch (error) {
      // The CustomResourceDefinition may not be there yet.
      if (error instanceof ApiError && error.reason === "NotFound") return undefined;
      throw error;
    }
  }

  list(kind: ConfigKind, namespace?: string): readonly JsonObject[] {
    return this.follow(kind).list(namespace);
  }

  onChange(kind: ConfigKind, listener: (object: JsonObject | undefined, old: JsonObject | undefined) => void): void {
    this.follow(kind).onChange((type, object, old) =>
      listener(type === "DELETED" ? undefined : object, type === "DELETED" ? object : old),
    );
  }

  synced(): boolean {
    return [...this.#informers.values()].every((each) => each.hasSynced);
  }
}

function keyOf(namespace: string | undefined, name: string): { namespace?: string; name: string } {
  return namespace === undefined || namespace === "" ? { name } : { namespace, name };
}

/** Scope only matters for the paths of single objects, which carry a namespace when they have one. */
function refOf({
  group,
  version,
  kind,
  plural,
  ...rest
}: ConfigKind & { namespaced?: boolean; scope?: KindRef["scope"] }): KindRef {
  const namespaced =
    rest.scope === undefined ? (rest.namespaced ?? !clusterScoped.has(plural)) : rest.scope === "Namespaced";
  return { group, version, kind, plural, scope: namespaced ? "Namespaced" : "Cluster" };
}

const clusterScoped = new Set([
  "namespaces",
  "validatingadmissionpolicies",
  "validatingadmissionpolicybindings",
  "mutatingadmissionpolicies",
  "mutatingadmissionpolicybindings",
  "validatingwebhookconfigurations",
  "mutatingwebhookconfigurations",
]);
