import { partialMetadata } from "@krate/apimachinery";
import { ApiError, internalError } from "@krate/kinds";
import type { RequestContext, Response, Result } from "../context.ts";
import type { ObjectEvent, WatchEvent } from "../storage/store.ts";
import { watchFrame } from "../storage/watch-frame.ts";
import { decodeServed, tableOf } from "./object.ts";

/**
 * Watch frames, one JSON object per line: `{"type":"ADDED","object":{…}}`. Every frame that is ready goes out in one write. An error
 * after the first byte is an ERROR frame with a Status, after which the stream ends (410 Expired: list again).
 */
export function presentWatch(ctx: RequestContext, result: Result & { kind: "watch" }): Response {
  return { kind: "stream", status: 200, contentType: "application/json", chunks: frames(ctx, result) };
}

async function* frames(ctx: RequestContext, { watch, close }: Result & { kind: "watch" }): AsyncGenerator<Buffer> {
  const encode = encoderOf(ctx);
  try {
    for await (const batch of watch.batches()) {
      const parts: Buffer[] = [];
      for (const event of batch) encode(event, parts);
      ctx.services.observer.watchEvents(ctx, {
        count: batch.length,
        bytes: parts.reduce((sum, part) => sum + part.length, 0),
      });
      yield parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    }
  } catch (error) {
    const status = (error instanceof ApiError ? error : internalError(error)).toStatus();
    ctx.error = error;
    yield Buffer.from(`${JSON.stringify({ type: "ERROR", object: status })}\n`);
  } finally {
    close();
  }
}

type Encode = (event: WatchEvent, parts: Buffer[]) => void;

function encoderOf(ctx: RequestContext): Encode {
  if (ctx.accept.as === "object" && ctx.served.conversion === undefined) {
    return (event, parts) => {
      if (event.type === "BOOKMARK") parts.push(bookmark(ctx, event.revision, event.initialEventsEnd === true));
      else parts.push(watchFrame(event)); // made once, shared by all watchers
    };
  }
  const shape = shaper(ctx);
  return (event, parts) => {
    if (event.type === "BOOKMARK") parts.push(bookmark(ctx, event.revision, event.initialEventsEnd === true));
    else parts.push(Buffer.from(`${JSON.stringify({ type: event.type, object: shape(event) })}\n`));
  };
}

function shaper(ctx: RequestContext): (event: ObjectEvent) => unknown {
  if (ctx.accept.as === "Table") {
    // Columns are sent once per watch, with the first event.
    let headers = true;
    return ({ object, revision }) => {
      const metadata = { resourceVersion: String(revision) };
      const table = tableOf(ctx, [decodeServed(ctx, object)], { metadata, headers });
      headers = false;
      return table;
    };
  }
  if (ctx.accept.as === "object") return ({ object }) => decodeServed(ctx, object);
  return ({ object }) => partialMetadata(decodeServed(ctx, object));
}

function bookmark(ctx: RequestContext, revision: bigint, initialEventsEnd: boolean): Buffer {
  const metadata = {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(initialEventsEnd && { annotations: { "k8s.io/initial-events-end": "true" } }),
  };
  const { apiVersion, kind } = ctx.served;
  const object =
    ctx.accept.as === "Table"
      ? { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata, columnDefinitions: [], rows: [] }
      : ctx.accept.as === "object"
        ? { kind, apiVersion, metadata }
        : { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
  return Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
}
