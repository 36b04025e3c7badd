/** `KRATE_HOME/forge.json`: how other commands find the running forge. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

export interface ForgeState {
  pid: number;
  apiUrl: string;
  gitUrl: string;
  /** `ssh://git@host:port` */
  sshUrl: string;
  /** Code search: `GET <searchUrl>/search?q=…` */
  searchUrl?: string;
  consoleUrl?: string;
  kubeconfig: string;
  /** Namespace of the first organization. */
  namespace: string;
  /** Process id by program name. */
  pids: Record<string, number>;
}

export function writeState(file: string, state: ForgeState): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeState(file: string): void {
  rmSync(file, { force: true });
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The state of the forge that runs now; undefined when none does. */
export function readState(file: string): ForgeState | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  const state = JSON.parse(text) as ForgeState;
  return isAlive(state.pid) ? state : undefined;
}
