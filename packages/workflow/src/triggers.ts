/** Does an event start a workflow? */
import { globMatcher } from "@krate/refpolicy";
import type { EventFilter, Workflow } from "./workflow.ts";

export interface WorkflowEvent {
  /** `push`, `pull_request`, `workflow_dispatch`… */
  name: string;
  /** Full ref: what was pushed, or the base branch of a pull request. */
  ref: string;
}

/** In order, the last pattern that matches decides; `!pattern` takes back. */
function matchesAny(patterns: readonly string[], name: string): boolean {
  let matched = false;
  for (const pattern of patterns) {
    if (pattern.startsWith("!")) {
      if (globMatcher(pattern.slice(1))(name)) matched = false;
    } else if (globMatcher(pattern)(name)) matched = true;
  }
  return matched;
}

function allows(name: string, wanted: string[] | undefined, ignored: string[] | undefined): boolean {
  if (wanted) return matchesAny(wanted, name);
  return ignored ? !matchesAny(ignored, name) : true;
}

function allowsRef(filter: EventFilter, ref: string): boolean {
  const hasBranches = filter.branches !== undefined || filter.branchesIgnore !== undefined;
  const hasTags = filter.tags !== undefined || filter.tagsIgnore !== undefined;
  if (ref.startsWith("refs/tags/")) {
    // A filter that only speaks of branches is not about tags, and the other way round.
    return hasBranches && !hasTags ? false : allows(ref.slice("refs/tags/".length), filter.tags, filter.tagsIgnore);
  }
  if (!ref.startsWith("refs/heads/")) return false;
  return hasTags && !hasBranches
    ? false
    : allows(ref.slice("refs/heads/".length), filter.branches, filter.branchesIgnore);
}

/**
 * Whether a workflow checks candidates of a merge queue: it says so (`on: merge_group`), or it checks pull requests into that branch, or
 * pushes to any branch. One that says `merge_group` is asked nothing else. `ref`: the candidate's, `refs/queue/<branch>/<id>`.
 */
export function matchesCandidate(workflow: Workflow, ref: string): boolean {
  const base = ref.replace(/^refs\/queue\//, "refs/heads/").replace(/\/[^/]*$/, "");
  const event = (name: string, of: string) => matchesTrigger(workflow, { name, ref: of });
  if (Object.hasOwn(workflow.on, "merge_group")) return event("merge_group", base);
  return event("pull_request", base) || event("push", ref.replace(/^refs\/queue\//, "refs/heads/queue/"));
}

export function matchesTrigger(workflow: Workflow, event: WorkflowEvent): boolean {
  if (event.name === "merge_group" && event.ref.startsWith("refs/queue/")) return matchesCandidate(workflow, event.ref);
  const filter = Object.hasOwn(workflow.on, event.name) ? workflow.on[event.name] : undefined;
  return filter !== undefined && allowsRef(filter, event.ref);
}
