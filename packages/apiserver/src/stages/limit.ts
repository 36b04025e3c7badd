import { tooManyRequests } from "@krate/kinds";
import type { Stage } from "../context.ts";
import type { Limits } from "../services.ts";
import { isWrite } from "./audit.ts";
import { isLongRunning } from "./deadline.ts";

/** At most so many reads and writes at a time; more get 429 with Retry-After. Health checks, watches and logs are not counted. */
export function limit({ maxReads, maxWrites }: Pick<Limits, "maxReads" | "maxWrites">): Stage {
  let reads = 0;
  let writes = 0;
  return async (ctx, next) => {
    if (!ctx.info.isResource || isLongRunning(ctx)) return next(ctx);
    const write = isWrite(ctx);
    if (write ? writes >= maxWrites : reads >= maxReads) {
      throw tooManyRequests("Too many requests, please try again later.", 1);
    }
    if (write) writes++;
    else reads++;
    try {
      await next(ctx);
    } finally {
      if (write) writes--;
      else reads--;
    }
  };
}
