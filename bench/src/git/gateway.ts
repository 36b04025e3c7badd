/** git-gateway's bundle as `npm start` runs it, in front of krate-apiserver and Postgres: identities, rights and events are real. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { crdOf } from "@krate/codegen";
import { NativeGitBackend } from "@krate/git";
import {
  annotations,
  BranchProtection,
  ConfigMap,
  GitEvent,
  GPGKey,
  type KubernetesObject,
  labels,
  Namespace,
  RefPolicy,
  Repository,
  SSHKey,
  User,
} from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { compileBundle } from "@krate/refpolicy";
import { freePort } from "@krate/testing/control-plane";
import asc from "assemblyscript/asc";
import { parseAllDocuments } from "yaml";
import { namespace } from "../apiserver/objects.ts";
import { startKrate } from "../apiserver/servers.ts";
import type { GitServer } from "./git-server.ts";

const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const platform = "krate-system";
const startTimeoutMs = 60_000;

export interface Gateway extends GitServer {
  createRepository(name: string): Promise<void>;
  /** 49 declarative rules and one WebAssembly hook, all of which look at every branch. */
  enforceFiftyRules(): Promise<void>;
  /** How long the rules of the newest pushes took, milliseconds; one figure per push. */
  evaluationMs(repository: string): Promise<number[]>;
}

