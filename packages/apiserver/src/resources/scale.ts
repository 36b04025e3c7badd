/** The `scale` subresource of custom resources: an autoscaling/v1 Scale over two or three fields of the object. */
import {
  applyJsonPatch,
  applyMergePatch,
  cloneJson,
  decodeObject,
  dig,
  isObject,
  type JsonObject,
  type JsonValue,
} from "@krate/apimachinery";
import { badRequest, conflict, notFound } from "@krate/kinds";
import { admitSubresource } from "../admission/subresource.ts";
import type { RequestContext } from "../context.ts";
import { encodeFor } from "../encoding.ts";
import { trackFields } from "../field-management.ts";
import { decodeStored, metadataOf, textOf } from "../objects.ts";
import { patchTypeOf } from "../patching.ts";
import { writeOptions } from "../write-options.ts";
import type { Subresource } from "./resource.ts";

/** `paths` is the CRD's `subresources.scale`. */
export function scaleSubresource(paths: JsonObject): Subresource {
  const specPath = keysOf(paths["specReplicasPath"]);
  const statusPath = keysOf(paths["statusReplicasPath"]);
  const selectorPath = paths["labelSelectorPath"] === undefined ? undefined : keysOf(paths["labelSelectorPath"]);
  const toScale = (object: JsonObject): JsonObject => {
    const { name, namespace, uid, resourceVersion, creationTimestamp } = metadataOf(object);
    const selector = selectorPath === undefined ? undefined : dig(object, ...selectorPath);
    return {
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: { replicas: Number(dig(object, ...specPath) ?? 0) },
      status: { replicas: Number(dig(object, ...statusPath) ?? 0), ...(typeof selector === "string" && { selector }) },
    };
  };
  return {
    group: "autoscaling",
    version: "v1",
    kind: "Scale",
    verbs: ["get", "patch", "update"],
    connect: (ctx) => connectScale(ctx, toScale, specPath),
  };
}

async function connectScale(
  ctx: RequestContext,
  toScale: (object: JsonObject) => JsonObject,
  specPath: readonly string[],
): Promise<void> {
  const { store, limits } = ctx.services;
  const { storage, group, plural } = ctx.served;
  const { name, namespace, verb } = ctx.target;
  const key = { ...storage, namespace, name };
  const target = { group, plural, name };
  const current = await store.get(key);
  if (current === undefined) throw notFound(target);
  if (verb === "get") {
    ctx.result = { kind: "value", status: 200, value: toScale(decodeStored(current)) };
    return;
  }
  ctx.options ??= writeOptions(ctx);
  const body = await ctx.readBody(limits.maxBodyBytes);
  const scale = toScale(decodeStored(current));
  const sent = readScale(ctx, body, cloneJson(scale));
  const revision = revisionIn(ctx, sent, scale);
  const next = await admitSubresource(ctx, completeScale(sent, scale), scale);
  let shown: JsonObject | undefined;
  const { object: updated } = await store.update(key, {}, (stored) => {
    const object = decodeStored(stored);
    if (revision !== "" && revision !== String(stored.revision)) {
      throw conflict(
        target,
        "the object has been modified; please apply your changes to the latest version and try again",
      );
    }
    const changed = scaledTo(ctx, object, specPath, dig(next, "spec", "replicas") ?? 0);
    if (changed === undefined) return { do: "keep" };
    shown = changed;
    return ctx.options?.dryRun === true ? { do: "keep" } : { do: "replace", object: encodeFor(ctx.served, changed) };
  });
  const value = toScale(ctx.options.dryRun && shown !== undefined ? shown : decodeStored(updated));
  ctx.result = { kind: "value", status: 200, value };
}

/** The object with other replicas, which belong to the writer from now on; undefined when it has them already. */
function scaledTo(
  ctx: RequestContext,
  old: JsonObject,
  path: readonly string[],
  replicas: JsonValue,
): JsonObject | undefined {
  if (typeof replicas !== "number" || !Number.isInteger(replicas) || replicas < 0) {
    throw badRequest("spec.replicas: must be an integer of at least 0");
  }
  if (dig(old, ...path) === replicas) return undefined;
  const object = cloneJson(old);
  setAt(object, path, replicas);
  const metadata = metadataOf(object);
  metadata["generation"] = Number(metadata["generation"] ?? 1) + 1;
  ctx.old = old;
  return trackFields(ctx, object, ctx.services.now());
}

/** What the client insists on. A patch starts from the stored Scale, whose resourceVersion it does not name. */
function revisionIn({ target }: RequestContext, sent: JsonObject, current: JsonObject): string {
  const revision = textOf(metadataOf(sent)["resourceVersion"]);
  return target.verb === "patch" && revision === metadataOf(current)["resourceVersion"] ? "" : revision;
}

/** What the server owns, as admission shows it. */
function completeScale(sent: JsonObject, { metadata, status }: JsonObject): JsonObject {
  return {
    ...sent,
    metadata: { ...metadataOf(sent), ...(metadata as JsonObject) },
    ...(status !== undefined && { status }),
  };
}

function readScale(ctx: RequestContext, body: Buffer, current: JsonObject): JsonObject {
  const contentType = ctx.exchange.header("content-type");
  if (ctx.target.verb === "update") return decodeObject(body, contentType).object;
  const patch: unknown = JSON.parse(body.toString("utf8"));
  if (patchTypeOf(contentType) === "json") return applyJsonPatch(current, patch);
  if (!isObject(patch)) throw badRequest("the patch must be one object");
  return applyMergePatch(current, patch);
}

function setAt(object: JsonObject, path: readonly string[], value: JsonValue): void {
  let at = object;
  for (const key of path.slice(0, -1)) {
    if (!isObject(at[key])) at[key] = {};
    at = at[key] as JsonObject;
  }
  at[path.at(-1) as string] = value;
}

function keysOf(path: JsonValue | undefined): string[] {
  return textOf(path)
    .split(".")
    .filter((key) => key !== "");
}
