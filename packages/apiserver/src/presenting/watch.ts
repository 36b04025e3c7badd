import { partialMetadata } from "@krate/apimachinery";
import { ApiError, internalError } from "@krate/kinds";
import type { RequestContext, Response, Result } from "../context.ts";
import { isTrue } from "../request-info.ts";
import type { ObjectEvent, WatchEvent } from "../storage/store.ts";
import { watchFrame } from "../storage/watch-frame.ts";
import { decodeServed, tableOf } from "./object.ts";

/**
 * Watch frames, one JSON object per line: `{"type":"ADDED","object":{…}}`. Every frame that is ready goes out in one write. An error
 * after the first byte is an ERROR frame with a Status, after which the stream ends (410 Expired: list again).
 */
export function presentWatch(ctx: RequestContext, { watch, close }: Result & { kind: "watch" }): Response {
  const frame = framesOf(ctx);
  return {
    kind: "frames",
    status: 200,
    contentType: "application/json",
    async forEach(write) {
      try {
        await watch.forEach((events) => {
          const bytes = frame(events);
          return bytes && write(bytes);
        });
      } catch (error) {
        ctx.error = error;
        const status = (error instanceof ApiError ? error : internalError(error)).toStatus();
        await write(Buffer.from(`${JSON.stringify({ type: "ERROR", object: status })}\n`));
      } finally {
        close();
      }
    },
  };
}

/** A thousand watchers take this step for each write. */
function framesOf(ctx: RequestContext): (events: readonly WatchEvent[]) => Buffer | undefined {
  const encode = encoderOf(ctx);
  const observe = ctx.services.observer.watchEvents(ctx);
  // Also the one that ends the initial events is sent only to those who know what it is.
  const wantsBookmarks = isTrue(ctx.params.get("allowWatchBookmarks"));
  return (events) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    for (const event of events) {
      if (event.type === "BOOKMARK" && !wantsBookmarks) continue;
      const part = encode(event);
      parts.push(part);
      bytes += part.length;
    }
    if (parts.length === 0) return undefined;
    observe(parts.length, bytes);
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  };
}

type Encode = (event: WatchEvent) => Buffer;

function encoderOf(ctx: RequestContext): Encode {
  const encode = objectEncoderOf(ctx);
  return (event) =>
    event.type === "BOOKMARK" ? bookmark(ctx, event.revision, event.initialEventsEnd === true) : encode(event);
}

function objectEncoderOf(ctx: RequestContext): (event: ObjectEvent) => Buffer {
  if (ctx.accept.as === "object" && ctx.served.conversion === undefined) return watchFrame; // made once, shared by all watchers
  const shape = shaper(ctx);
  return (event) => Buffer.from(`${JSON.stringify({ type: event.type, object: shape(event) })}\n`);
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
    ...(initialEventsEnd && { annotations: { "k8s.io/initial-events-end": "true" } }),
  };
  const { apiVersion, kind } = ctx.served;
  const object =
    ctx.accept.as === "Table"
      ? { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata, columnDefinitions: null, rows: [] }
      : ctx.accept.as === "object"
        ? { kind, apiVersion, metadata }
        : { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
  return Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
}
