import { type JsonObject, validateManagedFields } from "@krate/apimachinery";
import { startPasses } from "../admission/reinvocation.ts";
import type { RequestContext, Stage } from "../context.ts";
import { metadataOf } from "../objects.ts";
import type { AdmissionPlugin } from "../services.ts";

/** Lets mutating admission plugins change the object, in order. Failure: what the plugin throws, usually 403. */
export function mutatingAdmission(plugins: readonly AdmissionPlugin[]): Stage {
  const mutate = mutator(plugins);
  return async (ctx, next) => {
    if (ctx.operation !== undefined) await mutate(ctx);
    return next(ctx);
  };
}

/** All plugins once, and a second time when one of them says that others must see what it did. */
export function mutator(plugins: readonly AdmissionPlugin[]): (ctx: RequestContext) => Promise<void> {
  const mutating = plugins.filter((plugin) => plugin.mutate !== undefined);
  const pass = async (ctx: RequestContext): Promise<void> => {
    for (const plugin of mutating) await plugin.mutate?.(ctx);
  };
  return async (ctx) => {
    const passes = startPasses(ctx);
    const owners = ctx.object === undefined ? undefined : metadataOf(ctx.object)["managedFields"];
    await pass(ctx);
    if (passes.needed) {
      passes.again = true;
      await pass(ctx);
    }
    if (ctx.object !== undefined) keepOwners(ctx, ctx.object, owners);
  };
}

/** Source: k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager/admission.go. */
function keepOwners(ctx: RequestContext, object: JsonObject, before: JsonObject[string] | undefined): void {
  const metadata = metadataOf(object);
  if (metadata["managedFields"] === before) return;
  const problem = validateManagedFields(metadata["managedFields"]);
  if (problem === undefined) return;
  if (before === undefined) delete metadata["managedFields"];
  else metadata["managedFields"] = before;
  ctx.warn(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`,
  );
}
