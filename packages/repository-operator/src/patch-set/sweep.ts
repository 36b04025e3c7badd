/** Which refs below refs/pull/ nobody needs any more: pure. */
import type { GatewayUpdate } from "../git/push.ts";
import { parsePullRef } from "./refs.ts";

/** Patch sets of a merged or closed pull request are kept this long after its end; its head as long as the record is there. */
export const keptAfterEndDays = 90;

export interface KnownPullRequest {
  /** When it was merged or closed, ISO 8601; absent while it is open. */
  endedAt?: string | undefined;
}

const zero = "0".repeat(40);

/** Deletions, in the order of the refs. `known`: pull requests of the repository by number. */
export function planSweep(
  refs: readonly { name: string; objectId: string }[],
  known: ReadonlyMap<number, KnownPullRequest>,
  now: Date,
): GatewayUpdate[] {
  const endedBefore = new Date(now.getTime() - keptAfterEndDays * 86_400_000).toISOString();
  const isUnneeded = (name: string) => {
    const parsed = parsePullRef(name);
    if (!parsed) return false;
    const pullRequest = known.get(parsed.pullRequest);
    if (!pullRequest) return true;
    return parsed.patchSet !== undefined && pullRequest.endedAt !== undefined && pullRequest.endedAt < endedBefore;
  };
  return refs
    .filter(({ name }) => isUnneeded(name))
    .map(({ name, objectId }) => ({ ref: name, newId: zero, expectedId: objectId }));
}
