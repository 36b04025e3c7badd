import type { Exchange } from "../http/exchange.ts";

/** The bearer token of a request; websocket and query forms are not served. */
export function bearerToken(exchange: Exchange): string | undefined {
  const header = exchange.header("authorization");
  const match = header === undefined ? null : /^Bearer +(\S+) *$/i.exec(header);
  return match?.[1];
}
