/** Opens the built Next application that lies beside the program. */
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface NextApp {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}

/** What the CommonJS module `next` is. */
type CreateNext = (options: object) => {
  prepare(): Promise<void>;
  getRequestHandler(): NextApp["handle"];
  close(): Promise<void>;
};

/** Folder of the built application, seen from this module: `src/server/` from sources, `dist/` in the bundle. */
export const builtApp = fileURLToPath(
  new URL(
    import.meta.url.includes("/dist/") ? "./next/packages/console/" : "../../dist/next/packages/console/",
    import.meta.url,
  ),
);

/**
 * Next's own standalone server listens and handles signals by itself; a console that checks hosts, sets headers and stops with open
 * streams needs to do both, so the application is used as a request handler.
 */
export async function openNextApp(folder: string, listen: { host: string; port: number }): Promise<NextApp> {
  const { config } = JSON.parse(readFileSync(join(folder, ".next", "required-server-files.json"), "utf8")) as {
    config: object;
  };
  process.env["__NEXT_PRIVATE_STANDALONE_CONFIG"] = JSON.stringify(config);
  const next = createRequire(join(folder, "server.js"))("next") as CreateNext;
  const app = next({ dev: false, dir: folder, conf: config, hostname: listen.host, port: listen.port });
  await app.prepare();
  return { handle: app.getRequestHandler(), close: () => app.close() };
}
