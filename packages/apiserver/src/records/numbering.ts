import type { JsonObject } from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";
import { metadataOf, textOf } from "../objects.ts";
import { numbersOf } from "./number-pool.ts";

/**
 * Takes the next number of a scope into `status.number`; an object whose name was to be generated is named `<generateName><number>` (D18).
 * A dry run takes none: its object has no number and a random name.
 */
export async function takeNumber(
  ctx: RequestContext,
  object: JsonObject,
  status: JsonObject,
  scope: string,
): Promise<void> {
  if (ctx.options?.dryRun === true) return;
  const number = await numbersOf(ctx.services.store).next(scope);
  status["number"] = number;
  if (!ctx.nameGenerated || ctx.key === undefined) return;
  const metadata = metadataOf(object);
  metadata["name"] = `${textOf(metadata["generateName"])}${number}`;
  ctx.key = { ...ctx.key, name: textOf(metadata["name"]) };
}

/** Issues and pull requests of a repository share one counter. */
export function forgeCounter(ctx: RequestContext, repository: string): string {
  return `forge/${ctx.target.namespace}/${repository}`;
}
