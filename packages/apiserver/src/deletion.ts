/**
 * Deleting, as kube-apiserver does it: an object with finalizers or a grace period is marked by `deletionTimestamp`; it goes when
 * the last finalizer does. Propagation policies become finalizers that the garbage collector works on.
 * Source: k8s.io/apiserver/pkg/registry/generic/registry/store.go (Delete, deletionFinalizersForGarbageCollection).
 */
import { cloneJson, equalJson, type JsonObject } from "@krate/apimachinery";
import { ApiError, isReason } from "@krate/kinds";
import type { DeleteOptions, RequestContext } from "./context.ts";
import { encodeFor } from "./encoding.ts";
import { decodeStored, finalizersOf, isBeingDeleted, metadataOf, timestamp } from "./objects.ts";
import type { Services } from "./services.ts";
import type { StoredObject } from "./storage/store.ts";

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";

export type DeletionOutcome =
  | { kind: "removed"; object: JsonObject; stored?: StoredObject }
  | { kind: "marked"; object: JsonObject; stored?: StoredObject };

/** Removes `ctx.existing`, or marks it when something keeps it. */
export async function removeOrMark(
  ctx: RequestContext,
  { store, now }: Pick<Services, "store" | "now">,
  { absentIsFine = false } = {},
): Promise<DeletionOutcome> {
  const existing = ctx.existing as StoredObject;
  const old = ctx.old as JsonObject;
  const { strategy } = ctx.served;
  const marked = markDeleted(ctx, cloneJson(old), now());
  await strategy.prepareForDelete?.(ctx, marked);
  const kept = isKept(ctx, marked);
  const dryRun = ctx.options?.dryRun === true;
  if (dryRun) return kept ? { kind: "marked", object: marked } : { kind: "removed", object: marked };
  try {
    if (!kept) {
      const stored = await store.delete(existing.key, { expectedRevision: existing.revision });
      await strategy.afterWrite?.(ctx, undefined, old);
      return { kind: "removed", object: marked, stored };
    }
    if (equalJson(marked, old)) return { kind: "marked", object: marked, stored: existing };
    const encoded = encodeFor(ctx.served, marked);
    const { object } = await store.update(existing.key, { expectedRevision: existing.revision }, () => ({
      do: "replace",
      object: encoded,
    }));
    await strategy.afterWrite?.(ctx, marked, old);
    return { kind: "marked", object: marked, stored: object };
  } catch (error) {
    if (absentIsFine && isReason(error, "NotFound")) return { kind: "removed", object: marked };
    throw error;
  }
}

/** A name that is taken by an object on its way out: the client is told, for waiting helps. */
export function explainTaken(ctx: RequestContext, store: Services["store"]): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists" || ctx.key === undefined) throw error;
    const existing = await store.get(ctx.key);
    if (existing === undefined || !isBeingDeleted(decodeStored(existing))) throw error;
    const { details } = error;
    throw new ApiError("AlreadyExists", `object is being deleted: ${error.message}`, { details, cause: error });
  };
}

function markDeleted(ctx: RequestContext, object: JsonObject, now: Date): JsonObject {
  const metadata = metadataOf(object);
  const finalizers = withPropagation(finalizersOf(object), ctx.deleteOptions?.propagationPolicy);
  if (finalizers.length > 0) metadata["finalizers"] = finalizers;
  else delete metadata["finalizers"];
  const grace = ctx.served.strategy.gracePeriodSeconds?.(object, ctx.deleteOptions?.gracePeriodSeconds) ?? 0;
  const before = metadata["deletionTimestamp"];
  const graceBefore = Number(metadata["deletionGracePeriodSeconds"] ?? Number.POSITIVE_INFINITY);
  if (before !== undefined && grace >= graceBefore) return object;
  metadata["deletionTimestamp"] = timestamp(new Date(now.getTime() + grace * 1000));
  metadata["deletionGracePeriodSeconds"] = grace;
  if (before === undefined && metadata["generation"] !== undefined) {
    metadata["generation"] = Number(metadata["generation"]) + 1;
  }
  return object;
}

function withPropagation(finalizers: readonly string[], policy: DeleteOptions["propagationPolicy"]): string[] {
  if (policy === undefined) return [...finalizers];
  const others = finalizers.filter((each) => each !== orphanFinalizer && each !== foregroundFinalizer);
  if (policy === "Orphan") return [...others, orphanFinalizer];
  return policy === "Foreground" ? [...others, foregroundFinalizer] : others;
}

function isKept({ served }: RequestContext, object: JsonObject): boolean {
  if (finalizersOf(object).length > 0) return true;
  if (served.strategy.isHeld?.(object) === true) return true;
  return Number(metadataOf(object)["deletionGracePeriodSeconds"] ?? 0) > 0;
}
