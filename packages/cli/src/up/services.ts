/** The programs of the forge as a table: what each is started with. Order is start order. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Service } from "./supervisor.ts";

/** Programs that act under a ServiceAccount of their own, named like the program. */
export const controllers = [
  "refpolicy-compiler",
  "repository-operator",
  "runner-operator",
  "webhook-dispatcher",
  "agent-stack-controller",
] as const;

export interface ProgramOptions {
  name: string;
  checkout: string;
  env: Record<string, string>;
  healthAddress: string;
  readySeconds?: number;
}

/** Only these pass from the user's environment into a program: everything else is set on purpose. */
const inherited = [
  "PATH",
  "HOME",
  "TMPDIR",
  "LANG",
  "TZ",
  "NODE_COMPILE_CACHE",
  "NODE_EXTRA_CA_CERTS",
  "KRATE_LOG_LEVEL",
  "KRATE_HISTORY_MAX_AGE_SECONDS",
  "KRATE_HISTORY_MAX_REVISIONS",
  "KRATE_AUDIT_LOG_PATH",
  "KRATE_AUDIT_POLICY_FILE",
  "KRATE_AUDIT_RECORDS",
  "KRATE_GIT_BACKEND",
  "KRATE_GITEA_URLS",
  "KRATE_GITEA_TOKEN_FILE",
  "KRATE_GITEA_HOOK_SECRET_FILE",
];

function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(inherited.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** How a program is started: its bundle where one was built, its sources otherwise. */
export function program({ name, checkout, env, healthAddress, readySeconds }: ProgramOptions): Service {
  const folder = join(checkout, "packages", name);
  const bundle = join(folder, "dist", "main.mjs");
  const supervised = ["--import", pathToFileURL(join(checkout, "packages", "cli", "supervised.mjs")).href];
  const entry =
    existsSync(bundle) && process.env.KRATE_FROM_SOURCES !== "true"
      ? ["--enable-source-maps", bundle]
      : ["--conditions=development", join(folder, "src", "main.ts")];
  return {
    name,
    command: process.execPath,
    args: ["--disable-warning=ExperimentalWarning", ...supervised, ...entry],
    env: { ...inheritedEnvironment(), ...env, KRATE_HEALTH_ADDRESS: healthAddress },
    healthAddress,
    ...(readySeconds !== undefined && { readySeconds }),
  };
}

/** True when the checkout has that program (a console may be left out of a build). */
export function hasProgram(checkout: string, name: string): boolean {
  const folder = join(checkout, "packages", name);
  return existsSync(join(folder, "dist", "main.mjs")) || existsSync(join(folder, "src", "main.ts"));
}
