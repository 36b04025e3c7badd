import { newId } from "@krate/telemetry";
import type { Stage } from "../context.ts";

const acceptable = /^[A-Za-z0-9._-]{1,64}$/;

/** Names the request: the client's `Audit-ID` when it is a plain word, else a new one. Never fails. */
export const requestId: Stage = (ctx, next) => {
  const given = ctx.exchange.header("audit-id");
  ctx.requestId = given !== undefined && acceptable.test(given) ? given : newId();
  return next(ctx);
};
