/** Test only: objects and facts with everything a case does not care about filled in. */
import type { BranchProtection, ObjectOf, RefPolicy, Repository } from "@krate/kinds";

export { assembleHook, type HookSource } from "./assemble-hook.ts";

import type { CommitFacts, CommitSignature, PushFacts, RefUpdateFacts } from "./facts.ts";

const meta = { organizationRef: "acme" };
const sha = (digit: string) => digit.repeat(40);

export function protection(name: string, spec: Partial<ObjectOf<typeof BranchProtection>["spec"]> = {}) {
  return {
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind: "BranchProtection",
    metadata: { name },
    spec: { ...meta, refs: ["refs/heads/main"], ...spec },
  } as ObjectOf<typeof BranchProtection>;
}

export function refPolicy(name: string, spec: Partial<ObjectOf<typeof RefPolicy>["spec"]>) {
  return {
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind: "RefPolicy",
    metadata: { name },
    spec: { ...meta, ...spec },
  } as ObjectOf<typeof RefPolicy>;
}

export function repository(name: string, labels: Record<string, string> = {}) {
  return { apiVersion: "", kind: "Repository", metadata: { name, labels }, spec: meta } as ObjectOf<typeof Repository>;
}

export interface CommitOptions extends Partial<Pick<CommitFacts, "sha" | "parents" | "message">> {
  signature?: CommitSignature;
  paths?: string[];
}

export function commit({ signature, paths, ...facts }: CommitOptions = {}): CommitFacts {
  return {
    sha: sha("c"),
    parents: [sha("a")],
    message: "fix: a thing",
    ...facts,
    signature: async () => signature ?? { state: "none" },
    paths: async () => paths ?? ["README.md"],
  };
}

/** A signature nothing is wrong with. */
export const verified: CommitSignature = { state: "verified", signer: "ada" };

export interface UpdateOptions extends Partial<Omit<RefUpdateFacts, "commits" | "blobsLargerThan">> {
  commits?: CommitFacts[];
  blobs?: { sha: string; size: number; path?: string }[];
}

export function update({ commits = [commit()], blobs = [], ...facts }: UpdateOptions = {}): RefUpdateFacts {
  return {
    ref: "refs/heads/main",
    oldSha: sha("a"),
    newSha: sha("c"),
    action: "update",
    isFastForward: true,
    ...facts,
    commits: async () => commits,
    blobsLargerThan: async (bytes) => blobs.filter(({ size }) => size > bytes),
  };
}

export function push(facts: Partial<PushFacts> = {}): PushFacts {
  const actor = { user: "ada", groups: ["krate:developers"], mayBypass: false };
  return { repository: "web", actor, updates: [update()], ...facts };
}
