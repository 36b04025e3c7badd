import { RequestContext } from "./context.ts";
import type { Exchange } from "./http/exchange.ts";
import { MemoryExchange, type MemoryRequest } from "./http/memory-exchange.ts";
import { compose, pipeline } from "./pipeline.ts";
import type { Services } from "./services.ts";

export interface ApiServer {
  /** Answers one request; never throws. */
  handle(exchange: Exchange): void;
  /** A request without a socket; resolves when the answer is complete. */
  inject(request: MemoryRequest): Promise<MemoryExchange>;
  readonly services: Services;
}

/** The server without sockets: services in, requests answered. */
export function apiServer(services: Services): ApiServer {
  const run = compose(pipeline(services));
  const answer = async (exchange: Exchange): Promise<void> => {
    const params = exchange.query === "" ? undefined : new URLSearchParams(exchange.query);
    const ctx = new RequestContext(services, exchange, params);
    try {
      await run(ctx);
    } catch (err) {
      services.log.error({ err, requestID: ctx.requestId }, "a request could not be answered");
    }
  };
  return {
    services,
    handle: (exchange) => void answer(exchange),
    inject: async (request) => {
      const exchange = new MemoryExchange(request);
      await answer(exchange);
      return exchange;
    },
  };
}
