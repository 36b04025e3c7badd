/**
 * Who enters and leaves a merge queue, and what the queue itself may do (kinds.md §6.1, PR-07).
 *
 *   queued: true    while Open, through the merge gate but for the checks; `status.queue` records who, and which head
 *   queued: false   by anybody who may change the pull request, until it lands; by the server when base, draft or closed changes
 *   merged: true    by repository-operator for one that is queued: the gate again, as it was passed when it was queued
 *   merged: true    past the queue: when the queue allows it, or by holders of `update repositories/admin`
 */
import type { JsonObject } from "@krate/apimachinery";
import { conflict, forbidden, MergeQueue, type ObjectOf } from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { nameOf, sectionOf, textOf, timestamp } from "../objects.ts";
import { authorOf, mayOnRepository, programs } from "./identities.ts";
import { findRepository, refuseField } from "./lookups.ts";
import { checkMergeGate } from "./merge-gate.ts";

type Queue = ObjectOf<typeof MergeQueue>;

export function isQueued(spec: JsonObject): boolean {
  return spec["queued"] === true;
}

/** `spec.queued` of an update, judged and recorded; also takes out what can no longer be in a queue. */
export async function changeQueued(
  ctx: RequestContext,
  { object, status, old }: { object: JsonObject; status: JsonObject; old: JsonObject },
): Promise<void> {
  const spec = sectionOf(object, "spec");
  const before = sectionOf(old, "spec");
  if (isQueued(before) && leaves(spec, before)) spec["queued"] = false;
  if (isQueued(spec) === isQueued(before)) return;
  if (isQueued(spec)) return enter(ctx, object, status);
  // Out of the queue and still to be merged, it would be merged untested.
  if (status["phase"] === "Merging" && spec["merged"] === true) {
    throw refuseField(
      ctx,
      "spec.queued",
      "Forbidden: the merge queue is landing it now: it can no longer leave",
      "FieldValueForbidden",
    );
  }
  if (status["phase"] !== "Merged") delete status["queue"];
}

/** What was queued is not what it is now. */
function leaves(spec: JsonObject, before: JsonObject): boolean {
  return (
    (spec["base"] ?? before["base"]) !== before["base"] ||
    (spec["draft"] === true && before["draft"] !== true) ||
    (spec["closed"] === true && before["closed"] !== true)
  );
}

async function enter(ctx: RequestContext, object: JsonObject, status: JsonObject): Promise<void> {
  const phase = textOf(status["phase"]);
  const target = { ...ctx.served, name: nameOf(object) };
  if (phase !== "Open") {
    const remedy = phase === "Draft" ? ": set draft to false first" : phase === "Closed" ? ": reopen it first" : "";
    throw refuseField(
      ctx,
      "spec.queued",
      `Forbidden: a pull request in phase ${phase} cannot be queued${remedy}`,
      "FieldValueForbidden",
    );
  }
  const { repository, base } = sectionOf(object, "spec");
  if ((await queueOf(ctx, textOf(repository), textOf(base))) === undefined) {
    throw refuseField(
      ctx,
      "spec.queued",
      `Invalid value: there is no MergeQueue for branch ${textOf(base)} of ${textOf(repository)}: set merged instead, or have a repository admin create one`,
    );
  }
  if (textOf(status["headSha"]) === "")
    throw conflict(target, "the head commit is not known yet: try again in a moment");
  const { bypassed } = await checkMergeGate(ctx, object, status, { checks: false });
  status["queue"] = {
    at: timestamp(ctx.services.now()),
    by: ctx.user.name,
    byGroups: groupsOf(ctx),
    headSha: textOf(status["headSha"]),
    ...(bypassed && { bypass: true }),
  };
}

/** The gate of `merged: true`: whoever sets it, on whose behalf. Returns who merges it. */
export async function checkMergeRequest(
  ctx: RequestContext,
  object: JsonObject,
  { status, old }: { status: JsonObject; old: JsonObject },
): Promise<{ user: string; groups: string[] }> {
  const target = { ...ctx.served, name: nameOf(object) };
  if (!isQueued(sectionOf(old, "spec"))) {
    await checkPastQueue(ctx, object);
    await checkMergeGate(ctx, object, status);
    return { user: ctx.user.name, groups: groupsOf(ctx) };
  }
  if (ctx.user.name !== programs.repositoryOperator)
    throw forbidden(
      target,
      "it is in the merge queue, which merges it: set queued to false first to merge it yourself",
    );
  const queue = sectionOf(object, "status")["queue"] as JsonObject | undefined;
  if (queue?.["headSha"] !== status["headSha"])
    throw conflict(
      target,
      `the head moved: ${textOf(queue?.["headSha"])} was queued, the head is ${textOf(status["headSha"])}`,
    );
  await checkMergeGate(ctx, object, status, { checks: false, bypass: queue?.["bypass"] === true });
  const groups = queue?.["byGroups"];
  return { user: textOf(queue?.["by"]), groups: Array.isArray(groups) ? groups.map(String) : [] };
}

const groupsOf = (ctx: RequestContext) => authorOf(ctx.user).groups.slice(0, 256);

async function checkPastQueue(ctx: RequestContext, object: JsonObject): Promise<void> {
  const { repository, base } = sectionOf(object, "spec");
  const queue = await queueOf(ctx, textOf(repository), textOf(base));
  if (queue === undefined || queue.spec.directMerges === "Allow") return;
  if (await mayOnRepository(ctx, { verb: "update", subresource: "admin", repository: textOf(repository) })) {
    ctx.warn(`merged past MergeQueue/${queue.metadata.name}: what is tested there is built again`);
    return;
  }
  throw forbidden(
    { ...ctx.served, name: nameOf(object) },
    `MergeQueue/${queue.metadata.name} merges into ${textOf(base)}: set queued to true instead of merged`,
  );
}

async function queueOf(ctx: RequestContext, repository: string, base: string): Promise<Queue | undefined> {
  const queues = ctx.services.config.list(MergeQueue, ctx.target.namespace) as unknown as Queue[];
  const candidates = queues.filter(
    ({ metadata, spec }) => spec.repository === repository && metadata.deletionTimestamp === undefined,
  );
  if (candidates.length === 0) return undefined;
  const { defaultBranch } = sectionOf(await findRepository(ctx, repository), "spec");
  const own = textOf(defaultBranch) || "main";
  const short = (branch: string) => branch.replace(/^refs\/heads\//, "");
  return candidates.find(({ spec }) => short(spec.branch ?? own) === short(base));
}
