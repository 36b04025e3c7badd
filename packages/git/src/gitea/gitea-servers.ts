import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { AxiosInstance, AxiosRequestConfig } from "axios";
import { describe, GiteaRefusedError, GiteaUnavailableError, isCallError, isUnreachable } from "./errors.ts";
import { placementOrder } from "./placement.ts";

/** One Gitea process (a Pod, in a cluster). */
export interface GiteaServer {
  /** Stable over restarts: placement hashes it. `gitea-0` */
  name: string;
  /** Without a slash at the end. */
  url: string;
}

export interface GiteaAnswer {
  status: number;
  data: unknown;
}

const callTimeoutMs = 30_000;
const maxAnswerBytes = 64 * 1024 * 1024;
const probeTimeoutMs = 2_000;
const probeEveryMs = 1_000;
/** Probes in a row that must fail before a process counts as away, and succeed before it counts as back: no flapping. */
const failuresUntilAway = 2;
const successesUntilBack = 3;
/** Longest time in which all processes are tried again and again for one call, in milliseconds. */
const patienceMs = 10_000;
const pauseMs = 250;

interface Standing {
  isAway: boolean;
  /** Probes in a row that say the opposite. */
  against: number;
}

/** The Gitea processes over one volume and one database: any of them can serve anything. */
export class GiteaServers {
  readonly #servers: readonly GiteaServer[];
  /** Loaded with the first call: an installation without Gitea does without it. */
  #loaded: Promise<AxiosInstance> | undefined;
  readonly #tokenFile: string;
  readonly #standing = new Map<string, Standing>();
  #watched = false;

  constructor(options: { servers: readonly GiteaServer[]; tokenFile: string }) {
    this.#servers = options.servers;
    this.#tokenFile = options.tokenFile;
    for (const { name } of options.servers) this.#standing.set(name, { isAway: false, against: 0 });
  }

  /** Where `key` is served: first choice first. */
  order(key: string): GiteaServer[] {
    return placementOrder(key, this.#servers);
  }

  /** Whether a process answers now (as seen lately, while `watch` runs). */
  async isAway(server: GiteaServer): Promise<boolean> {
    if (this.#watched) return this.#standing.get(server.name)?.isAway ?? true;
    return !(await this.#answers(server));
  }

  /** Looks after the processes until the signal fires; hears of every change once it has lasted. */
  async watch(signal: AbortSignal, onChange: (server: GiteaServer, isAway: boolean) => void): Promise<void> {
    this.#watched = true;
    try {
      while (!signal.aborted) {
        await Promise.all(this.#servers.map((server) => this.#probe(server, onChange)));
        await delay(probeEveryMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      this.#watched = false;
    }
  }

  async #probe(server: GiteaServer, onChange: (server: GiteaServer, isAway: boolean) => void): Promise<void> {
    const standing = this.#standing.get(server.name);
    if (!standing) return;
    const isAway = !(await this.#answers(server));
    standing.against = isAway === standing.isAway ? 0 : standing.against + 1;
    if (standing.against < (isAway ? failuresUntilAway : successesUntilBack)) return;
    standing.isAway = isAway;
    standing.against = 0;
    onChange(server, isAway);
  }

  #http(): Promise<AxiosInstance> {
    const settings = {
      timeout: callTimeoutMs,
      maxRedirects: 0,
      maxContentLength: maxAnswerBytes,
      proxy: false as const,
    };
    this.#loaded ??= import("axios").then(({ default: axios }) => axios.create(settings));
    return this.#loaded;
  }

  async #answers({ url }: GiteaServer): Promise<boolean> {
    const http = await this.#http();
    return http.get(`${url}/api/healthz`, { timeout: probeTimeoutMs }).then(
      () => true,
      () => false, // away, starting, or without its database: all of it means that it serves nothing
    );
  }

  /** Calls the REST API. Statuses in `expected` are answers; every other one above 299 is an error. */
  async api(
    key: string,
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    { data, expected = [] }: { data?: unknown; expected?: readonly number[] } = {},
  ): Promise<GiteaAnswer> {
    const token = await this.#token();
    return this.call(key, `${method} ${path}`, {
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `token ${token}`, accept: "application/json" },
      validateStatus: (status) => status < 300 || expected.includes(status),
      ...(data !== undefined && { data }),
    });
  }

  /** Sends a receive-pack request; `undefined` answers are never given. */
  async receivePack(key: string, path: string, body: Buffer): Promise<Buffer> {
    const credentials = Buffer.from(`krate:${await this.#token()}`).toString("base64");
    const { data } = await this.call(
      key,
      `push to ${path}`,
      {
        method: "POST",
        url: `/${path}.git/git-receive-pack`,
        headers: {
          authorization: `Basic ${credentials}`,
          "content-type": "application/x-git-receive-pack-request",
          accept: "application/x-git-receive-pack-result",
        },
        responseType: "arraybuffer",
        data: body,
      },
      { once: true },
    );
    return data as Buffer;
  }

  /**
   * Asks the processes in their order until one answers, for some seconds; with `once` the first that takes the request decides,
   * because it may have done something before it broke off.
   *
   * @throws {GiteaUnavailableError} when none answers
   * @throws {GiteaRefusedError} when one says no
   */
  async call(
    key: string,
    what: string,
    request: AxiosRequestConfig,
    { once = false }: { once?: boolean } = {},
  ): Promise<GiteaAnswer> {
    const http = await this.#http();
    const correlationId = randomUUID();
    const deadline = performance.now() + patienceMs;
    for (;;) {
      let last = "no Gitea process is configured";
      for (const { name, url } of this.order(key)) {
        try {
          const headers = { ...request.headers, "x-request-id": correlationId } as Record<string, string>;
          const { status, data } = await http.request<unknown>({ ...request, baseURL: url, headers });
          return { status, data };
        } catch (error) {
          if (!isCallError(error)) throw error;
          const problem = `${what}: ${name} says ${describe(error)} (correlation id ${correlationId})`;
          if (!isUnreachable(error)) throw new GiteaRefusedError(problem, error.response?.status ?? 0);
          last = problem;
          if (once && error.code !== "ECONNREFUSED") throw new GiteaUnavailableError(last);
        }
      }
      if (performance.now() > deadline) throw new GiteaUnavailableError(last);
      await delay(pauseMs);
    }
  }

  /** Read anew for every call: Secrets rotate. */
  async #token(): Promise<string> {
    return (await readFile(this.#tokenFile, "utf8")).trim();
  }
}
