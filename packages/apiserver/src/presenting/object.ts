import { type JsonObject, parseIncludeObject, partialMetadata, renderTable, type Table } from "@krate/apimachinery";
import { stringify } from "yaml";
import type { RequestContext, Response } from "../context.ts";
import { decodeStored } from "../objects.ts";
import type { StoredObject } from "../storage/store.ts";

/** A stored object: its bytes as they are, unless another form was asked for or its version differs from the stored one. */
export function presentStored(ctx: RequestContext, stored: StoredObject, status: number): Response {
  const { as, mediaType } = ctx.accept;
  const { conversion } = ctx.served;
  if (as === "object" && mediaType === "application/json" && conversion === undefined) {
    return { kind: "bytes", status, contentType: mediaType, body: stored.bytes };
  }
  return presentValue(ctx, decodeServed(ctx, stored), status);
}

/** The object in the version of the request. */
export function decodeServed(ctx: RequestContext, stored: StoredObject): JsonObject {
  const object = decodeStored(stored);
  const { conversion } = ctx.served;
  return conversion === undefined ? object : conversion.toServed(object);
}

export function presentValue(ctx: RequestContext, value: JsonObject, status: number): Response {
  return encoded(ctx, shapeOf(ctx, value), status);
}

function shapeOf(ctx: RequestContext, value: JsonObject): unknown {
  if (value["kind"] === "Status") return value;
  switch (ctx.accept.as) {
    case "Table":
      return tableOf(ctx, [value]);
    case "PartialObjectMetadata":
      return partialMetadata(value);
    default:
      return value;
  }
}

/** A Table with the columns of the resource; `includeObject` says what each row carries along. */
export function tableOf(
  ctx: RequestContext,
  objects: readonly JsonObject[],
  options: { metadata?: Table["metadata"]; headers?: boolean } = {},
): Table {
  const includeObject = parseIncludeObject(ctx.params.get("includeObject"));
  return renderTable(ctx.served.table, objects, { now: new Date(), includeObject, ...options });
}

export function encoded(ctx: RequestContext, value: unknown, status: number): Response {
  const { mediaType } = ctx.accept;
  const text =
    mediaType === "application/yaml" ? stringify(value, { aliasDuplicateObjects: false }) : JSON.stringify(value);
  return { kind: "bytes", status, contentType: mediaType, body: Buffer.from(text) };
}
