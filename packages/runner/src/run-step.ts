/** One step: a script, or a built-in action. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ExpressionContext, interpolate, interpolateAll, type JobAssignment } from "@krate/workflow";
import { checkout, folderInside, isCheckout } from "./checkout.ts";
import type { RunnerConfig } from "./config.ts";
import type { Output } from "./output.ts";
import { type ProcessEnd, runProcess } from "./process.ts";

export interface StepOptions {
  config: RunnerConfig;
  step: JobAssignment["steps"][number];
  env: Record<string, string>;
  context: ExpressionContext;
  output: Output;
  timeoutSeconds: number;
  signal: AbortSignal;
}

/** Shells by name, as GitHub starts them: a failing command ends the script. */
const shells: Record<string, (file: string) => [string, string[]]> = {
  bash: (file) => ["bash", ["--noprofile", "--norc", "-eo", "pipefail", file]],
  sh: (file) => ["sh", ["-e", file]],
};

function shellCommand(shell: string | undefined, file: string): [string, string[]] {
  const known = shells[shell ?? "bash"];
  if (known) return known(file);
  const words = (shell ?? "").split(/\s+/).map((word) => word.replace("{0}", file));
  if (!shell?.includes("{0}") || !words[0]) {
    throw new Error(`shell "${shell}" is not known: use bash, sh, or a command with {0} where the script's file goes`);
  }
  return [words[0], words.slice(1)];
}

/** Resolves with how it ended. @throws Error with a message for the log when it could not be run */
export async function runStep(options: StepOptions): Promise<ProcessEnd> {
  const { config, step, env, context, output, timeoutSeconds, signal } = options;
  const shared = { env, output, timeoutSeconds, signal };
  if (step.uses !== undefined) {
    if (!isCheckout(step.uses)) {
      throw new Error(
        `action "${step.uses}" cannot be used: this runner has actions/checkout; write other steps as "run" scripts`,
      );
    }
    const inputs = interpolateAll(step.with ?? {}, context);
    return checkout({ ...shared, job: config.job, tokenFile: config.tokenFile, workspace: config.workspace, inputs });
  }
  const script = interpolate(step.run ?? "", context);
  const file = join(config.temporary, `step-${step.number}.sh`);
  writeFileSync(file, script, { mode: 0o700 });
  for (const line of script.trimEnd().split("\n")) output.line(`+ ${line}`);
  const [command, args] = shellCommand(step.shell, file);
  const cwd = folderInside(config.workspace, interpolate(step.workingDirectory ?? ".", context));
  return runProcess(command, args, { ...shared, cwd });
}
