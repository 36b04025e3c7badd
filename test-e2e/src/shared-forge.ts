/** What test files need of the forge that all of them share: its state, kubectl, git, a namespace of their own. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ForgeState, krateCommand } from "./forge.ts";

export type Person = "admin" | "alice" | "bob";

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  as?: Person;
  namespace?: string;
  input?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** The forge's `forge.json`, read anew each time. */
export function forgeState(): ForgeState {
  const file = process.env["KRATE_E2E_STATE"];
  if (!file) throw new Error("KRATE_E2E_STATE is not set: run the suite by npm test, which starts the forge");
  return JSON.parse(readFileSync(file, "utf8")) as ForgeState;
}

const commandTimeoutMilliseconds = 60_000;
const outputLimitBytes = 64 * 1024 * 1024;

export function run(command: string, args: readonly string[], options: RunOptions = {}): Output {
  const result = spawnSync(command, args, {
    input: options.input ?? "",
    encoding: "utf8",
    timeout: commandTimeoutMilliseconds,
    maxBuffer: outputLimitBytes,
    ...(options.cwd && { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  if (result.error) throw result.error;
  return { code: result.status ?? 1, stdout: result.stdout, stderr: result.stderr };
}

/** Runs kubectl as a person of the forge. */
export function kubectl(args: readonly string[], options: RunOptions = {}): Output {
  const { kubeconfig, namespace } = forgeState();
  const scope = ["--kubeconfig", kubeconfig, "--context", options.as ?? "admin", "-n", options.namespace ?? namespace];
  return run("kubectl", [...scope, ...args], options);
}

/** Like `kubectl`, but throws with both outputs when it fails; returns what it printed. */
export function kubectlOk(args: readonly string[], options: RunOptions = {}): string {
  const result = kubectl(args, options);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${result.code}:\n${result.stderr}`);
  return result.stdout;
}

/** Runs git with the forge's credential helper for a person. */
export function git(args: readonly string[], options: RunOptions = {}): Output {
  const helper = [
    ...krateCommand(),
    "credential",
    "--kubeconfig",
    forgeState().kubeconfig,
    "--context",
    options.as ?? "alice",
  ];
  const quoted = helper.map((part) => `'${part}'`).join(" ");
  return run("git", ["-c", "credential.helper=", "-c", `credential.helper=!${quoted}`, ...args], {
    ...options,
    env: { GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", ...options.env },
  });
}

export function gitOk(args: readonly string[], options: RunOptions = {}): string {
  const result = git(args, options);
  if (result.code !== 0)
    throw new Error(`git ${args.join(" ")} ended with ${result.code}:\n${result.stdout}${result.stderr}`);
  return result.stdout + result.stderr;
}

/** A namespace of the demo organization for one test file. */
export function freshNamespace(prefix: string): string {
  const name = `krate-org-${prefix}-${randomBytes(3).toString("hex")}`;
  kubectlOk(["create", "namespace", name]);
  kubectlOk(["label", "namespace", name, "krate.a5c.ai/org=demo"]);
  return name;
}

export function cloneUrl(namespace: string, repository: string): string {
  return `${forgeState().gitUrl}/${namespace}/${repository}.git`;
}