export async function startGateway(folder: string): Promise<Gateway> {
  const server = await startKrate();
  const kubeconfig = join(folder, "kubeconfig");
  writeKubeconfig(kubeconfig, server.target, server.target.token);
  const admin = kubeClient(await loadKubeConfig(kubeconfig), { userAgent: "bench", fieldManager: "bench" });
  let child: ChildProcess | undefined;
  let exited: Promise<void> = Promise.resolve();
  const stop = async () => {
    child?.kill("SIGTERM");
    await exited;
    await admin.close();
    await server.stop();
  };
  try {
    await install(admin);
    const token = await tokenOf(admin, "git-gateway");
    const gatewayConfig = join(folder, "gateway-kubeconfig");
    writeKubeconfig(gatewayConfig, server.target, token);
    const [port, healthPort] = [await freePort(), await freePort()];
    const root = join(folder, "krate");
    child = spawn(process.execPath, [join(checkout, "packages/git-gateway/dist/main.mjs")], {
      env: {
        PATH: process.env["PATH"],
        KUBECONFIG: gatewayConfig,
        KRATE_REPOSITORY_ROOT: root,
        KRATE_GIT_ADDRESS: `127.0.0.1:${port}`,
        KRATE_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
        KRATE_LOG_LEVEL: "warn",
      },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const running = child;
    exited = new Promise<void>((resolve) => running.once("exit", () => resolve()));
    const died = exited.then(() => Promise.reject(new Error("git-gateway ended; what it said is above")));
    died.catch(() => undefined); // it ends in the end
    const ready = until(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok);
    await Promise.race([ready, died]);
    const backend = new NativeGitBackend({ root });
    return {
      name: "krate",
      url: (repository) => `http://127.0.0.1:${port}/${namespace}/${repository}.git`,
      gitDir: (repository) => backend.gitDir({ namespace, name: repository }),
      headers: { authorization: `Bearer ${server.target.token}` },
      createRepository: (name) => createRepository(name, admin, backend),
      enforceFiftyRules: () => enforceFiftyRules(admin),
      evaluationMs: (repository) => evaluationMs(repository, admin),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function writeKubeconfig(file: string, { url, ca }: { url: string; ca: Buffer }, token: string): void {
  const cluster = { server: url, "certificate-authority-data": ca.toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "bench",
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    clusters: [{ name: "bench", cluster }],
    users: [{ name: "bench", user: { token } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
}

/** The kinds the gateway reads and its roles, as `crds/` and `deploy/rbac` have them. */
async function install(admin: KubeClient): Promise<void> {
  for (const kind of [BranchProtection, RefPolicy, SSHKey, GPGKey, User])
    await admin.raw({
      method: "POST",
      path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      body: crdOf(kind),
    });
  if (!(await admin.find(Namespace, { name: platform })))
    await admin.create(Namespace, { metadata: { name: platform } } as never);
  const documents = parseAllDocuments(readFileSync(join(checkout, "deploy/rbac/git-gateway.yaml"), "utf8"));
  for (const document of documents) {
    const object = document.toJS() as KubernetesObject;
    const isCore = object.apiVersion === "v1";
    const base = isCore ? "/api/v1" : `/apis/${object.apiVersion}`;
    const where = object.metadata?.namespace ? `/namespaces/${object.metadata.namespace}` : "";
    const path = `${base}${where}/${(object.kind ?? "").toLowerCase()}s`;
    await admin.raw({ method: "POST", path, body: object });
  }
  for (const kind of [BranchProtection, RefPolicy, SSHKey, GPGKey, User])
    await until(async () => Array.isArray((await admin.list(kind as typeof User, { namespace })).items));
}

async function tokenOf(admin: KubeClient, name: string): Promise<string> {
  const answer = await admin.raw({
    method: "POST",
    path: `/api/v1/namespaces/${platform}/serviceaccounts/${name}/token`,
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  });
  return ((await answer.json()) as { status: { token: string } }).status.token;
}

async function createRepository(name: string, admin: KubeClient, backend: NativeGitBackend): Promise<void> {
  const known = await admin.find(Repository, { namespace, name });
  const spec = { organizationRef: "bench", visibility: "private" as const };
  const { metadata } = known ?? (await admin.create(Repository, { metadata: { namespace, name }, spec }));
  await backend.ensure({ namespace, name, uid: metadata.uid });
}

async function enforceFiftyRules(admin: KubeClient): Promise<void> {
  const hook = Buffer.from(await compileHook());
  const binaryData = { "issue.wasm": hook.toString("base64") };
  await admin.create(ConfigMap, { metadata: { namespace, name: "hooks" }, binaryData });
  const digest = `sha256:${createHash("sha256").update(hook).digest("hex")}`;
  const refs = ["refs/heads/**"];
  const rule = (name: string, rest: object) => ({ name, refs, ...rest });
  const seven = (n: number) => [
    rule(`no-force-${n}`, { type: "block-force-push" }),
    rule(`keep-${n}`, { type: "deny-deletion" }),
    rule(`linear-${n}`, { type: "require-linear-history" }),
    rule(`small-${n}`, { type: "max-object-size", params: { maxBytes: 10_000_000 + n } }),
    rule(`message-${n}`, { type: "commit-message-pattern", params: { pattern: `#[0-9]+|bench ${n}` } }),
    rule(`paths-${n}`, { type: "path-lock", params: { paths: [`locked-${n}`, `vendor/${n}/**`] } }),
    { name: `internal-${n}`, type: "deny-ref", refs: [`refs/internal/${n}/**`] },
  ];
  const wasm = { module: { objectRef: "configmap/hooks/issue.wasm", digest }, timeoutMs: 10_000 };
  const rules = [...[0, 1, 2, 3, 4, 5, 6].flatMap(seven), rule("issue", { type: "wasm", wasm })];
  const policy = await admin.create(RefPolicy, {
    metadata: { namespace, name: "fifty" },
    spec: { organizationRef: "bench", rules: rules as never },
  });
  const { bundle, bytes, problems } = compileBundle({
    namespace,
    branchProtections: [],
    refPolicies: [policy],
    repositories: [],
  });
  if (problems.length > 0 || bundle.rules.length !== 50) throw new Error(JSON.stringify(problems));
  const key = { namespace, name: "krate-refpolicy" };
  await admin.create(ConfigMap, {
    metadata: { ...key, labels: { [labels.bundle]: "true" }, annotations: { [annotations.bundleHash]: bundle.hash } },
    data: { "bundle.json": bytes },
  });
  await until(async () => {
    const marks = Object.entries((await admin.get(ConfigMap, key)).metadata?.annotations ?? {});
    return marks.some(([name, hash]) => name.startsWith("applied.krate.a5c.ai/") && hash === bundle.hash);
  });
}

/** examples/hooks/issue-in-message.ts, compiled as its README says. */
async function compileHook(): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const name = "issue-in-message";
  const args = [`${name}.ts`, "--baseDir", join(checkout, "examples/hooks"), "--outFile", `${name}.wasm`];
  const { error, stderr } = await asc.main(args, {
    writeFile: (_file, content) => {
      bytes = typeof content === "string" ? Buffer.from(content) : content;
    },
  });
  if (error || !bytes) throw new Error(`the hook does not compile: ${stderr.toString()}`, { cause: error });
  return bytes;
}

async function evaluationMs(repository: string, admin: KubeClient): Promise<number[]> {
  const byPush = new Map<string, number>();
  for await (const { metadata, spec } of admin.listAll(GitEvent, { namespace })) {
    if (spec.repository !== repository || spec.evaluationMs === undefined) continue;
    byPush.set((metadata.name ?? "").replace(/-\d+$/, ""), spec.evaluationMs);
  }
  return [...byPush.values()];
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const isSo = await condition().catch((error: unknown) => {
      if (Date.now() > deadline) throw error;
      return false;
    });
    if (isSo) return;
    if (Date.now() > deadline) throw new Error("the servers of the benchmark did not become ready in 60 s");
    await sleep(50);
  }
}
