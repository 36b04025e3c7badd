import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findCommand } from "../requirements.ts";
import { binaryPath, missingPrograms } from "./binaries.ts";

/** The machine's kubectl, else the built one; undefined when there is none. */
export function findKubectl(): string | undefined {
  return findCommand("kubectl") ?? (missingPrograms(["kubectl"]).length === 0 ? binaryPath("kubectl") : undefined);
}

/** Runs kubectl against a kubeconfig's current context, for at most two minutes, and resolves to what it printed. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

/** @throws Error when there is no kubectl; the text says how to get one. */
export function kubectlFor(kubeconfig: string): Kubectl {
  const file = findKubectl();
  if (file === undefined) throw new Error("no kubectl on PATH: install it, or run hack/control-plane build kubectl");
  return async (args, input = "") => {
    const running = promisify(execFile)(file, ["--kubeconfig", kubeconfig, ...args], {
      timeout: 120_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    running.child.stdin?.on("error", () => {}); // it may end before it has read all; its exit code tells why
    running.child.stdin?.end(input);
    return (await running).stdout;
  };
}
