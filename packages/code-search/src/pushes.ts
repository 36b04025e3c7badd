/**
 * What pushes tell: which repository to look at again, since when, and until when to expect that a ref still has to arrive where the
 * event says, because the gateway records an event before it moves the ref. The truth is Git; after a restart every repository is
 * looked at anyway.
 */
import { defineLogConsumer, defineTrigger, type LogConsumer, type Trigger } from "@krate/controller";
import { GitEvent, type ObjectOf, Repository } from "@krate/kinds";
import type { ObjectKey } from "@krate/kube";
import { wantedBranches } from "./controllers/wanted-branches.ts";
import type { BranchTip } from "./engine/code-search.ts";

const expectedForMs = 5_000;
/** Pushes of one repository within this time are one look at it. */
const gatherSeconds = 0.2;
const zeroId = /^0+$/;

interface Awaited {
  /** When the oldest push that is not indexed was received. */
  sinceMs: number;
  /** New commit by branch, with the time until which to wait for it. */
  refs: Map<string, { sha: string; untilMs: number }>;
}

export class Pushes {
  readonly repositories: Trigger = defineTrigger();
  readonly #awaited = new Map<string, Awaited>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  note(key: ObjectKey, branch: string, sha: string, receivedAt: string): void {
    const sinceMs = Date.parse(receivedAt);
    const known = this.#awaited.get(nameOf(key));
    const entry: Awaited = known ?? { sinceMs, refs: new Map() };
    entry.sinceMs = Math.min(entry.sinceMs, sinceMs);
    entry.refs.set(branch, { sha, untilMs: sinceMs + expectedForMs });
    this.#awaited.set(nameOf(key), entry);
    this.repositories.enqueue(key, { afterSeconds: gatherSeconds });
  }

  /** Whether some ref is still to arrive where its event says. */
  arePending(key: ObjectKey, tips: readonly BranchTip[]): boolean {
    const now = this.#now();
    for (const [branch, { sha, untilMs }] of this.#awaited.get(nameOf(key))?.refs ?? []) {
      const tip = tips.find(({ name }) => name === branch)?.commit;
      const arrived = zeroId.test(sha) ? tip === undefined : tip === sha;
      if (!arrived && now < untilMs) return true;
    }
    return false;
  }

  /** Seconds since the oldest push that is not indexed; undefined: none is known. */
  lagSeconds(key: ObjectKey): number | undefined {
    const since = this.#awaited.get(nameOf(key))?.sinceMs;
    return since === undefined ? undefined : Math.max(0, (this.#now() - since) / 1000);
  }

  /** Of all repositories. */
  maxLagSeconds(): number {
    return Math.max(0, ...[...this.#awaited.values()].map(({ sinceMs }) => (this.#now() - sinceMs) / 1000));
  }

  /** Everything pushed until now is indexed, or nobody asks any more. */
  settled(key: ObjectKey): void {
    this.#awaited.delete(nameOf(key));
  }
}

function nameOf({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}

export function pushConsumer(pushes: Pushes): LogConsumer {
  return defineLogConsumer({
    name: "code-search-pushes",
    kind: GitEvent,
    reads: [Repository],
    async handle({ metadata, spec }: ObjectOf<typeof GitEvent>, { lister }) {
      if (spec.decision === "Rejected" || !spec.ref.startsWith("refs/heads/")) return;
      const key = { namespace: metadata.namespace ?? "", name: spec.repository };
      const repository = lister(Repository).get(key);
      const branch = spec.ref.slice("refs/heads/".length);
      if (!repository || !wantedBranches(repository).includes(branch)) return;
      pushes.note(key, branch, spec.newSha, spec.receivedAt);
    },
  });
}
