/** The effects of a merge queue: each may be repeated, and each is safe against a state that is older than the world. */
import type { ReconcileContext } from "@krate/controller";
import { isAncestor, type ReadOptions, readCommit, zeroObjectId } from "@krate/git";
import { isReason, PullRequest } from "@krate/kinds";
import type { OperatorPorts } from "../ports.ts";
import { branchRef } from "../pull-request/locate.ts";
import type { PullRequestObject } from "../pull-request/status.ts";
import { type ChainInput, withChain } from "./chain.ts";
import type { Action, Batch, BuiltEntry } from "./state.ts";

export interface QueueSite {
  repository: { namespace: string; name: string };
  gitDir: string;
  branch: string;
}

type Of<Kind extends Action["kind"]> = Extract<Action, { kind: Kind }>;
export type Refusal = { refused: string };
/** The world is not as the action needs it; look again. */
export type Changed = { changed: true };

/** Commits of a batch come into the repository with the ref of its candidate; a batch whose commits cannot be made again is `lost`. */
export async function pushCandidate(
  action: Of<"push-candidate">,
  {
    site,
    chain,
    batch,
    ports,
    signal,
  }: {
    site: QueueSite;
    chain: (uids: readonly string[]) => ChainInput | undefined;
    batch: Batch;
    ports: OperatorPorts;
    signal: AbortSignal;
  },
): Promise<"pushed" | "lost"> {
  const { commit } = action;
  const [known] = await ports.branches.refs(site.gitDir, [commit]);
  if (known === commit) {
    await pushRef(action, { gitDir: site.gitDir, signal }, { site, ports });
    return "pushed";
  }
  const input = chain(batch.members.map(({ uid }) => uid));
  if (!input) return "lost";
  return withChain({ ...input, baseSha: batch.baseSha, at: batch.builtAt }, async (built, read) => {
    if (!isSameChain(batch, built)) return "lost";
    await pushRef(action, read, { site, ports });
    return "pushed";
  });
}

/** Creates the ref of a candidate from where its commit is. One that exists already is another step's business. */
export async function pushRef(
  { ref, commit }: Of<"push-candidate">,
  from: ReadOptions,
  { site, ports }: { site: QueueSite; ports: OperatorPorts },
): Promise<void> {
  const update = { ref, newId: commit, expectedId: zeroObjectId };
  const outcome = await ports.gateway.push(site.repository, update, { from });
  if (outcome.result === "refused") throw new Error(`git-gateway refuses ${ref}: ${outcome.reason}`);
}

function isSameChain({ members }: Batch, built: readonly BuiltEntry[]): boolean {
  return members.every(({ commit }, index) => {
    const one = built[index];
    return one?.result === "built" && one.commit === commit;
  });
}

export async function deleteCandidate(
  { ref, commit }: Of<"delete-candidate">,
  { site, ports, signal }: { site: QueueSite; ports: OperatorPorts; signal: AbortSignal },
): Promise<void> {
  const update = { ref, newId: zeroObjectId, expectedId: commit };
  const outcome = await ports.gateway.push(site.repository, update, { from: { gitDir: site.gitDir, signal } });
  if (outcome.result === "refused") throw new Error(`git-gateway refuses to delete ${ref}: ${outcome.reason}`);
}

/**
 * The branch moves to the candidate, from exactly where it was when the candidate was built, if the candidate is what was tested: the
 * commit with the recorded tree, on top of that place.
 */
export async function moveBase(
  { from, to, members }: Of<"move-base">,
  { site, ports, signal }: { site: QueueSite; ports: OperatorPorts; signal: AbortSignal },
): Promise<Refusal | undefined> {
  const read = { gitDir: site.gitDir, signal };
  const last = members.at(-1);
  const { treeId } = await readCommit(to, read);
  if (last?.commit !== to || treeId !== last.treeId || !(await isAncestor(from, to, read)))
    throw new Error(`candidate ${to} is not the commit that was tested: ${site.branch} is not moved`);
  const update = { ref: branchRef(site.branch), newId: to, expectedId: from };
  const outcome = await ports.gateway.push(site.repository, update, { from: read, mergeOf: last.pullRequest });
  return outcome.result === "refused" ? { refused: outcome.reason } : undefined;
}

/** Open → Merging, judged once more by the API server. Answers the object as it is then. */
export async function claimPullRequest(
  { pullRequest, uid, headSha }: Of<"claim">,
  namespace: string,
  { client }: ReconcileContext,
): Promise<{ object: PullRequestObject } | Refusal | Changed> {
  const found = await client.find(PullRequest, { namespace, name: pullRequest });
  if (!found || found.metadata.uid !== uid) return { refused: "the pull request was deleted" };
  const { phase, queue } = found.status ?? {};
  if (phase === "Merging" || phase === "Merged") return { object: found };
  if (found.spec.queued !== true || queue?.headSha !== headSha) return { changed: true };
  return patchMerged(found, true, client);
}

/** Merging → Open. */
export async function releasePullRequest(
  { pullRequest, uid }: Of<"release">,
  namespace: string,
  { client }: ReconcileContext,
): Promise<{ object: PullRequestObject } | Refusal | Changed> {
  const found = await client.find(PullRequest, { namespace, name: pullRequest });
  if (!found || found.metadata.uid !== uid) return { changed: true };
  if (found.status?.phase !== "Merging" || found.spec.queued !== true) return { object: found };
  return patchMerged(found, false, client);
}

/** On exactly the version that was looked at. */
async function patchMerged(
  { metadata }: PullRequestObject,
  merged: boolean,
  client: ReconcileContext["client"],
): Promise<{ object: PullRequestObject } | Refusal | Changed> {
  const { namespace = "", name = "", resourceVersion } = metadata;
  try {
    const patch = { metadata: { resourceVersion }, spec: { merged } };
    return { object: await client.patch(PullRequest, { namespace, name }, patch, { type: "merge" }) };
  } catch (error) {
    if (isReason(error, "Conflict")) return { changed: true };
    if (isReason(error, "Forbidden") || isReason(error, "Invalid")) return { refused: (error as Error).message };
    throw error;
  }
}
