import { type Negotiated, negotiateAccept } from "@krate/apimachinery";
import type { Stage } from "../context.ts";

/** Clients send a handful of Accept headers over and over. */
const known = new Map<string, Negotiated>();
const maxKnown = 256;

/** Chooses the form of the answer from `Accept`: JSON or YAML, the object, a Table or its metadata; 406 when none is acceptable. */
export const negotiate: Stage = (ctx, next) => {
  if (ctx.info.isResource) {
    const accept = ctx.exchange.header("accept");
    if (accept !== undefined && accept !== "application/json") ctx.accept = remembered(accept);
  }
  return next(ctx);
};

function remembered(accept: string): Negotiated {
  const found = known.get(accept);
  if (found !== undefined) return found;
  const negotiated = negotiateAccept(accept);
  if (known.size < maxKnown) known.set(accept, negotiated);
  return negotiated;
}
