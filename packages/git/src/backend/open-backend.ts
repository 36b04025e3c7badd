import { GiteaGitBackend } from "../gitea/gitea-backend.ts";
import { type GiteaServer, GiteaServers } from "../gitea/gitea-servers.ts";
import type { GitBackend } from "./git-backend.ts";
import { NativeGitBackend } from "./native.ts";

/** Where an installation keeps its repositories. */
export type BackendConfig =
  | { kind: "native"; root: string }
  | { kind: "gitea"; root: string; servers: GiteaServer[]; tokenFile: string; hookSecretFile: string };

/**
 * Reads the backend from the environment of a program.
 *
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_REPOSITORY_ROOT | folder of the bare repositories; with Gitea its `[repository] ROOT` on the shared volume | required |
 * | KRATE_GIT_BACKEND | `native` or `gitea` | native |
 * | KRATE_GITEA_URLS | every Gitea process, `name=url`, comma separated; names are stable | required for gitea |
 * | KRATE_GITEA_TOKEN_FILE | token of an administrator of Gitea named krate | required for gitea |
 * | KRATE_GITEA_HOOK_SECRET_FILE | what pushes are proved with; the Gitea processes read the same as KRATE_HOOK_SECRET_FILE | required for gitea |
 *
 * @throws {Error} naming the variable that is wrong and what it must be
 */
export function readBackendConfig(env: Readonly<Record<string, string | undefined>>): BackendConfig {
  const root = absolute(env, "KRATE_REPOSITORY_ROOT", "the repositories' folder");
  const kind = env["KRATE_GIT_BACKEND"] || "native";
  if (kind === "native") return { kind, root };
  if (kind !== "gitea") throw new Error(`KRATE_GIT_BACKEND is ${JSON.stringify(kind)}: it must be native or gitea`);
  return {
    kind,
    root,
    servers: serversOf(env["KRATE_GITEA_URLS"] ?? ""),
    tokenFile: absolute(env, "KRATE_GITEA_TOKEN_FILE", "the file with Gitea's token"),
    hookSecretFile: absolute(env, "KRATE_GITEA_HOOK_SECRET_FILE", "the file with the hook's secret"),
  };
}

function absolute(env: Readonly<Record<string, string | undefined>>, name: string, what: string): string {
  const path = env[name];
  if (!path?.startsWith("/")) throw new Error(`${name} must be the absolute path of ${what}`);
  return path;
}

function serversOf(text: string): GiteaServer[] {
  const servers = text.split(",").map((entry) => {
    const [, name, url] = /^\s*([a-z0-9][-a-z0-9.]*)=(https?:\/\/[^\s/@?#]+(?:\/[^\s?#]*)?)\s*$/.exec(entry) ?? [];
    if (!name || !url)
      throw new Error(`KRATE_GITEA_URLS must list Gitea's processes as name=url, such as gitea-0=http://gitea-0:3000`);
    return { name, url: url.replace(/\/+$/, "") };
  });
  if (new Set(servers.map(({ name }) => name)).size < servers.length)
    throw new Error("KRATE_GITEA_URLS names a process twice");
  return servers;
}

/** Nothing is opened or asked before the first call. */
export function openBackend(config: BackendConfig): GitBackend {
  if (config.kind === "native") return new NativeGitBackend({ root: config.root });
  const { root, servers, tokenFile, hookSecretFile } = config;
  return new GiteaGitBackend({ root, hookSecretFile, servers: new GiteaServers({ servers, tokenFile }) });
}
