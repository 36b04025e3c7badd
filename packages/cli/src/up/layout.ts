/** Where the embedded forge keeps its files. One folder, `KRATE_HOME`; deleting it forgets everything. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Layout {
  home: string;
  database: string;
  repositories: string;
  pki: string;
  kubeconfigs: string;
  tokens: string;
  logs: string;
  node: string;
  console: string;
  search: string;
  /** The kubeconfig people use; contexts `admin`, `alice`, `bob`. */
  kubeconfig: string;
  /** `{ apiUrl, gitUrl, sshUrl, searchUrl, consoleUrl, kubeconfig, namespace, pids }` of the running forge. */
  state: string;
  lock: string;
}

export function layoutOf(home: string): Layout {
  return {
    home,
    database: join(home, "postgres"),
    repositories: join(home, "repositories"),
    pki: join(home, "pki"),
    kubeconfigs: join(home, "programs"),
    tokens: join(home, "tokens"),
    logs: join(home, "logs"),
    node: join(home, "node"),
    console: join(home, "console"),
    search: join(home, "search"),
    kubeconfig: join(home, "kubeconfig"),
    state: join(home, "forge.json"),
    lock: join(home, "forge.lock"),
  };
}

/** The checkout this program runs from: the nearest folder above that has `pnpm-workspace.yaml`. */
export function checkoutRoot(from = dirname(fileURLToPath(import.meta.url))): string {
  let folder = from;
  while (!existsSync(join(folder, "pnpm-workspace.yaml"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`cannot find the Krate checkout above ${from}: run krate from a clone`);
    folder = parent;
  }
  return folder;
}
