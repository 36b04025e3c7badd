/** Other objects a record refers to. */
import type { JsonObject } from "@krate/apimachinery";
import {
  BranchProtection,
  type FieldError,
  invalid,
  MergeQueue,
  PullRequest,
  Repository,
  RunnerPool,
  Team,
} from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { decodeStored, nameOf } from "../objects.ts";
import type { ConfigKind } from "../services.ts";
import { errorTarget } from "../stages/decode.ts";

/** 422 about one field of the object of the request. */
export function refuseField(
  ctx: RequestContext,
  field: string,
  message: string,
  reason: FieldError["reason"] = "FieldValueInvalid",
): Error {
  return invalid({ ...errorTarget(ctx), name: ctx.key?.name ?? nameOf(ctx.object ?? {}) }, [
    { reason, field, message },
  ]);
}

/** Configuration that records are judged by: read ahead, so that a request does not wait for it. */
export const recordConfigKinds: readonly ConfigKind[] = [Repository, BranchProtection, MergeQueue, RunnerPool, Team];

export function findRepository(ctx: RequestContext, name: string): Promise<JsonObject | undefined> {
  return ctx.services.config.find(Repository, { namespace: ctx.target.namespace, name });
}

/** The Repository a record names. @throws Invalid when there is none, or when it takes no more writes */
export async function writableRepository(ctx: RequestContext, name: string): Promise<JsonObject> {
  const repository = await findRepository(ctx, name);
  if (repository === undefined) {
    throw refuseField(
      ctx,
      "spec.repository",
      `Not found: ${JSON.stringify(name)}: there is no such Repository in namespace ${ctx.target.namespace}`,
      "FieldValueNotFound",
    );
  }
  const { archived } = (repository["spec"] ?? {}) as JsonObject;
  if (archived === true) {
    throw refuseField(
      ctx,
      "spec.repository",
      `Forbidden: repository ${JSON.stringify(name)} is archived: writes are refused`,
      "FieldValueForbidden",
    );
  }
  return repository;
}

/** A record in the namespace of the request. */
export async function findRecord(ctx: RequestContext, plural: string, name: string): Promise<JsonObject | undefined> {
  const { namespace } = ctx.target;
  const stored = await ctx.services.store.get({ group: PullRequest.group, resource: plural, namespace, name });
  return stored === undefined ? undefined : decodeStored(stored);
}

/** Records in the namespace of the request whose field has a value. */
export async function listRecords(
  ctx: RequestContext,
  plural: string,
  field: string,
  value: string,
): Promise<JsonObject[]> {
  const { store } = ctx.services;
  const { items } = await store.list({
    group: PullRequest.group,
    resource: plural,
    namespace: ctx.target.namespace,
    selector: { fields: [{ field, operator: "Equals", value }] },
  });
  return items.map(decodeStored);
}

/** @throws Invalid naming the field that refers to nothing */
export async function requireRecord(
  ctx: RequestContext,
  { field, plural, kind, name }: { field: string; plural: string; kind: string; name: string },
): Promise<JsonObject> {
  const found = await findRecord(ctx, plural, name);
  if (found !== undefined) return found;
  throw refuseField(
    ctx,
    field,
    `Not found: ${JSON.stringify(name)}: there is no such ${kind} in namespace ${ctx.target.namespace}`,
    "FieldValueNotFound",
  );
}
