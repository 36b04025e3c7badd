import type { GitBackend } from "@krate/git";
import type { Access } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { Exchange } from "../http/git-handlers.ts";
import type { Route } from "../http/route.ts";

export interface ContentOptions {
  backend: GitBackend;
}

export async function serveContent(
  _route: Extract<Route, { kind: "content" }>,
  _access: Access,
  _exchange: Exchange,
  _options: ContentOptions,
): Promise<void> {
  throw new GatewayError(404, "not yet");
}
