import { partialMetadataList } from "@krate/apimachinery";
import type { RequestContext, Response, Result } from "../context.ts";
import type { Body } from "../http/exchange.ts";
import type { StoredObject } from "../storage/store.ts";
import { decodeServed, encoded, tableOf } from "./object.ts";

interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

function metaOf(list: {
  revision: bigint;
  continue?: string | undefined;
  remainingItemCount?: number | undefined;
}): ListMeta {
  return {
    resourceVersion: String(list.revision),
    ...(list.continue !== undefined && { continue: list.continue }),
    ...(list.remainingItemCount !== undefined && { remainingItemCount: list.remainingItemCount }),
  };
}

/** Objects that are at hand. */
export function presentList(ctx: RequestContext, list: Result & { kind: "list" }): Response {
  return encoded(ctx, shapeOf(ctx, list.items, metaOf(list)), 200);
}

function servesBytes(ctx: RequestContext): boolean {
  return (
    ctx.accept.as === "object" && ctx.accept.mediaType === "application/json" && ctx.served.conversion === undefined
  );
}

function shapeOf(ctx: RequestContext, items: readonly StoredObject[], meta: ListMeta): unknown {
  const objects = items.map((item) => decodeServed(ctx, item));
  switch (ctx.accept.as) {
    case "Table":
      return tableOf(ctx, objects, { metadata: meta });
    case "PartialObjectMetadata":
    case "PartialObjectMetadataList":
      return partialMetadataList(objects, meta);
    case "object":
      return { kind: ctx.served.listKind, apiVersion: ctx.served.apiVersion, metadata: meta, items: objects };
  }
}

type Stream = Result & { kind: "stream" };

/** A page at once; any other list is written while it is read. */
export function presentStream(ctx: RequestContext, list: Stream): Response | Promise<Response> {
  const bytes = servesBytes(ctx);
  if (list.page) return bytes ? joined(ctx, list) : shaped(ctx, list);
  const chunks = bytes ? written(ctx, list) : shapedLater(ctx, list);
  return { kind: "stream", status: 200, contentType: ctx.accept.mediaType, chunks };
}

function opening({ served }: RequestContext): string {
  return `{"kind":"${served.listKind}","apiVersion":"${served.apiVersion}"`;
}

function endMeta(list: Stream): string {
  return JSON.stringify(metaOf({ revision: list.revision, ...list.end() }));
}

/** The stored bytes of the items as they are. */
async function joined(ctx: RequestContext, list: Stream): Promise<Response> {
  const items: Buffer[] = [];
  for await (const buffers of list.json()) items.push(...buffers);
  const head = Buffer.from(`${opening(ctx)},"metadata":${endMeta(list)},"items":[`);
  const body = [head, ...withoutComma(items), Buffer.from("]}\n")];
  return { kind: "bytes", status: 200, contentType: "application/json", body };
}

/** The same piece by piece; metadata comes last, when `continue` is known. */
async function* written(ctx: RequestContext, list: Stream): AsyncGenerator<Body> {
  let head: Buffer | undefined = Buffer.from(`${opening(ctx)},"items":[`);
  for await (const buffers of list.json()) {
    yield head ? [head, ...withoutComma(buffers)] : buffers;
    head = undefined;
  }
  yield Buffer.concat([head ?? Buffer.alloc(0), Buffer.from(`],"metadata":${endMeta(list)}}\n`)]);
}

/** Every item comes with a comma before it; the first of a list has none. */
function withoutComma([first, ...others]: readonly Buffer[]): Buffer[] {
  return first ? [first.subarray(1), ...others] : [];
}

/** Tables and metadata: one object, so all rows are collected. */
async function shaped(ctx: RequestContext, list: Stream): Promise<Response> {
  const items: StoredObject[] = [];
  for await (const chunk of list.chunks) for (const item of chunk) items.push(item);
  return encoded(ctx, shapeOf(ctx, items, metaOf({ revision: list.revision, ...list.end() })), 200);
}

async function* shapedLater(ctx: RequestContext, list: Stream): AsyncGenerator<Body> {
  const response = await shaped(ctx, list);
  if (response.kind === "bytes") yield response.body;
}
