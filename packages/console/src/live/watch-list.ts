import { ApiError, isReason, type KindRef, type KubernetesObject } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { LiveEvent } from "./events.ts";

export interface WatchListOptions {
  namespace: string;
  fieldSelector?: string;
  /** Continue after this resourceVersion instead of listing. */
  since?: string;
  /** Objects listed at most, rounded up to whole pages; changes of all are followed. @defaultValue no limit */
  maxItems?: number;
  signal: AbortSignal;
}

const pageSize = 200;
/** API servers and balancers forget streams that say nothing; ours sends a bookmark at least every minute. */
const silenceSeconds = 150;

/**
 * A list followed by its watch, as the events of `events.ts`. A watch that ends is opened again where it stopped; one whose version is
 * gone starts over with a reset. Ends when `signal` is aborted; a failure that lasts (no permission, no such kind) is a `problem`.
 */
export async function* watchList(
  client: KubeClient,
  resource: { kind: KindRef; row(object: never): unknown },
  { namespace, fieldSelector, since, maxItems, signal }: WatchListOptions,
): AsyncGenerator<LiveEvent> {
  const filter = { namespace, ...(fieldSelector && { fieldSelector }) };
  let version = since;
  try {
    while (!signal.aborted) {
      if (version === undefined) version = yield* snapshot(client, resource, filter, { maxItems, signal });
      try {
        for await (const { type, object } of client.watch(resource.kind, {
          ...filter,
          resourceVersion: version,
          silenceSeconds,
          signal,
        })) {
          version = (object as KubernetesObject).metadata?.resourceVersion ?? version;
          if (type !== "BOOKMARK")
            yield { event: "change", id: version, data: { type, row: resource.row(object as never) } };
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isReason(error, "Expired") || isReason(error, "Gone")) {
          version = undefined;
          yield { event: "reset" };
        } else if (!isPassing(error)) throw error;
      }
      await pause(signal);
    }
  } catch (error) {
    if (signal.aborted) return;
    const { reason, message } =
      error instanceof ApiError ? error : new ApiError("InternalError", "the list cannot be shown", { cause: error });
    yield { event: "problem", data: { reason, message } };
  }
}

async function* snapshot(
  client: KubeClient,
  { kind, row }: { kind: KindRef; row(object: never): unknown },
  filter: { namespace: string; fieldSelector?: string },
  { maxItems = Number.POSITIVE_INFINITY, signal }: { maxItems: number | undefined; signal: AbortSignal },
): AsyncGenerator<LiveEvent, string> {
  let next: string | undefined;
  let version = "";
  let count = 0;
  do {
    const page = await client.list(kind, { ...filter, limit: pageSize, signal, ...(next && { continue: next }) });
    version = page.metadata.resourceVersion ?? version;
    next = page.metadata.continue;
    count += page.items.length;
    yield { event: "snapshot", data: page.items.map((item) => row(item as never)) };
  } while (next && count < maxItems);
  yield { event: "synced", id: version };
  return version;
}

function isPassing(error: unknown): boolean {
  return ["ServiceUnavailable", "Timeout", "TooManyRequests"].some((reason) => isReason(error, reason as "Timeout"));
}

/** Half a second between two watches: a server that ends each at once is not hammered. */
function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, 500);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
