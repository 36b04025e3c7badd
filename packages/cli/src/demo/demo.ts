/** `krate demo`: runs the scenario against a running forge, or starts one for as long as it lasts. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ForgeState } from "../up/state.ts";
import { startReceiver } from "./receiver.ts";
import { steps } from "./scenario.ts";
import { DemoError, DemoShell } from "./shell.ts";

export interface DemoOptions {
  forge: Pick<ForgeState, "kubeconfig" | "gitUrl" | "consoleUrl">;
  checkout: string;
  /** Command line that starts this program, for git's credential helper. */
  program: string[];
  print(line: string): void;
  /** Namespace to use; a fresh one when absent, so that runs never meet. */
  namespace?: string;
  /** Called before every step; tests use it to break things. */
  beforeStep?(title: string): Promise<void>;
}

const quoted = (part: string) => `'${part.replaceAll("'", `'\\''`)}'`;

/** Runs every step; returns true when all of them did what they say. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { forge, checkout, print } = options;
  const namespace = options.namespace ?? `krate-org-demo-${randomBytes(3).toString("hex")}`;
  const webhookSecret = randomBytes(24).toString("hex");
  const work = mkdtempSync(join(tmpdir(), "krate-demo-"));
  const receiver = await startReceiver(webhookSecret);
  const shell = new DemoShell({
    env: {
      ...process.env,
      KUBECONFIG: forge.kubeconfig,
      GIT_TERMINAL_PROMPT: "0",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
    },
    print,
  });
  const credentialHelper = (context: string) =>
    `!${[...options.program, "credential", "--kubeconfig", forge.kubeconfig, "--context", context].map(quoted).join(" ")}`;
  const stage = {
    shell,
    namespace,
    webhookSecret,
    work,
    receiver,
    credentialHelper,
    gitUrl: forge.gitUrl,
    examples: join(checkout, "examples"),
    source: checkout,
  };
  const startedAt = Date.now();
  try {
    for (const [index, step] of steps.entries()) {
      print(`\n[${index + 1}/${steps.length}] ${step.title}`);
      await options.beforeStep?.(step.title);
      await step.run(stage);
    }
    print(`\nAll ${steps.length} steps did what they say, in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
    print(`Look around: kubectl --kubeconfig ${forge.kubeconfig} -n ${namespace} get krate`);
    if (forge.consoleUrl) print(`or in the console: ${forge.consoleUrl}`);
    return true;
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
    print(`\nThe demo stopped: ${error.message}`);
    return false;
  } finally {
    await receiver.close();
    rmSync(work, { recursive: true, force: true });
  }
}
