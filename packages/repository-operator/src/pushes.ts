/**
 * What pushes tell: which pull requests and repositories to look at again. Nothing here is a source of truth (git is); it only says when
 * to look, and until when to expect that a ref still has to arrive where the event says: the gateway records an event before it moves
 * the ref.
 */
import { defineLogConsumer, defineTrigger, type LogConsumer, type Trigger } from "@krate/controller";
import { GitEvent, type ObjectOf, PullRequest, Repository } from "@krate/kinds";
import type { ObjectKey } from "@krate/kube";
import { branchKey } from "./pull-request/locate.ts";

type GitEventObject = ObjectOf<typeof GitEvent>;

/** Longest an event may be ahead of its ref. After that a resync has to find it. */
const expectedForMs = 5_000;
/** Refs whose last push is remembered. */
const maxMoved = 10_000;
/** Pushes of one repository within this time are summed up in one look at the repository. */
const gatherSeconds = 0.3;

export const pullRequestBranchIndex = "branch";
export const repositoryOrganizationIndex = "organization-name";

export class Pushes {
  readonly pullRequests: Trigger = defineTrigger();
  readonly repositories: Trigger = defineTrigger();
  readonly patchSets: Trigger = defineTrigger();
  readonly #expected = new Map<string, { sha: string; untilMs: number }>();
  readonly #lastPushedAt = new Map<string, string>();
  readonly #movedAt = new Map<string, string>();
  readonly #now: () => Date;

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  /** Notes an accepted update. */
  note({ metadata, spec }: GitEventObject): void {
    const repository = `${metadata.namespace}/${spec.repository}`;
    const before = this.#lastPushedAt.get(repository);
    if (before === undefined || before < spec.receivedAt) this.#lastPushedAt.set(repository, spec.receivedAt);
    this.#movedAt.delete(`${repository}/${spec.ref}`);
    this.#movedAt.set(`${repository}/${spec.ref}`, spec.receivedAt);
    if (this.#movedAt.size > maxMoved) this.#movedAt.delete(this.#movedAt.keys().next().value as string);
    const untilMs = Date.parse(spec.receivedAt) + expectedForMs;
    if (untilMs > this.#now().getTime()) this.#expected.set(`${repository}/${spec.ref}`, { sha: spec.newSha, untilMs });
  }

  /** Whether a push was announced for the ref that it does not show yet. `sha`: where it is; undefined = it does not exist. */
  isExpectedToMove(repository: { namespace: string; name: string }, ref: string, sha: string | undefined): boolean {
    const key = `${repository.namespace}/${repository.name}/${ref}`;
    const expected = this.#expected.get(key);
    if (!expected) return false;
    const arrived = expected.sha === (sha ?? "0".repeat(40));
    if (!arrived && expected.untilMs > this.#now().getTime()) return true;
    this.#expected.delete(key);
    return false;
  }

  /** When the ref was last pushed as far as this process heard. */
  lastMovedAt(repository: { namespace: string; name: string }, ref: string): string | undefined {
    return this.#movedAt.get(`${repository.namespace}/${repository.name}/${ref}`);
  }

  /** Newest accepted push of the repository this process knows of. */
  lastPushedAt(repository: ObjectKey): string | undefined {
    return this.#lastPushedAt.get(`${repository.namespace}/${repository.name}`);
  }

  forget(repository: ObjectKey): void {
    this.#lastPushedAt.delete(`${repository.namespace}/${repository.name}`);
  }
}

/** The log consumer that feeds `pushes`. */
export function pushConsumer(pushes: Pushes): LogConsumer {
  return defineLogConsumer({
    name: "repository-operator-pushes",
    kind: GitEvent,
    reads: [PullRequest, Repository],
    async handle(event, context) {
      const { metadata, spec } = event;
      // What the operator itself keeps below refs/pull/ and refs/queue/ is no push of anybody.
      if (spec.decision === "Rejected" || /^refs\/(pull|queue)\//.test(spec.ref)) return;
      pushes.note(event);
      const namespace = metadata.namespace ?? "";
      pushes.repositories.enqueue({ namespace, name: spec.repository }, { afterSeconds: gatherSeconds });
      const branch = branchKey(spec.organizationRef, spec.repository, spec.ref);
      for (const { metadata: found } of context.lister(PullRequest).byIndex(pullRequestBranchIndex, branch)) {
        const key = { namespace: found.namespace ?? "", name: found.name ?? "" };
        pushes.pullRequests.enqueue(key);
        pushes.patchSets.enqueue(key);
      }
    },
  });
}
