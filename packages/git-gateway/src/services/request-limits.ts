import { GatewayError } from "../access/gateway-error.ts";
import type { RepositoryView } from "../ports.ts";

/** How much one repository, and one tenant (namespace), may have under way at once. */
export interface RequestLimitsOptions {
  /** @defaultValue 200 */
  fetchesPerRepository: number;
  /** They land one after the other, so more only wait. @defaultValue 32 */
  pushesPerRepository: number;
  /** Requests to the Git LFS API, each of which may carry one large file. @defaultValue 64 */
  lfsRequestsPerRepository: number;
  /** Fetches, pushes and large files of all its repositories. @defaultValue 500 */
  requestsPerNamespace: number;
}

export const defaultRequestLimits: Readonly<RequestLimitsOptions> = {
  fetchesPerRepository: 200,
  pushesPerRepository: 32,
  lfsRequestsPerRepository: 64,
  requestsPerNamespace: 500,
};

const lfsRequests = { what: "Git LFS requests", limit: "lfsRequestsPerRepository" } as const;
const fetches = { what: "fetches", limit: "fetchesPerRepository" } as const;
const perRepository: Readonly<Record<string, { what: string; limit: keyof RequestLimitsOptions }>> = {
  "git-receive-pack": { what: "pushes", limit: "pushesPerRepository" },
  "git-lfs": lfsRequests,
  "git-lfs-authenticate": lfsRequests,
};

/** Seconds after which a refused client may try again. */
const retryAfterSeconds = 5;

/** Counts what is under way, so that one busy repository or tenant leaves room for the others. */
export class RequestLimits {
  readonly #options: RequestLimitsOptions;
  readonly #running = new Map<string, number>();
  readonly #onRefused: (() => void) | undefined;

  constructor(options: Partial<RequestLimitsOptions> = {}, onRefused?: () => void) {
    this.#options = { ...defaultRequestLimits, ...options };
    this.#onRefused = onRefused;
  }

  /** Runs `serve` when there is room. @throws {GatewayError} 429 that says whose limit is reached */
  async run<T>(service: string, view: RepositoryView, serve: () => Promise<T>): Promise<T> {
    const { namespace, name } = view;
    const { what, limit } = perRepository[service] ?? fetches;
    const counters = [
      {
        key: `${namespace}/${name} ${what}`,
        max: this.#options[limit],
        who: `repository "${namespace}/${name}"`,
        what,
      },
      {
        key: namespace,
        max: this.#options.requestsPerNamespace,
        who: `namespace "${namespace}"`,
        what: "Git requests",
      },
    ];
    for (const { key, max, who, what } of counters) {
      if ((this.#running.get(key) ?? 0) < max) continue;
      this.#onRefused?.();
      throw new GatewayError(429, `${who} has ${max} ${what} under way, which is its limit; try again in a moment`, {
        "retry-after": String(retryAfterSeconds),
      });
    }
    for (const { key } of counters) this.#running.set(key, (this.#running.get(key) ?? 0) + 1);
    try {
      return await serve();
    } finally {
      for (const { key } of counters) this.#release(key);
    }
  }

  #release(key: string): void {
    const left = (this.#running.get(key) ?? 1) - 1;
    if (left > 0) this.#running.set(key, left);
    else this.#running.delete(key);
  }
}
