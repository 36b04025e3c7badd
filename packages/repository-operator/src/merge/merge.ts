/**
 * One merge, from branches to a moved ref:
 *
 *   read head and base ── landed already? ──► merged
 *        ▲              └─ head is not the approved one ──► HeadMoved
 *        │ base moved   └─ build the commit (conflict ──► MergeFailed) ── push with the expected base ──► merged
 *        └───────────────────────────────────────────────────────────────────┘        └─ refused ──► MergeFailed
 *
 * The ref moves only from exactly the base the commit was built on, and the commit has exactly the tree that merging gives: a commit id is
 * a hash over both, so what lands is what was computed. Killed at any point, the next call finds the landed commit or starts over.
 */
import { readRefs } from "@krate/git";
import type { GatewayPort } from "../git/push.ts";
import { scratchRepository } from "../git/scratch.ts";
import { buildMerge, type MergeMethod } from "./build.ts";
import { findLanded, secondsOf } from "./landed.ts";
import type { MergedPullRequest, Person } from "./message.ts";

export interface BranchLocation {
  gitDir: string;
  /** Full name. */
  ref: string;
}

export interface MergeRequest {
  pullRequest: MergedPullRequest;
  repository: { namespace: string; name: string };
  base: BranchLocation;
  head: BranchLocation;
  /** The head that reviews and checks were about: nothing else is merged. */
  approvedHeadSha: string;
  method: MergeMethod;
  author: Person;
  committer: Person;
}

/** Points at which a test may end the process. */
export type MergeStep = "begun" | "built" | "pushed" | "branch-deleted";

export interface MergePorts {
  gateway: GatewayPort;
  now: () => Date;
  checkpoint?: ((step: MergeStep) => Promise<void>) | undefined;
  signal?: AbortSignal;
}

export type MergeOutcome =
  | { result: "merged"; commitId: string; at: string }
  | { result: "failed"; reason: "MergeFailed" | "HeadMoved"; message: string }
  /** Others push to the base faster than we merge: try again a little later. */
  | { result: "busy" };

const maxAttempts = 5;

export async function mergePullRequest(request: MergeRequest, ports: MergePorts): Promise<MergeOutcome> {
  await ports.checkpoint?.("begun");
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const outcome = await attemptMerge(request, ports);
    if (outcome !== "moved") return outcome;
  }
  return { result: "busy" };
}

async function attemptMerge(request: MergeRequest, ports: MergePorts): Promise<MergeOutcome | "moved"> {
  const { pullRequest, repository, base, head, approvedHeadSha, method, author, committer } = request;
  const { signal } = ports;
  const baseSha = await readRef(base);
  if (baseSha === undefined) return failed("MergeFailed", `base branch ${short(base.ref)} does not exist`);
  await using scratch = await scratchRepository([base.gitDir, head.gitDir], { ...(signal && { signal }) });
  const landed = await findLanded({ pullRequest, headSha: approvedHeadSha, baseSha }, scratch.read);
  if (landed) return { result: "merged", ...landed };

  const headSha = await readRef(head);
  if (headSha === undefined) return failed("HeadMoved", `head branch ${short(head.ref)} does not exist any more`);
  if (headSha !== approvedHeadSha)
    return failed("HeadMoved", `the merge was requested for ${approvedHeadSha}, the head is now ${headSha}`);

  const at = secondsOf(ports.now());
  const built = await buildMerge({ pullRequest, method, headSha, baseSha, author, committer, at }, scratch.read);
  if (!built.ok) return failed("MergeFailed", built.message);
  await ports.checkpoint?.("built");
  const pushed = await ports.gateway.push(
    repository,
    { ref: base.ref, newId: built.commitId, expectedId: baseSha },
    { from: scratch.read, mergeOf: pullRequest.name },
  );
  await ports.checkpoint?.("pushed");
  if (pushed.result === "moved") return "moved";
  if (pushed.result === "refused") return failed("MergeFailed", `the push was refused: ${pushed.reason}`);
  return { result: "merged", commitId: built.commitId, at };
}

export async function readRef({ gitDir, ref }: BranchLocation): Promise<string | undefined> {
  return (await readRefs([ref], { gitDir })).get(ref);
}

function failed(reason: "MergeFailed" | "HeadMoved", message: string): MergeOutcome {
  return { result: "failed", reason, message };
}

function short(ref: string): string {
  return ref.replace(/^refs\/heads\//, "");
}
