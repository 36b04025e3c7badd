import { ApiError, internalError } from "@krate/kinds";
import type { RequestContext, Stage } from "../context.ts";
import { reply } from "./reply.ts";

const tooManyRequestsCode = 429;

/** Turns whatever a later stage threw into a `Status` answer: an ApiError as it says, anything else 500, a passed deadline 504. */
export const recover: Stage = async (ctx, next) => {
  try {
    await next(ctx);
  } catch (error) {
    ctx.error = error;
    ctx.response = statusResponse(toApiError(ctx, error));
    await reply(ctx, () => {});
  }
};

function toApiError(ctx: RequestContext, error: unknown): ApiError {
  if (ctx.deadlineReached && !(error instanceof ApiError && error.reason !== "Timeout")) {
    return new ApiError("Timeout", "request did not complete within the allotted timeout", { cause: error });
  }
  return error instanceof ApiError ? error : internalError(error);
}

/**
 * `Retry-After` goes with 429 only. With 503 client-go would ask ten more times before it tells anybody that the database is down.
 */
export function statusResponse(error: ApiError): NonNullable<RequestContext["response"]> {
  const { retryAfterSeconds } = error.details ?? {};
  return {
    kind: "bytes",
    status: error.code,
    contentType: "application/json",
    body: Buffer.from(JSON.stringify(error.toStatus())),
    ...(error.code === tooManyRequestsCode &&
      retryAfterSeconds !== undefined && { headers: { "retry-after": String(retryAfterSeconds) } }),
  };
}
