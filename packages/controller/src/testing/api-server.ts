/** Test only: a real API server of ours (standalone, in memory, with all CRDs) for the tests of the surrounding `describe`. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll } from "@jest/globals";
import { Namespace } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";

export interface TestApiServer {
  client: KubeClient;
  kubeconfig: string;
  /** A client that acts as a program of Krate. */
  as(program: string): KubeClient;
}

const startTimeoutMs = 60_000;
const command = new URL("../../../../hack/dev-apiserver", import.meta.url).pathname;

export function withApiServer(options: { namespaces: readonly string[] }): () => TestApiServer {
  let child: ChildProcess | undefined;
  let server: TestApiServer | undefined;
  beforeAll(async () => {
    child = spawn(command, ["--memory"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, KRATE_LOG_LEVEL: "warn" },
    });
    const errors: Buffer[] = [];
    child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
    const kubeconfig = await Promise.race([
      firstLine(child),
      once(child, "exit").then(() => {
        throw new Error(`hack/dev-apiserver ended: ${Buffer.concat(errors).toString("utf8").slice(-2000)}`);
      }),
    ]);
    const config = await loadKubeConfig(kubeconfig);
    const client = kubeClient(config, { userAgent: "krate-test" });
    server = {
      client,
      kubeconfig,
      as: (program) =>
        kubeClient(config, {
          userAgent: `krate-${program}`,
          impersonate: {
            user: `system:serviceaccount:krate-system:${program}`,
            // All rights: what a program may do is the roles' test; here only who it is counts.
            groups: ["system:serviceaccounts", "system:masters", "system:authenticated"],
          },
        }),
    };
    for (const name of ["krate-system", ...options.namespaces])
      if (!(await client.find(Namespace, { name }))) await client.create(Namespace, { metadata: { name } } as never);
  }, startTimeoutMs);
  afterAll(async () => {
    await server?.client.close();
    if (!child || child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }, startTimeoutMs);
  return () => {
    if (!server) throw new Error("the API server is there in tests and hooks, not while they are collected");
    return server;
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("no stdout");
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith("/")) return line.trim();
  return new Promise(() => undefined); // it ended: its exit says why
}
