/**
 * How the cluster is asked who somebody is and what they may do: TokenReview and SubjectAccessReview with the manners of kube-apiserver's
 * webhook clients. Answers and failures in between are counted, a failing cluster is asked again a few times, and no flood of unknown tokens
 * becomes a flood of questions: so many are asked at a time, so many wait, and the rest fail at once.
 * Source: k8s.io/apiserver/pkg/util/webhook, `DefaultRetryBackoffWithInitialDelay(500 ms)`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, serviceUnavailable } from "@krate/kinds";
import type { KubeClient, RawRequest, RawResponse } from "@krate/kube";
import type { Metrics } from "@krate/telemetry/metrics";

export interface ReviewObserver {
  /** One question was answered (`code` is the HTTP status) or not (`<error>`). */
  asked(review: "authn" | "authz", code: string, seconds: number): void;
}

export interface ReviewClientOptions {
  observer?: ReviewObserver | undefined;
  maxAtATime?: number;
  maxWaiting?: number;
  /** The first pause; each is half as long again, with jitter. */
  backoffMilliseconds?: number;
}

const defaults = { maxAtATime: 64, maxWaiting: 2000, backoffMilliseconds: 500 };
const maxAttempts = 5;
const backoffFactor = 1.5;
const jitter = 0.2;

/** The client with another `raw`, which `tokenReview` and `accessReview` of `@krate/kube` ask by. */
export function reviewClient(client: KubeClient, options: ReviewClientOptions = {}): KubeClient {
  const { observer, maxAtATime, maxWaiting, backoffMilliseconds } = { ...defaults, ...options };
  const gate = new Gate(maxAtATime, maxWaiting);
  const ask = async (request: RawRequest): Promise<RawResponse> => {
    const review = request.path.includes("authentication") ? "authn" : "authz";
    const since = performance.now();
    const tell = (code: string) => observer?.asked(review, code, (performance.now() - since) / 1000);
    try {
      const response = await client.raw(request);
      tell(String(response.status));
      return response;
    } catch (error) {
      tell(error instanceof ApiError && !isUnreachable(error) ? String(error.code) : "<error>");
      throw error;
    }
  };
  const raw = async (request: RawRequest): Promise<RawResponse> => {
    const leave = await gate.enter();
    try {
      for (let attempt = 1, pause = backoffMilliseconds; ; attempt++, pause *= backoffFactor) {
        try {
          return await ask(request);
        } catch (error) {
          if (attempt >= maxAttempts || !mayRetry(error)) throw error;
        }
        await sleep(pause * (1 + jitter * Math.random()), undefined, { ref: false });
      }
    } finally {
      leave();
    }
  };
  return Object.create(client, { raw: { value: raw } }) as KubeClient;
}

const passing: ReadonlySet<string> = new Set([
  "InternalError",
  "ServiceUnavailable",
  "TooManyRequests",
  "ServerTimeout",
]);

/** Not Timeout: it has cost the caller ten seconds already. */
function mayRetry(error: unknown): boolean {
  return error instanceof ApiError && passing.has(error.reason);
}

const isUnreachable = (error: ApiError) => error.reason === "ServiceUnavailable" && error.cause !== undefined;

class Gate {
  readonly #max: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(max: number, maxWaiting: number) {
    this.#max = max;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws ServiceUnavailable when too many wait */
  async enter(): Promise<() => void> {
    if (this.#inside >= this.#max) {
      if (this.#waiting.length >= this.#maxWaiting) {
        throw serviceUnavailable("too many questions to the cluster's API server are waiting; try again later");
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#inside++;
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside--;
      else next();
    };
  }
}

/** Source: k8s.io/apiserver/pkg/server/options/{authentication,authorization}_metrics, `apiserver_delegated_*`. */
export function reviewMetrics(metrics: Metrics): ReviewObserver {
  const of = (review: "authn" | "authz", what: string) => ({
    requests: metrics.counter({
      name: `apiserver_delegated_${review}_request_total`,
      help: "Number of HTTP requests partitioned by status code.",
      labels: ["code"],
    }),
    seconds: metrics.histogram({
      name: `apiserver_delegated_${review}_request_duration_seconds`,
      help: `Request latency in seconds of ${what}. Broken down by status code.`,
      labels: ["code"],
    }),
  });
  const all = { authn: of("authn", "TokenReviews"), authz: of("authz", "SubjectAccessReviews") };
  return {
    asked(review, code, seconds) {
      all[review].requests.inc({ code });
      all[review].seconds.observe({ code }, seconds);
    },
  };
}
