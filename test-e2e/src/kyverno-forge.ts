/** A forge of its own with a real Kyverno: a policy of a cluster is a policy for every other test. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Kyverno, startKyverno, temporaryFolder } from "@krate/testing";
import { krateCommand, startTestForge, type TestForge } from "./forge.ts";

export interface Output {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface KyvernoForge {
  state: TestForge["state"];
  /** As admin, in the forge's namespace; an object goes to its standard input. */
  kubectl(args: readonly string[], input?: unknown): Output;
  /** Like kubectl, but throws when it fails; returns what it printed. */
  ok(args: readonly string[], input?: unknown): string;
  stopKyverno(): Promise<void>;
  startKyverno(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Behind a kube-apiserver, Kyverno is there before the forge, as in a cluster that got Krate later; on standalone there is
 * nothing before the forge.
 */
export async function startKyvernoForge(): Promise<KyvernoForge> {
  const folder = await temporaryFolder("kyverno");
  let kyverno: Kyverno | undefined;
  const startOn = async (kubeconfig: string, context?: string) => {
    kyverno = await startKyverno({ kubeconfig, dataFolder: folder.path, ...(context !== undefined && { context }) });
  };
  const forge = await startTestForge({ arguments: ["--without", "process-node"], onCluster: startOn });
  const { kubeconfig, namespace } = forge.state();
  if (kyverno === undefined) await startOn(kubeconfig, "admin");
  const kubectl = (args: readonly string[], input?: unknown): Output => {
    const scope = ["--kubeconfig", kubeconfig, "--context", "admin", "-n", namespace];
    const { status, stdout, stderr } = spawnSync("kubectl", [...scope, ...args], {
      encoding: "utf8",
      ...(input !== undefined && { input: JSON.stringify(input) }),
    });
    return { status, stdout, stderr };
  };
  return {
    state: forge.state,
    kubectl,
    ok(args, input) {
      const { status, stdout, stderr } = kubectl(args, input);
      if (status !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${status}:\n${stderr}`);
      return stdout;
    },
    stopKyverno: async () => kyverno?.stop(),
    startKyverno: () => startOn(kubeconfig, "admin"),
    async stop() {
      await kyverno?.stop();
      await forge.stop();
      await folder.remove();
    },
  };
}

/** Pull requests need a repository with two branches: `app` with `main` and `topic`. */
export function pushBranches({ ok, state }: KyvernoForge): void {
  const repository = { apiVersion: "krate.a5c.ai/v1alpha1", kind: "Repository", metadata: { name: "app" } };
  ok(["create", "-f", "-"], { ...repository, spec: { organizationRef: "demo" } });
  ok(["wait", "repositories.krate.a5c.ai/app", "--for=condition=Ready", "--timeout=60s"]);
  const { gitUrl, kubeconfig, namespace } = state();
  const helper = [...krateCommand(), "credential", "--kubeconfig", kubeconfig, "--context", "alice"];
  const credential = `credential.helper=!${helper.map((part) => `'${part}'`).join(" ")}`;
  const settings = ["credential.helper=", credential, "user.name=Alice", "user.email=alice@example.test"];
  const folder = mkdtempSync(join(tmpdir(), "krate-kyverno-"));
  const git = (...args: string[]) => {
    const result = spawnSync("git", [...settings.flatMap((setting) => ["-c", setting]), ...args], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    });
    if (result.status !== 0) throw new Error(`git ${args.join(" ")} ended with ${result.status}:\n${result.stderr}`);
  };
  const url = `${gitUrl}/${namespace}/app.git`;
  try {
    git("init", "-q", "-b", "main");
    git("commit", "-q", "--allow-empty", "-m", "first");
    git("push", "-q", url, "main");
    git("commit", "-q", "--allow-empty", "-m", "second");
    git("push", "-q", url, "main:topic");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
