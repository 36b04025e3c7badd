import { type Negotiated, negotiateAccept, parseIncludeObject } from "@krate/apimachinery";
import { ApiError } from "@krate/kinds";
import type { RequestContext, Stage } from "../context.ts";

/** Clients send a handful of Accept headers over and over. */
const known = new Map<string, Negotiated>();
const maxKnown = 256;

/**
 * Chooses the form of the answer from `Accept`: JSON or YAML, the object, a Table or its metadata; 406 when none is acceptable, 400 for a
 * wrong `includeObject`.
 */
export const negotiate: Stage = (ctx, next) => {
  if (ctx.info.isResource) {
    const accept = ctx.exchange.header("accept");
    if (accept !== undefined && accept !== "application/json") ctx.accept = remembered(accept);
    if (ctx.accept.as !== "object") checkForm(ctx);
  }
  return next(ctx);
};

/** Metadata of a list is a list of metadata. */
function checkForm({ accept, target, params }: RequestContext): void {
  if (accept.as === "Table") parseIncludeObject(params.get("includeObject"));
  const isList = target.verb === "list" || target.verb === "deletecollection";
  if (accept.as === "PartialObjectMetadata" && isList) {
    throw new ApiError("NotAcceptable", "you requested PartialObjectMetadata, but the requested object is a list");
  }
  if (accept.as === "PartialObjectMetadataList" && !isList && target.verb !== "watch") {
    throw new ApiError(
      "NotAcceptable",
      "you requested PartialObjectMetadataList, but the requested object is not a list",
    );
  }
}

function remembered(accept: string): Negotiated {
  const found = known.get(accept);
  if (found !== undefined) return found;
  const negotiated = negotiateAccept(accept);
  if (known.size < maxKnown) known.set(accept, negotiated);
  return negotiated;
}
