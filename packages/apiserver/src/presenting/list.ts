import { partialMetadataList } from "@krate/apimachinery";
import type { RequestContext, Response, Result } from "../context.ts";
import type { StoredObject } from "../storage/store.ts";
import { decodeServed, encoded, tableOf } from "./object.ts";

const comma = Buffer.from(",");
const end = Buffer.from("]}\n");

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

/** A page: the stored bytes of its items, joined. */
export function presentList(ctx: RequestContext, list: Result & { kind: "list" }): Response {
  const meta = metaOf(list);
  if (!servesBytes(ctx)) return encoded(ctx, shapeOf(ctx, list.items, meta), 200);
  const { apiVersion, listKind } = ctx.served;
  const head = `{"kind":"${listKind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(meta)},"items":[`;
  return {
    kind: "bytes",
    status: 200,
    contentType: "application/json",
    body: Buffer.concat([Buffer.from(head), ...joined(list.items), end]),
  };
}

function servesBytes(ctx: RequestContext): boolean {
  return (
    ctx.accept.as === "object" && ctx.accept.mediaType === "application/json" && ctx.served.conversion === undefined
  );
}

function joined(items: readonly StoredObject[]): Buffer[] {
  const parts: Buffer[] = [];
  for (const item of items) {
    if (parts.length > 0) parts.push(comma);
    parts.push(item.bytes);
  }
  return parts;
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

/** A list that is written while it is read; its metadata comes last, when `continue` is known. */
export function presentStream(ctx: RequestContext, list: Result & { kind: "stream" }): Response {
  if (servesBytes(ctx)) {
    return { kind: "stream", status: 200, contentType: "application/json", chunks: bytesOf(ctx, list) };
  }
  return { kind: "stream", status: 200, contentType: ctx.accept.mediaType, chunks: shaped(ctx, list) };
}

async function* bytesOf(ctx: RequestContext, list: Result & { kind: "stream" }): AsyncGenerator<Buffer> {
  const { apiVersion, listKind } = ctx.served;
  const head = Buffer.from(`{"kind":"${listKind}","apiVersion":"${apiVersion}","items":[`);
  let lead: Buffer = head;
  for await (const chunk of list.chunks) {
    if (chunk.length === 0) continue;
    yield Buffer.concat([lead, ...joined(chunk)]);
    lead = comma;
  }
  const meta = metaOf({ revision: list.revision, ...list.end() });
  yield Buffer.concat([lead === head ? head : Buffer.alloc(0), Buffer.from(`],"metadata":${JSON.stringify(meta)}}\n`)]);
}

/** Tables need every row for nothing: but they are one object, so all rows are collected. */
async function* shaped(ctx: RequestContext, list: Result & { kind: "stream" }): AsyncGenerator<Buffer> {
  const items: StoredObject[] = [];
  for await (const chunk of list.chunks) items.push(...chunk);
  const response = encoded(ctx, shapeOf(ctx, items, metaOf({ revision: list.revision, ...list.end() })), 200);
  if (response.kind === "bytes") yield response.body;
}
