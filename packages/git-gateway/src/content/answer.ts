import { createHash } from "node:crypto";
import { isObjectId } from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import type { ContentRequest } from "./serve.ts";

/** Answers a JSON document, or 304 when the caller has this one already. */
export function answerJson(request: ContentRequest, value: unknown, options: { immutable?: boolean } = {}): void {
  const body = Buffer.from(JSON.stringify(value));
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
  if (notModified(request, etag, options)) return;
  const { response } = request;
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.setHeader("content-length", body.length);
  response.end(request.request.method === "HEAD" ? undefined : body);
}

/**
 * Sets caching headers. What hangs on an object id never changes; everything else is asked for again, cheaply.
 * Answers true, and has ended the response, when the caller's copy is current.
 */
export function notModified(
  request: ContentRequest,
  etag: string,
  { immutable = false }: { immutable?: boolean },
): boolean {
  const { response } = request;
  cacheHeaders(request, { immutable });
  response.setHeader("etag", etag);
  const known = request.request.headers["if-none-match"]?.split(/\s*,\s*/).map((tag) => tag.replace(/^W\//, "")) ?? [];
  if (!known.includes(etag) && !known.includes("*")) return false;
  response.statusCode = 304;
  response.end();
  return true;
}

/** Says how long an answer may be kept, and that it is nobody else's: what one may read another may not. */
export function cacheHeaders({ response }: ContentRequest, { immutable = false }: { immutable?: boolean }): void {
  response.setHeader("cache-control", immutable ? "private, max-age=31536000, immutable" : "private, no-cache");
  response.setHeader("vary", "authorization");
  response.setHeader("x-content-type-options", "nosniff");
}

/** A switch from the query. @throws {GatewayError} 400 for anything but true and false. */
export function flagOf(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === "" || text === "false") return false;
  if (text === "true") return true;
  throw new GatewayError(400, `${name} must be true or false, not ${JSON.stringify(text.slice(0, 40))}`);
}

/** Whether a revision names its commit for ever. */
export function isImmutable(revision: string): boolean {
  return isObjectId(revision);
}

/** A whole number from the query. @throws {GatewayError} 400 outside min and max. */
export function numberOf(
  query: URLSearchParams,
  name: string,
  bounds: { min: number; max: number; default: number },
): number {
  const text = query.get(name);
  if (text === null || text === "") return bounds.default;
  const value = Number(text);
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw new GatewayError(
    400,
    `${name} must be a whole number from ${bounds.min} to ${bounds.max}, not ${JSON.stringify(text.slice(0, 40))}`,
  );
}

/** The revision of a view that needs one. @throws {GatewayError} 400 without. */
export function revisionOf({ argument }: ContentRequest): string {
  if (argument === "") throw new GatewayError(400, "a revision is missing: /-/<view>/<rev>, URL-encoded");
  return argument;
}

/** Both sides of `<base>...<head>`. @throws {GatewayError} 400 for anything else. */
export function rangeOf(request: ContentRequest): { base: string; head: string } {
  const { base, head, dots } = comparisonOf(request);
  if (dots === "...") return { base, head };
  throw new GatewayError(400, `${JSON.stringify(request.argument.slice(0, 200))} is not <base>...<head>`);
}

/** Both sides of `<base>...<head>` (from where they parted) or `<base>..<head>` (as they are). @throws {GatewayError} 400 */
export function comparisonOf({ argument }: ContentRequest): { base: string; head: string; dots: ".." | "..." } {
  const [base, dots, head, ...more] = argument.split(/(\.{2,})/);
  if (!base || !head || more.length > 0 || (dots !== ".." && dots !== "..."))
    throw new GatewayError(400, `${JSON.stringify(argument.slice(0, 200))} is not <base>...<head> or <base>..<head>`);
  return { base, head, dots };
}
