import { generateName, type JsonObject } from "@krate/apimachinery";
import { badRequest } from "@krate/kinds";
import type { RequestContext, Stage } from "../context.ts";
import { metadataOf, textOf, timestamp } from "../objects.ts";
import type { Services } from "../services.ts";

const serverOwned = [
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "selfLink",
];

/**
 * Sets what clients may not: uid, creationTimestamp, a generated name, and on updates everything that never changes.
 * 400 when a new object carries a resourceVersion.
 */
export function fillMetadata(services: Pick<Services, "now" | "newUid" | "random">): Stage {
  return (ctx, next) => {
    if (ctx.operation === "CREATE") fillNew(ctx, services);
    else if (ctx.operation === "UPDATE") carryOver(ctx);
    return next(ctx);
  };
}

function fillNew(ctx: RequestContext, { now, newUid, random }: Pick<Services, "now" | "newUid" | "random">): void {
  if (ctx.served.strategy.answer !== undefined) return;
  const metadata = metadataOf(ctx.object as JsonObject);
  if (textOf(metadata["resourceVersion"]) !== "") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  for (const key of serverOwned) delete metadata[key];
  delete metadata["resourceVersion"];
  if (!ctx.served.namespaced) delete metadata["namespace"];
  if (textOf(metadata["name"]) === "" && textOf(metadata["generateName"]) !== "") {
    metadata["name"] = generateName(textOf(metadata["generateName"]), random);
    ctx.nameGenerated = true;
  }
  metadata["uid"] = newUid();
  metadata["creationTimestamp"] = timestamp(now());
  if (ctx.served.countsGeneration) metadata["generation"] = 1;
  ctx.key = {
    ...ctx.served.storage,
    namespace: ctx.served.namespaced ? ctx.target.namespace : "",
    name: textOf(metadata["name"]),
  };
}

function carryOver(ctx: RequestContext): void {
  const metadata = metadataOf(ctx.object as JsonObject);
  const before = metadataOf(ctx.old as JsonObject);
  for (const key of serverOwned) {
    if (before[key] === undefined) delete metadata[key];
    else metadata[key] = before[key];
  }
  if (!ctx.served.namespaced) delete metadata["namespace"];
}
