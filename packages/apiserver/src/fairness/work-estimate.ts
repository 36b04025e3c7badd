/**
 * How much work a list will be, by how long the answer was the last time somebody asked the same: reading, encoding and compressing all
 * grow with its bytes. kube-apiserver counts objects (100 per seat); objects here differ in size by a factor of a thousand.
 */
import type { RequestContext } from "../context.ts";
import { isTrue } from "../request-info.ts";

/** Answered in about 1 ms of CPU: 100 objects of 2.5 KB, as kube-apiserver assumes per seat. */
const bytesPerSeat = 256 * 1024;
/** kube-apiserver's `maximumListSeats`. */
const maxSeats = 10;
const maxRemembered = 4096;

export class WorkEstimator {
  readonly #bytes = new Map<string, number>();

  /** Seats of a request that reads a collection; 1 for everything else, and for a collection nobody has read yet. */
  seatsOf(ctx: RequestContext): number {
    if (!readsCollection(ctx)) return 1;
    const bytes = this.#bytes.get(keyOf(ctx)) ?? 0;
    return Math.min(maxSeats, 1 + Math.floor(bytes / bytesPerSeat));
  }

  /** Tells how long the answer was. */
  answered(ctx: RequestContext, bytes: number): void {
    if (!readsCollection(ctx) || ctx.info.verb !== "list") return;
    const key = keyOf(ctx);
    this.#bytes.delete(key);
    this.#bytes.set(key, bytes);
    if (this.#bytes.size > maxRemembered) this.#bytes.delete(this.#bytes.keys().next().value as string);
  }
}

/** Lists, watches that begin with one, and deletions of collections, which read a list first. */
function readsCollection({ info, params }: RequestContext): boolean {
  if (!info.isResource) return false;
  if (info.verb === "watch") return isTrue(params.get("sendInitialEvents"));
  return info.verb === "list" || info.verb === "deletecollection";
}

function keyOf({ target, params }: RequestContext): string {
  const { group, resource, namespace } = target;
  const limit = Number(params.get("limit") ?? 0);
  const size = limit > 0 ? Math.ceil(Math.log2(limit)) : "all";
  const selects = params.has("labelSelector") || params.has("fieldSelector");
  return `${group}/${resource}/${namespace}/${size}/${selects}`;
}
