/**
 * PullRequest (kinds.md §6.1).
 *
 *   Draft <-> Open -> Merging -> Merged          merged: true, through the merge gate
 *             Open <- Merging                    merged: false, by repository-operator when merging failed
 *   Draft, Open <-> Closed                       closed: true / false
 *
 * Merging -> Merged is repository-operator's status write. Merged never changes.
 */
import type { JsonObject } from "@krate/apimachinery";
import { forbidden } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { nameOf, sectionOf, textOf, timestamp } from "../../objects.ts";
import { authorOf, programs } from "../identities.ts";
import { refuseField, writableRepository } from "../lookups.ts";
import { changeQueued, checkMergeRequest } from "../merge-queue-gate.ts";
import { forgeCounter, takeNumber } from "../numbering.ts";
import type { RecordStrategy } from "../strategy.ts";

export const pullRequestStrategy: RecordStrategy = {
  serverStatus: ["number", "author", "trust", "mergedByGroups"],
  create: async (ctx, object, status) => {
    const spec = sectionOf(object, "spec");
    const name = textOf(spec["repository"]);
    const repository = await writableRepository(ctx, name);
    if (spec["merged"] === true)
      throw refuseField(
        ctx,
        "spec.merged",
        "Forbidden: may not be true when a pull request is created",
        "FieldValueForbidden",
      );
    if (spec["queued"] === true)
      throw refuseField(
        ctx,
        "spec.queued",
        "Forbidden: may not be true when a pull request is created",
        "FieldValueForbidden",
      );
    spec["base"] ??= textOf(sectionOf(repository, "spec")["defaultBranch"]) || "main";
    await takeNumber(ctx, object, status, forgeCounter(ctx, name));
    status["author"] = authorOf(ctx.user);
    status["trust"] = trustOf(spec, name);
    status["mergeState"] = "Unknown";
    if (spec["closed"] === true) close(ctx, status);
    else status["phase"] = openPhase(spec);
  },
  update: async (ctx, object, status, old) => {
    const spec = sectionOf(object, "spec");
    const before = sectionOf(old, "spec");
    spec["base"] ??= before["base"];
    checkBase(ctx, spec, before, status);
    await changeQueued(ctx, { object, status, old });
    if ((spec["merged"] === true) !== (before["merged"] === true)) await changeMerged(ctx, object, { status, old });
    else if ((spec["closed"] === true) !== (before["closed"] === true)) changeClosed(ctx, spec, status);
    else if (status["phase"] === "Draft" || status["phase"] === "Open" || status["phase"] === undefined)
      status["phase"] = openPhase(spec);
  },
  updateStatus: (ctx, object, status, old) => {
    const before = textOf(sectionOf(old, "status")["phase"]);
    const phase = textOf(status["phase"]);
    if (phase === before || phase === "") {
      if (before !== "") status["phase"] = before;
      return;
    }
    const allowed = before === "Merging" && phase === "Merged" && sectionOf(object, "spec")["merged"] === true;
    if (!allowed) {
      throw refuseField(
        ctx,
        "status.phase",
        `Forbidden: may not change from ${before || "nothing"} to ${phase} by a status write`,
        "FieldValueForbidden",
      );
    }
  },
};

function openPhase(spec: JsonObject): string {
  return spec["draft"] === true ? "Draft" : "Open";
}

/** Where the head comes from decides where its pipelines may run (design D12). */
function trustOf(spec: JsonObject, repository: string): JsonObject {
  const head = spec["headRepository"] as JsonObject | undefined;
  const own = head === undefined || (head["name"] === repository && head["organization"] === spec["organizationRef"]);
  return own
    ? { tier: "trusted", fork: false, reason: "the head is a branch of the repository itself" }
    : {
        tier: "untrusted",
        fork: true,
        reason: `the head is in repository ${textOf(head?.["organization"])}/${textOf(head?.["name"])}`,
      };
}

function checkBase(ctx: RequestContext, spec: JsonObject, before: JsonObject, status: JsonObject): void {
  if (spec["base"] === before["base"] || before["base"] === undefined) return;
  const phase = textOf(status["phase"]);
  if (phase === "Open" || phase === "Draft") return;
  throw refuseField(
    ctx,
    "spec.base",
    `Forbidden: may be changed only while the pull request is open (it is ${phase})`,
    "FieldValueForbidden",
  );
}

async function changeMerged(
  ctx: RequestContext,
  object: JsonObject,
  { status, old }: { status: JsonObject; old: JsonObject },
): Promise<void> {
  const phase = textOf(status["phase"]);
  if (sectionOf(object, "spec")["merged"] === true) {
    if (phase !== "Open") {
      const remedy =
        phase === "Draft"
          ? "set draft to false first"
          : phase === "Closed"
            ? "set closed to false first"
            : "nothing is left to do";
      throw refuseField(
        ctx,
        "spec.merged",
        `Forbidden: a pull request in phase ${phase} cannot be merged: ${remedy}`,
        "FieldValueForbidden",
      );
    }
    const { user, groups } = await checkMergeRequest(ctx, object, { status, old });
    status["phase"] = "Merging";
    status["mergedBy"] = user;
    status["mergedByGroups"] = groups;
    return;
  }
  if (phase === "Merged")
    throw refuseField(
      ctx,
      "spec.merged",
      "Forbidden: is immutable once the pull request is merged",
      "FieldValueForbidden",
    );
  if (ctx.user.name !== programs.repositoryOperator) {
    throw forbidden(
      { ...ctx.served, name: nameOf(object) },
      "spec.merged may be reset only by repository-operator, when merging failed",
    );
  }
  status["phase"] = openPhase(sectionOf(object, "spec"));
  delete status["mergedBy"];
  delete status["mergedByGroups"];
}

function changeClosed(ctx: RequestContext, spec: JsonObject, status: JsonObject): void {
  const phase = textOf(status["phase"]);
  if (phase === "Merged" || phase === "Merging") {
    throw refuseField(
      ctx,
      "spec.closed",
      `Forbidden: a pull request in phase ${phase} can be neither closed nor reopened`,
      "FieldValueForbidden",
    );
  }
  if (spec["closed"] === true) {
    close(ctx, status);
    return;
  }
  status["phase"] = openPhase(spec);
  delete status["closedAt"];
  delete status["closedBy"];
}

function close(ctx: RequestContext, status: JsonObject): void {
  status["phase"] = "Closed";
  status["closedAt"] = timestamp(ctx.services.now());
  status["closedBy"] = ctx.user.name;
}
