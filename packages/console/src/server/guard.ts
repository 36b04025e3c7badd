/**
 * What stands before Next. A request passes these stages in order:
 *
 *   host      on loopback the Host header must name loopback: a foreign name that resolves here (DNS rebinding) is refused, 421
 *   site      a request another site caused is refused unless it is a plain navigation, 403
 *   headers   Content-Security-Policy with a fresh nonce and its companions; for the sign-in page, the path that was asked for
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isLoopback } from "../config.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Puts the stages before `next`. `listenHost` is the address the console is bound to. */
export function guard(listenHost: string, next: Handler): Handler {
  return (request, response) => {
    if (isLoopback(listenHost) && !isLoopback(hostName(request.headers.host)))
      return refuse(response, 421, "this console answers to localhost and 127.0.0.1 only");
    if (isForeign(request)) return refuse(response, 403, "requests caused by another site are refused");
    setSecurityHeaders(request, response);
    request.headers["x-krate-path"] = (request.url ?? "/").split("?")[0];
    return next(request, response);
  };
}

/** Host without its port; brackets of IPv6 stay. */
export function hostName(host: string | undefined): string {
  return (host ?? "").replace(/:\d+$/, "").toLowerCase();
}

/**
 * Fetch Metadata (W3C): browsers say where a request comes from, and scripts cannot change it. Links from elsewhere may open a page;
 * nothing else may come from elsewhere. Programs that are no browser send no such header and carry no cookie by themselves.
 */
export function isForeign({ method, headers }: Pick<IncomingMessage, "method" | "headers">): boolean {
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return false;
  const isNavigation = headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
  return !(isNavigation && method === "GET");
}

/**
 * Sets the policy on the answer, and on the request, where Next finds the nonce for the scripts it writes
 * (https://nextjs.org/docs/app/guides/content-security-policy).
 */
export function setSecurityHeaders(request: IncomingMessage, response: ServerResponse): void {
  const policy = contentSecurityPolicy(randomBytes(16).toString("base64"));
  request.headers["content-security-policy"] = policy;
  response.setHeader("content-security-policy", policy);
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("x-frame-options", "DENY");
  response.setHeader("referrer-policy", "same-origin");
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-resource-policy", "same-origin");
  response.setHeader("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
}

/**
 * Everything comes from the console itself. Style attributes are allowed because React writes them into its first HTML; style
 * elements and sheets are not.
 */
export function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${message}\n`);
}
