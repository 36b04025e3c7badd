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
export function presentWatch(ctx: RequestContext, result: Result & { kind: "watch" }): Response {
  return { kind: "stream", status: 200, contentType: "application/json", chunks: new Frames(ctx, result) };
}

/**
 * By hand, not as a generator: a thousand watchers take this step for each write.
 */
class Frames implements AsyncIterableIterator<Buffer, undefined> {
  readonly #ctx: RequestContext;
  readonly #batches: AsyncIterator<readonly WatchEvent[]>;
  readonly #close: () => void;
  readonly #encode: Encode;
  /** Also the one that ends the initial events is sent only to those who know what it is. */
  readonly #wantsBookmarks: boolean;
  #ended = false;

  constructor(ctx: RequestContext, { watch, close }: Result & { kind: "watch" }) {
    this.#ctx = ctx;
    this.#batches = watch.batches()[Symbol.asyncIterator]();
    this.#close = close;
    this.#encode = encoderOf(ctx);
    this.#wantsBookmarks = isTrue(ctx.params.get("allowWatchBookmarks"));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#ended) return Promise.resolve(end);
    return this.#batches.next().then(this.#frame, this.#failed);
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#finish();
    await this.#batches.return?.();
    return end;
  }

  #finish(): void {
    if (!this.#ended) this.#close();
    this.#ended = true;
  }

  readonly #frame = (result: IteratorResult<readonly WatchEvent[]>): FrameResult | Promise<FrameResult> => {
    if (result.done) {
      this.#finish();
      return end;
    }
    const parts: Buffer[] = [];
    for (const event of result.value) {
      if (event.type !== "BOOKMARK" || this.#wantsBookmarks) this.#encode(event, parts);
    }
    if (parts.length === 0) return this.next();
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    this.#ctx.services.observer.watchEvents(this.#ctx, { count: parts.length, bytes });
    return { done: false, value: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts) };
  };

  readonly #failed = (error: unknown): FrameResult => {
    this.#finish();
    const status = (error instanceof ApiError ? error : internalError(error)).toStatus();
    this.#ctx.error = error;
    return { done: false, value: Buffer.from(`${JSON.stringify({ type: "ERROR", object: status })}\n`) };
  };
}

type FrameResult = IteratorResult<Buffer, undefined>;
const end: FrameResult = { done: true, value: undefined };

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
