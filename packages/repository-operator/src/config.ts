import { type Environment, type ProgramConfig, readProgramConfig } from "@krate/controller";
import { type BackendConfig, readBackendConfig } from "@krate/git";
import type { Person } from "./merge/message.ts";

export interface OperatorConfig {
  program: ProgramConfig;
  backend: BackendConfig;
  /** URL of git-gateway as clients reach it, without a trailing slash. */
  gitUrl: string;
  gitCaFile?: string;
  /** `ssh://git@host:port` of git-gateway as clients reach it; absent where there is no SSH. */
  sshUrl?: string;
  committer: Person;
}

/**
 * Reads the environment once.
 *
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_REPOSITORY_ROOT, KRATE_GIT_BACKEND, KRATE_GITEA_* | where repositories are, as git-gateway has it: {@link readBackendConfig} | required |
 * | KRATE_GIT_URL | URL of git-gateway as clients reach it | http://127.0.0.1:7081 |
 * | KRATE_SSH_URL | where clients reach its SSH side, `ssh://git@host:port` | no SSH |
 * | KRATE_GIT_CA_FILE | PEM file of the CA behind an https URL | those of the system |
 * | KRATE_GIT_COMMITTER | committer of the commits that merges make, `Name <mail>` | Krate <noreply@krate.a5c.ai> |
 *
 * @throws {Error} naming the variable that is wrong and what it must be.
 */
export function readConfig(env: Environment): OperatorConfig {
  const gitUrl = (env.KRATE_GIT_URL || "http://127.0.0.1:7081").replace(/\/+$/, "");
  if (!/^https?:\/\/[^/\s@]+(\/|$)/.test(gitUrl) || !URL.canParse(gitUrl))
    throw new Error(`KRATE_GIT_URL is ${JSON.stringify(gitUrl)}: it must be an http or https URL without credentials`);
  const sshUrl = env.KRATE_SSH_URL?.replace(/\/+$/, "");
  if (sshUrl && !/^ssh:\/\/[^/\s:]+$|^ssh:\/\/[^/\s]+:\d{1,5}$/.test(sshUrl))
    throw new Error(`KRATE_SSH_URL is ${JSON.stringify(sshUrl)}: it must be ssh://git@host or ssh://git@host:port`);
  return Object.freeze({
    program: readProgramConfig(env),
    backend: readBackendConfig(env),
    gitUrl,
    ...(env.KRATE_GIT_CA_FILE && { gitCaFile: env.KRATE_GIT_CA_FILE }),
    ...(sshUrl && { sshUrl }),
    committer: committerOf(env.KRATE_GIT_COMMITTER || "Krate <noreply@krate.a5c.ai>"),
  });
}

function committerOf(text: string): Person {
  const match = /^([^<>]*[^<>\s]) <([^<>\s]+)>$/.exec(text);
  if (!match) throw new Error(`KRATE_GIT_COMMITTER is ${JSON.stringify(text)}: it must be "Name <mail>"`);
  return { name: match[1] as string, email: match[2] as string };
}
