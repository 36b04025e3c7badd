/** IssueComment and ReviewComment (kinds.md §6.4): the author edits, maintainers may delete. */
import { equalJson, type JsonObject } from "@krate/apimachinery";
import { forbidden, Issue, PullRequest } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { nameOf, sectionOf, textOf, timestamp } from "../../objects.ts";
import { authorOf } from "../identities.ts";
import { refuseField, requireRecord } from "../lookups.ts";
import { addOwner } from "../owner.ts";
import type { RecordStrategy } from "../strategy.ts";

function start(ctx: RequestContext, status: JsonObject): void {
  status["author"] = authorOf(ctx.user);
  status["createdAt"] = timestamp(ctx.services.now());
  status["phase"] = "Active";
}

function edit(ctx: RequestContext, object: JsonObject, status: JsonObject, old: JsonObject): void {
  const next = sectionOf(object, "spec");
  const before = sectionOf(old, "spec");
  if (next["body"] === before["body"] && equalJson(next["suggestion"], before["suggestion"])) return;
  const author = textOf((status["author"] as JsonObject | undefined)?.["user"]);
  if (author !== ctx.user.name)
    throw forbidden({ ...ctx.served, name: nameOf(object) }, `only its author ${author} may edit a comment`);
  status["editedAt"] = timestamp(ctx.services.now());
  if (status["phase"] === "Active") status["phase"] = "Edited";
}

const serverStatus = ["author", "createdAt", "editedAt", "resolvedBy"];

export const issueCommentStrategy: RecordStrategy = {
  serverStatus,
  create: async (ctx, object, status) => {
    const target = sectionOf(object, "spec")["target"] as JsonObject | undefined;
    const kind = target?.["kind"] === "PullRequest" ? PullRequest : Issue;
    const name = textOf(target?.["name"]);
    addOwner(
      object,
      kind,
      await requireRecord(ctx, { field: "spec.target.name", plural: kind.plural, kind: kind.kind, name }),
    );
    start(ctx, status);
  },
  update: edit,
};

/** A suggestion is committed as the one who asks for it, once. */
function noteApply(ctx: RequestContext, object: JsonObject, status: JsonObject, old: JsonObject): void {
  const { applySuggestion, applyTogether } = sectionOf(object, "spec");
  const before = sectionOf(old, "spec");
  const same = applySuggestion === before["applySuggestion"] && equalJson(applyTogether, before["applyTogether"]);
  if (same) return;
  if (textOf(status["appliedCommit"]) !== "")
    throw refuseField(
      ctx,
      "spec.applySuggestion",
      `Forbidden: the suggestion is applied already, by commit ${textOf(status["appliedCommit"])}`,
      "FieldValueForbidden",
    );
  if (applySuggestion === true) status["appliedBy"] = authorOf(ctx.user);
  else delete status["appliedBy"];
}

export const reviewCommentStrategy: RecordStrategy = {
  serverStatus: [...serverStatus, "appliedBy"],
  create: async (ctx, object, status) => {
    const name = textOf(sectionOf(object, "spec")["pullRequest"]);
    addOwner(
      object,
      PullRequest,
      await requireRecord(ctx, { field: "spec.pullRequest", plural: PullRequest.plural, kind: "PullRequest", name }),
    );
    start(ctx, status);
  },
  update: (ctx, object, status, old) => {
    edit(ctx, object, status, old);
    noteApply(ctx, object, status, old);
    const resolved = sectionOf(object, "spec")["resolved"] === true;
    if (resolved === (sectionOf(old, "spec")["resolved"] === true)) return;
    if (resolved) status["resolvedBy"] = ctx.user.name;
    else delete status["resolvedBy"];
  },
};
