/** `actions/checkout`: exactly the commit of the run, with the Pod's token, which is neither on a command line nor kept in `.git`. */
import { readFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobAssignment } from "@krate/workflow";
import type { Output } from "./output.ts";
import { type ProcessEnd, type ProcessOptions, runProcess } from "./process.ts";

export interface CheckoutOptions extends Omit<ProcessOptions, "cwd"> {
  output: Output;
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

/** A gateway that is replaced is away for seconds; `actions/checkout` tries a fetch again as well. */
const fetchRetrySeconds: readonly number[] = [1, 2, 4, 8, 15];
/** What stays so however often it is asked. */
const finalRefusal = /couldn't find remote ref|not our ref|Authentication failed|returned error: 4(?!29)\d\d/;
const rememberedBytes = 4096;

/** Runs `git fetch` until it succeeds, is refused for good, or was tried often enough. */
async function fetchWithRetries(
  args: readonly string[],
  options: ProcessOptions & { output: Output },
): Promise<ProcessEnd> {
  const { output, signal } = options;
  const deadline = Date.now() + options.timeoutSeconds * 1000;
  for (let attempt = 0; ; attempt++) {
    let said = "";
    const listening = {
      lines: () => {
        const sink = output.lines();
        const write = (chunk: Buffer) => {
          said = `${said}${chunk.toString("utf8")}`.slice(-rememberedBytes);
          sink.write(chunk);
        };
        return { write, end: sink.end };
      },
    };
    const timeoutSeconds = Math.max(0, (deadline - Date.now()) / 1000);
    const end = await runProcess("git", args, { ...options, output: listening, timeoutSeconds });
    const seconds = fetchRetrySeconds[attempt];
    const isFinal = end.how !== "exit" || end.exitCode === 0 || finalRefusal.test(said);
    if (isFinal || seconds === undefined || Date.now() + seconds * 1000 >= deadline) return end;
    output.line(`the fetch failed with exit code ${end.exitCode}: trying again in ${seconds} s`);
    try {
      await sleep(seconds * 1000, undefined, { signal });
    } catch {
      return { how: "cancelled" };
    }
  }
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
  const shared = { ...options, cwd: workspace, env };
  const shallow = depth > 0 ? [`--depth=${depth}`] : [];
  const commands: (() => Promise<ProcessEnd>)[] = [
    () => runProcess("git", ["init", "--quiet", folder], shared),
    () => fetchWithRetries(["-C", folder, "fetch", "--quiet", "--no-tags", ...shallow, job.cloneUrl, ref], shared),
    () => runProcess("git", ["-C", folder, "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"], shared),
  ];
  for (const command of commands) {
    const end = await command();
    if (end.how !== "exit" || end.exitCode !== 0) return end;
  }
  options.output.line(`checked out ${ref} of ${job.repository} into ${join(".", relative(workspace, folder)) || "."}`);
  return { how: "exit", exitCode: 0 };
}
