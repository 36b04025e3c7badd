/**
 * Test only: the real API server, the real gateway and the operator, each with the rights of its own ServiceAccount, over a folder of
 * bare repositories.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "@jest/globals";
import { startProgram } from "@krate/controller";
import { withApiServer } from "@krate/controller/testing";
import { type ObjectOf, PullRequest, Repository } from "@krate/kinds";
import { type KubeClient, loadKubeConfig } from "@krate/kube";
import { createLogger } from "@krate/telemetry";
import { eventually, freePort, type TemporaryFolder, temporaryFolder } from "@krate/testing";
import type { OperatorConfig } from "../config.ts";
import { operatorProgram } from "../program.ts";
import { WorkTree } from "./git.ts";

const checkout = new URL("../../../../", import.meta.url).pathname;
const startTimeoutMs = 90_000;

export interface Forge {
  namespace: string;
  admin: KubeClient;
  folder: string;
  gitUrl: string;
  repositoryRoot: string;
  /** A client for a person. */
  as(user: string, ...groups: string[]): KubeClient;
  /** URL of a repository with an administrator's token in it. */
  url(repository: string, token?: string): string;
  tokenOf(serviceAccount: string): Promise<string>;
  /** Environment of the operator as a process. */
  operatorEnvironment(): Record<string, string>;
  startOperator(): Promise<{ stop(): Promise<void> }>;
  stopOperators(): Promise<void>;
  stopGateway(): Promise<void>;
  startGateway(): Promise<void>;
  /** A Ready repository with branch main, and a work tree of it. */
  repository(name: string, spec?: Partial<ObjectOf<typeof Repository>["spec"]>): Promise<WorkTree>;
  openPullRequest(
    spec: Partial<ObjectOf<typeof PullRequest>["spec"]> & { repository: string; head: string },
  ): Promise<string>;
  pullRequest(name: string): Promise<ObjectOf<typeof PullRequest>>;
}

const log = createLogger({ component: "test", level: (process.env.KRATE_TEST_LOG ?? "silent") as "silent" });

