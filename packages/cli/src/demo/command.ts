/** The command around the demo: finds the running forge or runs one for as long as the demo lasts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layoutOf } from "../up/layout.ts";
import { readState } from "../up/state.ts";
import { startForge } from "../up/up.ts";
import { runDemo } from "./demo.ts";

export interface DemoCommandOptions {
  home: string;
  checkout: string;
  kubeconfig?: string;
  gitUrl?: string;
  namespace?: string;
}

const print = (line: string) => process.stdout.write(`${line}\n`);

/** Command line that starts this very program again, from its bundle or its sources. */
export function thisProgram(): string[] {
  const entry = process.argv[1] ?? "";
  return [process.execPath, ...(entry.endsWith(".ts") ? ["--conditions=development"] : []), entry];
}

/** True when every step of the demo did what it says. */
export async function demo(options: DemoCommandOptions): Promise<boolean> {
  const { checkout, namespace } = options;
  const shared = { checkout, print, program: thisProgram(), ...(namespace && { namespace }) };
  if (options.kubeconfig && options.gitUrl) {
    return runDemo({ ...shared, forge: { kubeconfig: options.kubeconfig, gitUrl: options.gitUrl } });
  }
  const running = readState(layoutOf(options.home).state);
  if (running) {
    print(`using the forge that runs on ${running.apiUrl}`);
    return runDemo({ ...shared, forge: running });
  }
  print("no forge runs: starting one in a temporary folder");
  const home = mkdtempSync(join(tmpdir(), "krate-demo-home-"));
  const forge = await startForge({
    home,
    checkout,
    apiPort: 0,
    gitPort: 0,
    sshPort: 0,
    consolePort: 0,
    searchPort: 0,
    print,
  });
  try {
    return await runDemo({ ...shared, forge: forge.state });
  } finally {
    await forge.stop();
    rmSync(home, { recursive: true, force: true });
  }
}
