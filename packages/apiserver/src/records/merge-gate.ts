/**
 * The merge gate: may `spec.merged` become true? Asks every BranchProtection of the base, reading reviews and checks from the store,
 * not from summaries in status, so that nothing stale lets a merge pass (PR-06, architecture.md).
 */
import type { JsonObject } from "@krate/apimachinery";
import * as kinds from "@krate/kinds";
import { type BranchProtection, conflict, forbidden, type ObjectOf } from "@krate/kinds";
import { type EffectiveProtection, effectiveProtection } from "@krate/refpolicy";
import type { RequestContext } from "../context.ts";
import { nameOf, sectionOf, textOf } from "../objects.ts";
import { mayOnRepository } from "./identities.ts";
import { findRepository, listRecords } from "./lookups.ts";

export interface GateOptions {
  /** False: the merge queue waits for the checks, of the commit that it will land. @defaultValue true */
  checks?: boolean;
  /** May the merge pass although something is missing? @defaultValue as the one who asks may */
  bypass?: boolean;
}

/**
 * Returns whether something was missing and the merge passes by bypass.
 * @throws Forbidden saying everything that is missing and what to do; Conflict when the head moved
 */
export async function checkMergeGate(
  ctx: RequestContext,
  pullRequest: JsonObject,
  status: JsonObject,
  options: GateOptions = {},
): Promise<{ bypassed: boolean }> {
  const spec = sectionOf(pullRequest, "spec");
  const repository = textOf(spec["repository"]);
  const target = { ...ctx.served, name: nameOf(pullRequest) };
  const expected = textOf(spec["expectedHeadSha"]);
  const head = textOf(status["headSha"]);
  if (expected !== "" && head !== "" && expected !== head) {
    throw conflict(target, `the head moved: expectedHeadSha is ${expected}, the head is ${head}`);
  }
  if (!(await mayOnRepository(ctx, { verb: "update", subresource: "content", repository }))) {
    throw forbidden(target, `merging needs "update" on repositories/content of ${repository}: ask a repository admin`);
  }
  if (status["mergeState"] === "Conflicting") {
    throw forbidden(target, "head and base conflict: merge or rebase the base into the head branch first");
  }
  const protection = await protectionOf(ctx, repository, textOf(spec["base"]));
  if (protection === undefined) return { bypassed: false };
  const problems = await findProblems(ctx, pullRequest, protection, head, options);
  if (problems.length === 0) return { bypassed: false };
  if (options.bypass ?? (await mayBypass(ctx, protection, repository))) {
    ctx.warn(`merged by bypass: ${problems.join("; ")}`);
    ctx.addAuditAnnotation("krate.a5c.ai/bypass", protection.sources.join(","));
    return { bypassed: true };
  }
  const sources = protection.sources.map((name) => `BranchProtection/${name}`).join(", ");
  throw forbidden(target, `${sources} does not allow the merge: ${problems.join("; ")}`);
}

async function protectionOf(
  ctx: RequestContext,
  repository: string,
  base: string,
): Promise<EffectiveProtection | undefined> {
  const object = (await findRepository(ctx, repository)) ?? { metadata: { name: repository } };
  const protections = ctx.services.config.list(kinds.BranchProtection, ctx.target.namespace);
  return effectiveProtection(
    protections as unknown as ObjectOf<typeof BranchProtection>[],
    object as unknown as Parameters<typeof effectiveProtection>[1],
    base.startsWith("refs/") ? base : `refs/heads/${base}`,
  );
}