export function withForge(): () => Forge {
  const namespace = "acme";
  let folder: TemporaryFolder | undefined;
  let gateway: ChildProcess | undefined;
  let compiler: ChildProcess | undefined;
  let forge: Forge | undefined;
  const operators = new Set<() => Promise<void>>();

  // Hooks run in the order they are declared: what uses the API server ends before it does.
  afterAll(async () => {
    for (const stopOperator of operators) await stopOperator();
    await Promise.all([stop(gateway), stop(compiler)]);
    await folder?.remove();
  }, 30_000);
  const server = withApiServer({ namespaces: [namespace] });

  beforeAll(async () => {
    folder = await temporaryFolder("operator");
    const { client: admin, kubeconfig } = server();
    const path = folder.path;
    await applyRoles(kubeconfig);
    const port = await freePort();
    const healthPort = await freePort();
    const gitUrl = `http://127.0.0.1:${port}`;
    const repositoryRoot = join(path, "repositories");
    const tokenOf = async (name: string) => {
      const answer = await admin.raw({
        method: "POST",
        path: `/api/v1/namespaces/krate-system/serviceaccounts/${name}/token`,
        body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
      });
      return ((await answer.json()) as { status: { token: string } }).status.token;
    };
    const kubeconfigOf = async (name: string) => {
      const config = JSON.parse(await readFile(kubeconfig, "utf8")) as { users: { user: object }[] };
      for (const user of config.users) user.user = { token: await tokenOf(name) };
      const file = join(path, `${name}.kubeconfig`);
      await writeFile(file, JSON.stringify(config), { mode: 0o600 });
      return file;
    };
    const compilerConfig = await kubeconfigOf("refpolicy-compiler");
    const gatewayConfig = await kubeconfigOf("git-gateway");
    const operatorConfig = await kubeconfigOf("repository-operator");
    const pusherToken = await tokenOf("pusher");
    const operatorEnvironment = () => ({
      KUBECONFIG: operatorConfig,
      KRATE_REPOSITORY_ROOT: repositoryRoot,
      KRATE_GIT_URL: gitUrl,
      KRATE_LEADER_ELECTION: "false",
    });
    const startGateway = async () => {
      gateway = startProcess("git-gateway", {
        KUBECONFIG: gatewayConfig,
        KRATE_REPOSITORY_ROOT: repositoryRoot,
        KRATE_GIT_ADDRESS: `127.0.0.1:${port}`,
        KRATE_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
      });
      await eventually(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok, { timeoutSeconds: 30 });
    };
    const url = (repository: string, token = pusherToken) =>
      `http://any:${token}@127.0.0.1:${port}/${namespace}/${repository}.git`;
    const as = (user: string, ...groups: string[]) =>
      admin.as({ user, groups: [...groups, "krate:developers", "system:authenticated"] });
    const get = (name: string) => admin.get(PullRequest, { namespace, name });
    forge = {
      namespace,
      admin,
      folder: path,
      gitUrl,
      repositoryRoot,
      as,
      url,
      tokenOf,
      operatorEnvironment,
      startGateway,
      async stopOperators() {
        for (const stopOperator of operators) await stopOperator();
      },
      async stopGateway() {
        await stop(gateway);
      },
      async startOperator() {
        const end = new AbortController();
        const config: OperatorConfig = {
          program: {
            kubeconfig: operatorConfig,
            healthAddress: { host: "127.0.0.1", port: 0 },
            logLevel: "warn",
            namespace: "krate-system",
            leaderElection: false,
          },
          backend: { kind: "native", root: repositoryRoot },
          gitUrl,
          committer: { name: "Krate", email: "noreply@krate.a5c.ai" },
        };
        const running = await startProgram(
          { ...operatorProgram(config, await loadKubeConfig(operatorConfig)), log },
          end.signal,
        );
        await running.ready;
        const stopOperator = async () => {
          operators.delete(stopOperator);
          end.abort(new Error("the test is over"));
          await running.finished;
        };
        operators.add(stopOperator);
        return { stop: stopOperator };
      },
      async repository(name, spec = {}) {
        await admin.create(Repository, {
          metadata: { namespace, name },
          spec: { organizationRef: namespace, visibility: "private", ...spec },
        });
        await eventually(async () => (await admin.get(Repository, { namespace, name })).status?.phase === "Ready", {
          description: `repository ${name} Ready`,
        });
        const tree = await WorkTree.create(join(path, `${name}-${Date.now()}`));
        await tree.git("remote", "add", "origin", url(name));
        await tree.git("push", "-q", "origin", "main");
        return tree;
      },
      async openPullRequest(spec) {
        const created = await as("ada").create(PullRequest, {
          metadata: { namespace, generateName: `${spec.repository}-` },
          spec: { organizationRef: namespace, title: `merge ${spec.head}`, base: "main", ...spec },
        });
        const name = created.metadata.name ?? "";
        await eventually(async () => (await get(name)).status?.headSha !== undefined, {
          description: `head of ${name}`,
        });
        return name;
      },
      pullRequest: get,
    };
    compiler = startProcess("refpolicy-compiler", { KUBECONFIG: compilerConfig, KRATE_LEADER_ELECTION: "false" });
    await startGateway();
  }, startTimeoutMs);

  return () => {
    if (!forge) throw new Error("the forge is there in tests and hooks, not while they are collected");
    return forge;
  };
}

/** Another program of Krate, as it runs beside the operator. */
function startProcess(name: string, env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, ["--conditions=development", join(checkout, `packages/${name}/src/main.ts`)], {
    stdio: ["ignore", "inherit", process.env.KRATE_TEST_LOG ? "inherit" : "ignore"],
    env: { ...process.env, KRATE_LOG_LEVEL: "warn", ...env },
  });
}

/** The generated roles, and a ServiceAccount `pusher` that may push anywhere. */
async function applyRoles(kubeconfig: string): Promise<void> {
  const kubectl = (...args: string[]) => promisify(execFile)("kubectl", ["--kubeconfig", kubeconfig, ...args]);
  const files = ["roles", "git-gateway", "refpolicy-compiler", "repository-operator"].flatMap((name) => [
    "-f",
    join(checkout, `deploy/rbac/${name}.yaml`),
  ]);
  await kubectl("apply", "--server-side", "--force-conflicts", ...files);
  await kubectl("create", "serviceaccount", "pusher", "-n", "krate-system");
  await kubectl(
    "create",
    "clusterrole",
    "test-content",
    "--verb=get,update",
    "--resource=repositories.krate.a5c.ai/content",
  );
  const subjects = ["--serviceaccount=krate-system:pusher", "--group=krate:developers"];
  await kubectl("create", "clusterrolebinding", "test-content", "--clusterrole=test-content", ...subjects);
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
