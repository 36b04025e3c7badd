import type { BackendRepository } from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { requestBody } from "../http/body.ts";
import type { Exchange } from "../http/git-handlers.ts";
import type { Route } from "../http/route.ts";
import type { GitServiceOptions } from "../services/git-services.ts";
import type { LfsAccess, LfsSshAccess } from "./access.ts";
import { type LfsLimits, lfsMediaType } from "./protocol.ts";
import type { LfsStores } from "./stores.ts";

export interface LfsOptions {
  stores: LfsStores;
  limits: LfsLimits;
  /** The gateway as clients reach it, without a slash at the end: actions of a batch are links. */
  publicUrl(): string;
  /** Absent where Git is not served over SSH. */
  ssh?: LfsSshAccess | undefined;
}

/** One request to the LFS API whose access has been decided. */
export interface LfsCall {
  route: LfsRoute;
  /** What a handler's pattern has in parentheses. */
  argument: string;
  access: LfsAccess;
  repository: BackendRepository;
  exchange: Exchange;
  git: GitServiceOptions;
  lfs: LfsOptions;
  /** Decides anew, for uploads. @throws {GatewayError} */
  requireUpload(): Promise<void>;
}

export type LfsRoute = Extract<Route, { kind: "lfs" }>;

/** A batch of the largest number of objects, generously written. */
const maxJsonBytes = 1024 * 1024;

/** The body of a request as JSON. @throws {GatewayError} 400, 413, 415 */
export async function jsonBody({ request }: Exchange): Promise<unknown> {
  const [type = ""] = (request.headers["content-type"] ?? "").split(";", 1);
  if (type.trim().toLowerCase() !== lfsMediaType) throw new GatewayError(415, `content type must be ${lfsMediaType}`);
  const chunks: Buffer[] = [];
  for await (const chunk of requestBody(request, maxJsonBytes)) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (cause) {
    throw new GatewayError(400, `the body is not JSON: ${(cause as Error).message.slice(0, 200)}`);
  }
}

export function answerJson({ response }: Exchange, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader("content-type", lfsMediaType);
  response.setHeader("cache-control", "no-store");
  response.end(JSON.stringify(body));
}
