/** What all BranchProtections of one ref ask for together: the most restrictive value of each field wins (kinds.md §5.4). */
import type { BranchProtection, ObjectOf } from "@krate/kinds";
import type { Subject } from "./bundle.ts";
import { protectedRepositories } from "./compile.ts";
import { matchRef } from "./glob.ts";

export interface EffectiveProtection {
  /** Names of the BranchProtections that apply, sorted. */
  sources: string[];
  requirePullRequest: boolean;
  requiredApprovals: number;
  requiredTeams: string[];
  requireCodeOwners: boolean;
  requiredChecks: string[];
  dismissStaleApprovals: boolean;
  allowForcePush: boolean;
  allowDeletion: boolean;
  requireSignedCommits: boolean;
  requireLinearHistory: boolean;
  /** Subjects that every applying protection lets bypass. */
  bypass: Subject[];
}

/** Undefined when nothing protects `ref` (a full name) of `repository`. */
export function effectiveProtection(
  branchProtections: readonly ObjectOf<typeof BranchProtection>[],
  repository: { metadata: { name?: string; labels?: Record<string, string> } },
  ref: string,
): EffectiveProtection | undefined {
  const applying = branchProtections.filter(({ spec }) => {
    const repositories = protectedRepositories(spec, [repository]);
    const inScope = repositories === "*" || repositories.includes(repository.metadata.name ?? "");
    return inScope && spec.refs.some((glob) => matchRef(glob, ref));
  });
  if (applying.length === 0) return undefined;
  const specs = applying.map(({ spec }) => spec);
  const union = (lists: (readonly string[] | undefined)[]) => [...new Set(lists.flatMap((list) => list ?? []))].sort();
  const same = (a: Subject, b: Subject) => a.kind === b.kind && a.name === b.name && a.namespace === b.namespace;
  return {
    sources: applying.map(({ metadata }) => metadata.name ?? "").sort(),
    requirePullRequest: specs.some((spec) => spec.requirePullRequest !== false),
    requiredApprovals: Math.max(...specs.map((spec) => spec.requiredApprovals ?? 0)),
    requiredTeams: union(specs.map((spec) => spec.requiredTeams)),
    requireCodeOwners: specs.some((spec) => spec.requireCodeOwners === true),
    requiredChecks: union(specs.map((spec) => spec.requiredChecks)),
    dismissStaleApprovals: specs.some((spec) => spec.dismissStaleApprovals !== false),
    allowForcePush: specs.every((spec) => spec.allowForcePush === true),
    allowDeletion: specs.every((spec) => spec.allowDeletion === true),
    requireSignedCommits: specs.some((spec) => spec.requireSignedCommits === true),
    requireLinearHistory: specs.some((spec) => spec.requireLinearHistory === true),
    bypass: (specs[0]?.bypass ?? []).filter((subject) =>
      specs.every((spec) => spec.bypass?.some((other) => same(subject, other))),
    ),
  };
}
