/** Review (kinds.md §6.3): author and teams, no self-approval, immutable but for its dismissal. */
import type { JsonObject } from "@krate/apimachinery";
import { forbidden, PullRequest, Team } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { nameOf, sectionOf, textOf, timestamp } from "../../objects.ts";
import { authorOf, mayOnRepository } from "../identities.ts";
import { findRecord, requireRecord } from "../lookups.ts";
import { addOwner } from "../owner.ts";
import type { RecordStrategy } from "../strategy.ts";

export const reviewStrategy: RecordStrategy = {
  serverStatus: ["author", "authorTeams", "submittedAt", "dismissedBy"],
  create: async (ctx, object, status) => {
    const spec = sectionOf(object, "spec");
    const name = textOf(spec["pullRequest"]);
    const pullRequest = await requireRecord(ctx, {
      field: "spec.pullRequest",
      plural: PullRequest.plural,
      kind: "PullRequest",
      name,
    });
    const { author, headSha } = sectionOf(pullRequest, "status");
    if (spec["decision"] === "approve" && textOf((author as JsonObject | undefined)?.["user"]) === ctx.user.name) {
      throw forbidden(
        { ...ctx.served, name: nameOf(object) },
        "you cannot approve your own pull request: ask somebody else for a review",
      );
    }
    if (headSha !== undefined) spec["commitSha"] ??= headSha;
    addOwner(object, PullRequest, pullRequest);
    status["author"] = authorOf(ctx.user);
    const teams = teamsOf(ctx, ctx.user.name);
    if (teams.length > 0) status["authorTeams"] = teams;
    status["submittedAt"] = timestamp(ctx.services.now());
    status["phase"] = "Submitted";
  },
  update: async (ctx, object, status, old) => {
    const dismissed = sectionOf(object, "spec")["dismissed"] === true;
    if (!dismissed || sectionOf(old, "spec")["dismissed"] === true) return;
    await checkMayDismiss(ctx, object, status);
    status["phase"] = "Dismissed";
    status["dismissedBy"] = ctx.user.name;
  },
};

function teamsOf(ctx: RequestContext, user: string): string[] {
  return ctx.services.config
    .list(Team, ctx.target.namespace)
    .filter((team) => {
      const { members, maintainers } = sectionOf(team, "spec");
      return [members, maintainers].some((list) => Array.isArray(list) && list.includes(user));
    })
    .map(nameOf)
    .sort();
}

/** The reviewer takes it back, or a maintainer of the repository does. */
async function checkMayDismiss(ctx: RequestContext, object: JsonObject, status: JsonObject): Promise<void> {
  if (textOf((status["author"] as JsonObject | undefined)?.["user"]) === ctx.user.name) return;
  const pullRequest = await findRecord(ctx, PullRequest.plural, textOf(sectionOf(object, "spec")["pullRequest"]));
  const repository = textOf(sectionOf(pullRequest, "spec")["repository"]);
  if (await mayOnRepository(ctx, { verb: "update", subresource: "admin", repository })) return;
  throw forbidden(
    { ...ctx.served, name: nameOf(object) },
    `dismissing somebody else's review needs "update" on repositories/admin of ${repository}`,
  );
}
