import type { JsonObject } from "@krate/apimachinery";
import { ApiError, alreadyExists, conflict, notFound } from "@krate/kinds";
import { RequestContext, type Stage } from "../context.ts";
import { explainTaken, removeOrMark } from "../deletion.ts";
import { encodeFor } from "../encoding.ts";
import { listOptions, watchOptions } from "../list-options.ts";
import { decodeStored, finalizersOf, metadataOf, textOf } from "../objects.ts";
import type { Services } from "../services.ts";
import type { StoredObject } from "../storage/store.ts";
import { errorTarget } from "./decode.ts";
import { admission } from "./validating-admission.ts";

const created = 201;
const ok = 200;
/** Lists of unknown length are written while they are read; a page of this size is collected first. */
const maxPageItems = 500;

/**
 * The one stage that touches the store. 404 nothing there, 409 taken or changed meanwhile, 410 position compacted, 503 no database,
 * 504 a resourceVersion that is not there yet.
 */
export function store(services: Pick<Services, "store" | "admission" | "now" | "ending">): Stage {
  const admit = admission(services.admission);
  const watches = new Set<RequestContext>();
  services.ending?.addEventListener("abort", () => {
    for (const ctx of watches) ctx.expire();
  });
  return async (ctx, next) => {
    if (!ctx.info.isResource || ctx.result !== undefined || ctx.response !== undefined) return next(ctx);
    if (ctx.target.verb === "watch") watch(ctx, services, watches);
    else await perform(ctx, services, admit);
    return next(ctx);
  };
}

type StoreServices = Pick<Services, "store" | "now">;

function perform(
  ctx: RequestContext,
  services: StoreServices,
  admit: (ctx: RequestContext) => Promise<void>,
): void | Promise<void> {
  switch (ctx.target.verb) {
    case "get":
      return get(ctx, services);
    case "list":
      return list(ctx, services);
    case "watch":
      return;
    case "create":
      return create(ctx, services);
    case "update":
    case "patch":
      return ctx.operation === "CREATE" ? create(ctx, services) : update(ctx, services);
    case "delete":
      return remove(ctx, services);
    case "deletecollection":
      return removeCollection(ctx, services, admit);
  }
}

async function get(ctx: RequestContext, { store }: StoreServices): Promise<void> {
  const { storage, namespaced } = ctx.served;
  const { name, namespace } = ctx.target;
  const stored = await store.get({ ...storage, namespace: namespaced ? namespace : "", name });
  if (stored === undefined) throw notFound(errorTarget(ctx));
  ctx.result = { kind: "object", status: ok, stored };
}

async function list(ctx: RequestContext, { store }: StoreServices): Promise<void> {
  const options = listOptions(ctx);
  const stream = await store.listStream(options);
  ctx.result = {
    kind: "stream",
    revision: stream.revision,
    chunks: stream.chunks,
    json: () => stream.json(),
    end: () => stream.end(),
    page: options.limit !== undefined && options.limit <= maxPageItems,
  };
}

/** When the server ends, its watches end as if their time was over, so that clients resume elsewhere. */
function watch(
  ctx: RequestContext,
  { store, ending }: StoreServices & Pick<Services, "ending">,
  open: Set<RequestContext>,
): void {
  const { options, close } = watchOptions(ctx);
  open.add(ctx);
  if (ending?.aborted) ctx.expire();
  ctx.result = {
    kind: "watch",
    watch: store.watch(options),
    close: () => {
      open.delete(ctx);
      close();
    },
  };
}

async function create(ctx: RequestContext, { store }: StoreServices): Promise<void> {
  const { strategy } = ctx.served;
  const object = ctx.object as JsonObject;
  if (strategy.answer !== undefined) {
    ctx.result = { kind: "value", status: created, value: await strategy.answer(ctx, object) };
    return;
  }
  if (ctx.options?.dryRun === true) {
    if (ctx.key !== undefined && (await store.get(ctx.key)) !== undefined) throw alreadyExists(errorTarget(ctx));
    ctx.result = { kind: "value", status: created, value: object };
    return;
  }
  if (ctx.key === undefined) throw new Error("fillMetadata gave the new object no key");
  const stored = await store.create(ctx.key, encodeFor(ctx.served, object)).catch(explainTaken(ctx, store));
  ctx.result = { kind: "object", status: created, stored };
  await strategy.afterWrite?.(ctx, object, undefined);
}

