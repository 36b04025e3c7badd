/** What people write in a repository: the kinds whose admission policies the tab is about. */
import {
  CheckRun,
  Issue,
  IssueComment,
  Job,
  type KindRef,
  labels,
  Pipeline,
  PullRequest,
  Repository,
  Review,
  ReviewComment,
} from "@krate/kinds";

export interface JudgedKind {
  kind: KindRef;
  /** The server keeps a label of these objects equal to their repository. */
  hasRepositoryLabel: boolean;
}

export const judgedKinds: readonly JudgedKind[] = [
  PullRequest,
  Issue,
  Review,
  ReviewComment,
  IssueComment,
  CheckRun,
  Pipeline,
  Job,
  Repository,
].map((kind) => ({ kind, hasRepositoryLabel: labels.repository in (kind.mirroredLabels ?? {}) }));

/** Requests a policy judges: a kind (`PullRequest`, `PullRequest/status`) and operations (`*` for all). */
export interface Target {
  kind: string;
  operations: string[];
}

/** One target for each kind; operations in the order of the API, `*` swallows the others. */
export function mergeTargets(targets: readonly Target[]): Target[] {
  const byKind = new Map<string, Set<string>>();
  for (const { kind, operations } of targets) {
    const known = byKind.get(kind) ?? new Set();
    for (const operation of operations) known.add(operation);
    byKind.set(kind, known);
  }
  return [...byKind].map(([kind, operations]) => ({
    kind,
    operations: operations.has("*") ? ["*"] : order.filter((operation) => operations.has(operation)),
  }));
}

/** What both name. */
export function commonTargets(a: readonly Target[], b: readonly Target[]): Target[] {
  const other = mergeTargets(b);
  return mergeTargets(a).flatMap(({ kind, operations }) => {
    const found = other.find((target) => target.kind === kind)?.operations ?? [];
    const both = operations.includes("*")
      ? found
      : operations.filter((each) => found.includes("*") || found.includes(each));
    return both.length > 0 ? [{ kind, operations: both }] : [];
  });
}

/** What is left of `included` when `excluded` never happens. */
export function withoutTargets(included: readonly Target[], excluded: readonly Target[]): Target[] {
  return mergeTargets(included).flatMap(({ kind, operations }) => {
    const away = excluded.filter((target) => target.kind === kind).flatMap((target) => target.operations);
    if (away.includes("*")) return [];
    if (away.length === 0) return [{ kind, operations }];
    const all = operations.includes("*") ? order : operations;
    const left = all.filter((operation) => !away.includes(operation));
    return left.length > 0 ? [{ kind, operations: left }] : [];
  });
}

const order = ["CREATE", "UPDATE", "DELETE", "CONNECT"];
