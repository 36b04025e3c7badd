/** `actions/checkout`: exactly the commit of the run, with the Pod's token, which is neither on a command line nor kept in `.git`. */
import { readFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import type { JobAssignment } from "@krate/workflow";
import { type ProcessEnd, type ProcessOptions, runProcess } from "./process.ts";

export interface CheckoutOptions extends Omit<ProcessOptions, "cwd"> {
  job: JobAssignment;
  tokenFile: string;
  workspace: string;
  inputs: Record<string, string>;
}

/** `actions/checkout@v4`, with or without a version. */
export function isCheckout(uses: string): boolean {
  return /^actions\/checkout(@[\w.-]+)?$/.test(uses);
}

/** A folder below the workspace; throws when the input leads out of it. */
export function folderInside(workspace: string, path: string): string {
  const folder = resolve(workspace, path);
  const inside = relative(workspace, folder);
  if (inside.startsWith("..") || isAbsolute(inside)) throw new Error(`path "${path}" must stay inside the workspace`);
  return folder;
}

/** Git settings by environment: configuration files of the machine and hooks do not apply, the token is sent to this server only. */
function gitEnvironment({ job, tokenFile, output, env }: CheckoutOptions): Record<string, string> {
  const token = readFileSync(tokenFile, "utf8").trim();
  output.hide(token);
  const header = `Authorization: Basic ${Buffer.from(`krate:${token}`).toString("base64")}`;
  const settings: [string, string][] = [
    [`http.${new URL(job.cloneUrl).origin}/.extraHeader`, header],
    ["core.hooksPath", "/dev/null"],
    ["protocol.file.allow", "never"],
    ["safe.directory", "*"],
    ["advice.detachedHead", "false"],
    ["init.defaultBranch", "main"],
  ];
  return {
    ...env,
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, key],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
  };
}

/** Fetches and checks out; ends like the git command that failed, or with 0. */
export async function checkout(options: CheckoutOptions): Promise<ProcessEnd> {
  const { job, inputs, workspace } = options;
  const folder = folderInside(workspace, inputs["path"] ?? ".");
  const ref = inputs["ref"] ?? job.sha;
  if (ref.startsWith("-")) throw new Error(`ref "${ref}" must not start with "-"`);
  const depth = Number(inputs["fetch-depth"] ?? "1");
  if (!Number.isInteger(depth) || depth < 0)
    throw new Error(`fetch-depth "${inputs["fetch-depth"]}" must be a whole number, 0 for everything`);
  const env = gitEnvironment(options);
  const commands: string[][] = [
    ["init", "--quiet", folder],
    ["-C", folder, "fetch", "--quiet", "--no-tags", ...(depth > 0 ? [`--depth=${depth}`] : []), job.cloneUrl, ref],
    ["-C", folder, "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"],
  ];
  for (const args of commands) {
    const end = await runProcess("git", args, { ...options, cwd: workspace, env });
    if (end.how !== "exit" || end.exitCode !== 0) return end;
  }
  options.output.line(`checked out ${ref} of ${job.repository} into ${join(".", relative(workspace, folder)) || "."}`);
  return { how: "exit", exitCode: 0 };
}
