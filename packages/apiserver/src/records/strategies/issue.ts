import type { JsonObject, JsonValue } from "@krate/apimachinery";
import type { RequestContext } from "../../context.ts";
import { sectionOf, textOf, timestamp } from "../../objects.ts";
import { authorOf } from "../identities.ts";
import { writableRepository } from "../lookups.ts";
import { forgeCounter, takeNumber } from "../numbering.ts";
import type { RecordStrategy } from "../strategy.ts";

/** Issue (kinds.md §6.2): number, author, phase. */
export const issueStrategy: RecordStrategy = {
  serverStatus: ["number", "author", "phase", "closedAt", "closedBy"],
  create: async (ctx, object, status) => {
    const spec = sectionOf(object, "spec");
    const repository = textOf(spec["repository"]);
    if (repository !== "") await writableRepository(ctx, repository);
    await takeNumber(ctx, object, status, forgeCounter(ctx, repository));
    status["author"] = authorOf(ctx.user);
    setPhase(ctx, spec, status);
  },
  update: (ctx, object, status) => setPhase(ctx, sectionOf(object, "spec"), status),
};

function setPhase(ctx: RequestContext, spec: JsonObject, status: JsonObject): void {
  const closed = spec["state"] === "closed";
  const wasClosed = status["phase"] === "Closed";
  status["phase"] = closed ? "Closed" : isEmpty(spec["labels"]) && isEmpty(spec["assignees"]) ? "Triage" : "Open";
  if (closed && !wasClosed) {
    status["closedAt"] = timestamp(ctx.services.now());
    status["closedBy"] = ctx.user.name;
  } else if (!closed) {
    delete status["closedAt"];
    delete status["closedBy"];
  }
}

function isEmpty(list: JsonValue | undefined): boolean {
  return !Array.isArray(list) || list.length === 0;
}
