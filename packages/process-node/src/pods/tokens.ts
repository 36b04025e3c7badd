/** Tokens of projected volumes: requested for the Pod, written for its process only, renewed long before they end. */
import { renameSync, writeFileSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import type { PodType } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { ContainerConfigError } from "./environment.ts";
import { give, type Owner } from "./pod-folder.ts";

const minimumSeconds = 600;
const renewAfterShare = 0.8;
const retryMilliseconds = 10_000;

export interface TokenSource {
  volume: string;
  /** Relative to the volume. */
  path: string;
  audience: string | undefined;
  expirationSeconds: number;
}

/** @throws ContainerConfigError for a path that leads out of its volume */
export function tokenSources(pod: PodType): TokenSource[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name: volume, projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken: source }) => {
      if (!source) return [];
      const path = normalize(source.path);
      // One folder per volume, and the container owns none of it: a deeper path would need folders made safely.
      if (isAbsolute(path) || path.includes("/") || path === ".." || path === ".")
        throw new ContainerConfigError(`volume ${volume}: token path "${source.path}" must be a file name`);
      const expirationSeconds = Math.max(minimumSeconds, source.expirationSeconds ?? 3600);
      return [{ volume, path, audience: source.audience, expirationSeconds }];
    }),
  );
}

/** The token a program is meant to find first: one for a stated audience before the one for the API server. */
export function mainToken(sources: readonly TokenSource[]): TokenSource | undefined {
  return sources.find(({ audience }) => audience !== undefined) ?? sources[0];
}

export class PodTokens {
  readonly #client: KubeClient;
  readonly #owner: Owner | undefined;
  readonly #onProblem: (error: unknown, pod: PodType) => void;
  readonly #timers = new Map<string, Set<NodeJS.Timeout>>();

  constructor(client: KubeClient, owner: Owner | undefined, onProblem: (error: unknown, pod: PodType) => void) {
    this.#client = client;
    this.#owner = owner;
    this.#onProblem = onProblem;
  }

  /** Writes all tokens of a Pod and keeps them fresh until `drop`. `volumes` = folder of the Pod's volumes. */
  async keep(pod: PodType, volumes: string): Promise<void> {
    const uid = pod.metadata?.uid ?? "";
    if (this.#timers.has(uid)) return;
    const timers = new Set<NodeJS.Timeout>();
    this.#timers.set(uid, timers);
    try {
      for (const source of tokenSources(pod)) await this.#renew(pod, source, volumes, timers);
    } catch (error) {
      this.drop(uid);
      throw error;
    }
  }

  drop(uid: string): void {
    for (const timer of this.#timers.get(uid) ?? []) clearTimeout(timer);
    this.#timers.delete(uid);
  }

  close(): void {
    for (const uid of [...this.#timers.keys()]) this.drop(uid);
  }

  async #renew(pod: PodType, source: TokenSource, volumes: string, timers: Set<NodeJS.Timeout>): Promise<void> {
    const again = (milliseconds: number) => {
      if (this.#timers.get(pod.metadata?.uid ?? "") !== timers) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        this.#renew(pod, source, volumes, timers).catch((error: unknown) => {
          this.#onProblem(error, pod);
          again(retryMilliseconds);
        });
      }, milliseconds);
      timers.add(timer.unref());
    };
    const { token, expiresAt } = await this.#request(pod, source);
    const file = join(volumes, source.volume, source.path);
    writeFileSync(`${file}.new`, token, { mode: 0o600 });
    give(`${file}.new`, this.#owner);
    renameSync(`${file}.new`, file);
    again(Math.max(1000, (expiresAt - Date.now()) * renewAfterShare));
  }

  async #request(pod: PodType, source: TokenSource): Promise<{ token: string; expiresAt: number }> {
    const { namespace = "", name = "", uid = "" } = pod.metadata ?? {};
    const account = pod.spec?.serviceAccountName ?? "default";
    const response = await this.#client.raw({
      method: "POST",
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          ...(source.audience !== undefined && { audiences: [source.audience] }),
          expirationSeconds: source.expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
        },
      },
    });
    const { status } = (await response.json()) as { status: { token: string; expirationTimestamp: string } };
    return { token: status.token, expiresAt: Date.parse(status.expirationTimestamp) };
  }
}
