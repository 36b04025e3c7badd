import type { Exchange } from "../http/exchange.ts";

const proxied = new WeakSet<Exchange>();

/** The request came by a front proxy that was verified: what it says of the client's address is true. */
export function markProxied(exchange: Exchange): void {
  proxied.add(exchange);
}

const maxAddresses = 16;

/**
 * Where a request came from, first the client. `X-Forwarded-For` is believed of the front proxy only, and of its list only the last
 * entry, which is what the proxy itself saw: everything before it the client may have sent.
 */
export function sourceAddresses(exchange: Exchange): string[] {
  const own = exchange.peer.address;
  if (!proxied.has(exchange)) return [own];
  const seen = exchange.header("x-forwarded-for")?.split(",").slice(-maxAddresses).at(-1)?.trim();
  return seen === undefined || seen === "" || seen === own ? [own] : [seen, own];
}