async function update(ctx: RequestContext, { store }: StoreServices): Promise<void> {
  const existing = ctx.existing as StoredObject;
  const object = ctx.object as JsonObject;
  if (ctx.unchanged) {
    ctx.result = { kind: "object", status: ok, stored: existing };
    return;
  }
  if (ctx.options?.dryRun === true) {
    ctx.result = { kind: "value", status: ok, value: object };
    return;
  }
  if (existing.key === undefined) throw new Error("the stored object has no key");
  const gone = isReleased(ctx, object);
  const encoded = gone ? undefined : encodeFor(ctx.served, object);
  const { object: stored } = await store.update(existing.key, { expectedRevision: existing.revision }, () =>
    encoded === undefined ? { do: "remove" } : { do: "replace", object: encoded },
  );
  // What is told of an object that went with this update is how the update left it.
  ctx.result = gone ? { kind: "value", status: ok, value: object } : { kind: "object", status: ok, stored };
  await ctx.served.strategy.afterWrite?.(ctx, gone ? undefined : object, ctx.old);
}

/** The last finalizer of a deleted object went away with this update. */
function isReleased({ served }: RequestContext, object: JsonObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadataOf(object);
  if (deletionTimestamp === undefined || finalizersOf(object).length > 0) return false;
  if (served.strategy.isHeld?.(object) === true) return false;
  return deletionGracePeriodSeconds === undefined || deletionGracePeriodSeconds === 0;
}

async function remove(ctx: RequestContext, services: StoreServices): Promise<void> {
  checkDeletePreconditions(ctx);
  const outcome = await removeOrMark(ctx, services);
  const { group, plural } = ctx.served;
  if (outcome.kind === "marked") {
    ctx.result = outcome.stored
      ? { kind: "object", status: ok, stored: outcome.stored }
      : { kind: "value", status: ok, value: outcome.object };
    return;
  }
  if (ctx.served.strategy.returnsDeletedObject === true) {
    ctx.result = { kind: "value", status: ok, value: outcome.object };
    return;
  }
  const uid = textOf(metadataOf(ctx.old as JsonObject)["uid"]);
  const value = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: ctx.target.name, ...(group !== "" && { group }), kind: plural, uid },
  };
  ctx.result = { kind: "value", status: ok, value };
}

function checkDeletePreconditions(ctx: RequestContext): void {
  const { deleteOptions, existing, old } = ctx;
  if (deleteOptions === undefined || existing === undefined || old === undefined) return;
  const uid = textOf(metadataOf(old)["uid"]);
  const { group, kind } = ctx.served;
  const target = { group, plural: kind, kind, name: ctx.target.name };
  if (deleteOptions.uid !== undefined && deleteOptions.uid !== uid) {
    throw conflict(
      target,
      `the UID in the precondition (${deleteOptions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  }
  const wanted = deleteOptions.resourceVersion;
  if (wanted !== undefined && wanted !== String(existing.revision)) {
    throw conflict(
      target,
      `the ResourceVersion in the precondition (${wanted}) does not match the ResourceVersion in record (${existing.revision}). The object might have been modified`,
    );
  }
}

async function removeCollection(
  ctx: RequestContext,
  services: StoreServices,
  admit: (ctx: RequestContext) => Promise<void>,
): Promise<void> {
  const page = await services.store.list(listOptions(ctx));
  const removed: StoredObject[] = [];
  for (let at = 0; at < page.items.length; at += concurrentDeletions) {
    if (ctx.deadlineReached) throw new ApiError("Timeout", "request did not complete within requested timeout");
    const batch = page.items.slice(at, at + concurrentDeletions);
    removed.push(...(await Promise.all(batch.map((stored) => removeItem(ctx, stored, services, admit)))));
  }
  ctx.result = { kind: "list", revision: page.revision, items: removed, continue: page.continue };
}

/** Writes of one moment are committed together, so a collection goes many at a time. */
const concurrentDeletions = 64;

/** The deletion of one object of a collection, as admission and strategy see it. */
function contextOf(ctx: RequestContext, stored: StoredObject): RequestContext {
  const item = new RequestContext(ctx.services, ctx.exchange, ctx.params);
  item.requestId = ctx.requestId;
  item.info = { ...ctx.target, name: stored.key.name, namespace: stored.key.namespace };
  item.user = ctx.user;
  item.resource = ctx.resource;
  item.options = ctx.options;
  item.deleteOptions = ctx.deleteOptions;
  item.operation = "DELETE";
  item.key = stored.key;
  item.existing = stored;
  item.old = convertOld(ctx, decodeStored(stored));
  return item;
}

async function removeItem(
  ctx: RequestContext,
  stored: StoredObject,
  services: StoreServices,
  admit: (ctx: RequestContext) => Promise<void>,
): Promise<StoredObject> {
  const item = contextOf(ctx, stored);
  try {
    await admit(item);
  } finally {
    for (const text of item.warnings) ctx.warn(text);
    for (const [key, value] of Object.entries(item.auditAnnotations ?? {})) ctx.addAuditAnnotation(key, value);
  }
  await removeOrMark(item, services, { absentIsFine: true });
  return stored;
}

function convertOld({ served }: RequestContext, object: JsonObject): JsonObject {
  return served.conversion === undefined ? object : served.conversion.toServed(object);
}