async function findProblems(
  ctx: RequestContext,
  pullRequest: JsonObject,
  protection: EffectiveProtection,
  head: string,
  { checks = true }: GateOptions,
): Promise<string[]> {
  const author = textOf((sectionOf(pullRequest, "status")["author"] as JsonObject | undefined)?.["user"]);
  const reviews = latestVerdicts(await listRecords(ctx, "reviews", "spec.pullRequest", nameOf(pullRequest)));
  const current = reviews.filter(({ decision, sha, user }) => {
    return decision === "approve" && user !== author && (!protection.dismissStaleApprovals || sha === head);
  });
  const problems: string[] = [];
  const missing = protection.requiredApprovals - current.length;
  if (missing > 0) {
    const whom = protection.dismissStaleApprovals
      ? "of the current head by others than the author"
      : "by others than the author";
    problems.push(`${current.length} of ${protection.requiredApprovals} required approvals ${whom}: ask for a review`);
  }
  const against = reviews.filter(({ decision }) => decision === "request-changes").map(({ user }) => user);
  if (protection.requiredApprovals > 0 && against.length > 0) {
    problems.push(
      `${against.sort().join(", ")} requested changes: address them and ask for a new review, or have the review dismissed`,
    );
  }
  for (const team of protection.requiredTeams) {
    if (!current.some(({ teams }) => teams.includes(team)))
      problems.push(`no member of team ${team} has approved: ask one for a review`);
  }
  if (protection.requireCodeOwners && !hasTrueCondition(pullRequest, "ReviewsSatisfied")) {
    problems.push("not every code owner has approved");
  }
  return checks ? [...problems, ...(await checkProblems(ctx, pullRequest, protection, head))] : problems;
}

interface Verdict {
  user: string;
  decision: string;
  sha: string;
  teams: string[];
}

/** One verdict per reviewer, the newest; comments do not take an earlier verdict back, dismissed reviews do not count. */
export function latestVerdicts(reviews: readonly JsonObject[]): Verdict[] {
  const byUser = new Map<string, Verdict>();
  const ordered = reviews
    .filter(
      (review) => sectionOf(review, "spec")["dismissed"] !== true && sectionOf(review, "status")["phase"] !== "Stale",
    )
    .sort((a, b) => submittedAt(a).localeCompare(submittedAt(b)));
  for (const review of ordered) {
    const { decision, commitSha } = sectionOf(review, "spec");
    const { author, authorTeams } = sectionOf(review, "status");
    const user = textOf((author as JsonObject | undefined)?.["user"]);
    if (user === "" || decision === "comment") continue;
    byUser.set(user, {
      user,
      decision: textOf(decision),
      sha: textOf(commitSha),
      teams: Array.isArray(authorTeams) ? authorTeams.map(String) : [],
    });
  }
  return [...byUser.values()];
}

/** Reviews of one second are in the order of their revision, which only grows. */
function submittedAt(review: JsonObject): string {
  const { creationTimestamp, resourceVersion } = review["metadata"] as JsonObject;
  return `${textOf(sectionOf(review, "status")["submittedAt"]) || textOf(creationTimestamp)}/${textOf(resourceVersion).padStart(20, "0")}`;
}

const passing = new Set(["success", "neutral", "skipped"]);

async function checkProblems(
  ctx: RequestContext,
  pullRequest: JsonObject,
  protection: EffectiveProtection,
  head: string,
): Promise<string[]> {
  if (protection.requiredChecks.length === 0) return [];
  if (head === "") return [`required checks cannot be judged: the head commit is not known yet`];
  const repository = textOf(sectionOf(pullRequest, "spec")["repository"]);
  const runs = (await listRecords(ctx, "checkruns", "spec.sha", head)).filter(
    (run) => sectionOf(run, "spec")["repository"] === repository,
  );
  return protection.requiredChecks.flatMap((name) => {
    const run = runs.find((each) => sectionOf(each, "spec")["name"] === name);
    const { phase, conclusion } = sectionOf(run, "status");
    if (phase === "Completed" && passing.has(textOf(conclusion))) return [];
    const state =
      run === undefined
        ? "has not run"
        : phase === "Completed"
          ? `ended as ${textOf(conclusion)}`
          : "has not completed";
    return [`required check ${JSON.stringify(name)} ${state} on ${head.slice(0, 12)}`];
  });
}

async function mayBypass(ctx: RequestContext, protection: EffectiveProtection, repository: string): Promise<boolean> {
  const { user } = ctx;
  const listed = protection.bypass.some(({ kind, name, namespace }) => {
    if (kind === "User") return name === user.name;
    if (kind === "Group") return user.groups.includes(name);
    return user.name === `system:serviceaccount:${namespace ?? ctx.target.namespace}:${name}`;
  });
  return listed || (await mayOnRepository(ctx, { verb: "update", subresource: "admin", repository }));
}

function hasTrueCondition(object: JsonObject, type: string): boolean {
  const { conditions } = sectionOf(object, "status");
  return (Array.isArray(conditions) ? conditions : []).some(
    (condition) => (condition as JsonObject)["type"] === type && (condition as JsonObject)["status"] === "True",
  );
}
