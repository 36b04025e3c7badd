import { setTimeout as sleep } from "node:timers/promises";
import type { ProgramContext } from "@krate/controller";
import { listRefs } from "@krate/git";
import { PullRequest, Repository } from "@krate/kinds";
import { GatewayUnavailableError } from "../git/push.ts";
import { type KnownPullRequest, planSweep } from "../patch-set/sweep.ts";
import type { OperatorPorts } from "../ports.ts";
import { hasEnded } from "../pull-request/status.ts";

const lookMilliseconds = 2_000;
const everythingMilliseconds = 24 * 3_600_000;
const maxDeletionsOfOnePush = 200;

/** Repositories in which a pull request was deleted as an object. */
export class LostPullRequests {
  /** Repository of each pull request that was seen, by `<namespace>/<name>`. */
  readonly #repositories = new Map<string, string>();
  #lost = new Set<string>();

  seen(pullRequest: string, repository: string): void {
    this.#repositories.set(pullRequest, repository);
  }

  forgotten(pullRequest: string): void {
    const repository = this.#repositories.get(pullRequest);
    this.#repositories.delete(pullRequest);
    if (repository) this.#lost.add(repository);
  }

  /** `<namespace>/<name>` of each, once. */
  take(): string[] {
    const taken = [...this.#lost];
    this.#lost = new Set();
    return taken;
  }

  again(repository: string): void {
    this.#lost.add(repository);
  }
}

/** Deletes refs below refs/pull/ that nobody needs: of every repository at the start and once a day, and where a pull request was deleted. */
export async function sweepPullRefs(
  { lister, log, now }: ProgramContext,
  signal: AbortSignal,
  { ports, lost }: { ports: OperatorPorts; lost: LostPullRequests },
): Promise<void> {
  await lister(PullRequest).synced();
  await lister(Repository).synced();
  for (let nextFull = 0; !signal.aborted; ) {
    const isFull = now().getTime() >= nextFull;
    if (isFull) nextFull = now().getTime() + everythingMilliseconds;
    const taken = lost.take();
    const all = lister(Repository)
      .list()
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    for (const repository of isFull ? all : taken) {
      if (signal.aborted) return;
      try {
        await sweep(repository, { lister, now }, ports, signal);
      } catch (error) {
        if (signal.aborted) return;
        lost.again(repository);
        const level = error instanceof GatewayUnavailableError ? "info" : "warn";
        log[level]({ err: error, repository }, "refs that nobody needs were not swept; trying again later");
      }
    }
    await sleep(lookMilliseconds, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function sweep(
  repository: string,
  { lister, now }: Pick<ProgramContext, "lister" | "now">,
  { backend, gateway }: OperatorPorts,
  signal: AbortSignal,
): Promise<void> {
  const [namespace = "", name = ""] = repository.split("/");
  const object = lister(Repository).get({ namespace, name });
  // An archived one takes no writes, one that is being deleted needs none.
  if (!object || object.spec.archived || object.metadata.deletionTimestamp) return;
  const from = { gitDir: backend.gitDir({ namespace, name }), signal };
  if (object.status?.phase !== "Ready" && object.status?.phase !== "Degraded") return;
  const refs = await listRefs(from, ["refs/pull"]);
  if (refs.length === 0) return;
  const known = new Map<number, KnownPullRequest>();
  for (const pullRequest of lister(PullRequest).list(namespace)) {
    const { number, mergedAt, closedAt } = pullRequest.status ?? {};
    if (pullRequest.spec.repository !== name || number === undefined) continue;
    known.set(number, { endedAt: hasEnded(pullRequest) ? (mergedAt ?? closedAt) : undefined });
  }
  const doomed = planSweep(refs, known, now());
  for (let at = 0; at < doomed.length; at += maxDeletionsOfOnePush)
    await gateway.pushTogether({ namespace, name }, doomed.slice(at, at + maxDeletionsOfOnePush), { from });
}
