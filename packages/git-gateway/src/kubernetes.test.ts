/**
 * The program itself against a real kube-apiserver, as its own ServiceAccount with the generated roles: who is who, who may what,
 * and the events are Kubernetes' answers here. The record kinds are served as CRDs.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { crdOf } from "@krate/codegen";
import { NativeGitBackend } from "@krate/git";
import {
  annotations,
  BranchProtection,
  ConfigMap,
  GitEvent,
  GPGKey,
  Job,
  type KubernetesObject,
  labels,
  Namespace,
  Pod,
  RefPolicy,
  Repository,
  ServiceAccount,
  SSHKey,
  User,
} from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { compileBundle } from "@krate/refpolicy";
import { assembleHook } from "@krate/refpolicy/testing";
import {
  eventually,
  freePort,
  skipWithout,
  type TemporaryFolder,
  temporaryFolder,
  withControlPlane,
} from "@krate/testing";
import { parseAllDocuments } from "yaml";
import { git, ok } from "./testing/gateway-fixture.ts";

const namespace = `gateway-${process.pid}-${Date.now().toString(36)}`;
const kinds = [Repository, BranchProtection, RefPolicy, SSHKey, GPGKey, User, GitEvent, Job];

skipWithout("envtest")("git-gateway on a real kube-apiserver", () => {
  const controlPlane = withControlPlane();
  let admin: KubeClient;
  let folder: TemporaryFolder;
  let gateway: ChildProcess;
  let origin: string;

  beforeAll(async () => {
    admin = kubeClient(await loadKubeConfig(controlPlane().kubeconfig), {
      userAgent: "gateway-test",
      fieldManager: "gateway-test",
    });
    folder = await temporaryFolder("gateway");
    for (const kind of kinds) await apply("apiextensions.k8s.io/v1", "customresourcedefinitions", crdOf(kind));
    await admin.create(Namespace, { metadata: { name: namespace } });
    await ensureNamespace("krate-system");
    const roles = await readFile(join(import.meta.dirname, "../../../deploy/rbac/git-gateway.yaml"), "utf8");
    for (const document of parseAllDocuments(roles)) await applyRole(document.toJS() as KubernetesObject);
    const port = await freePort();
    origin = `127.0.0.1:${port}`;
    gateway = await startGateway(port, await freePort());
  }, 120_000);

  afterAll(async () => {
    gateway?.kill("SIGTERM");
    await admin?.delete(Namespace, { name: namespace });
    await admin?.close();
    await folder?.remove();
  }, 30_000);

  async function apply(
    groupVersion: string,
    plural: string,
    object: KubernetesObject,
    inNamespace = "",
  ): Promise<void> {
    const base = groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
    await admin.raw({
      method: "PATCH",
      path: `${base}${inNamespace && `/namespaces/${inNamespace}`}/${plural}/${object.metadata?.name}`,
      query: { fieldManager: "gateway-test", force: true },
      headers: { "content-type": "application/apply-patch+yaml" },
      body: JSON.stringify(object),
    });
  }

  async function applyRole(object: KubernetesObject): Promise<void> {
    const plurals: Record<string, string> = {
      ServiceAccount: "serviceaccounts",
      ClusterRole: "clusterroles",
      ClusterRoleBinding: "clusterrolebindings",
      Role: "roles",
      RoleBinding: "rolebindings",
    };
    await apply(object.apiVersion ?? "", plurals[object.kind ?? ""] ?? "", object, object.metadata?.namespace);
  }

  async function ensureNamespace(name: string): Promise<void> {
    if (!(await admin.find(Namespace, { name }))) await admin.create(Namespace, { metadata: { name } });
  }

  async function tokenOf(inNamespace: string, name: string, spec: object = {}): Promise<string> {
    const request = await admin.raw({
      method: "POST",
      path: `/api/v1/namespaces/${inNamespace}/serviceaccounts/${name}/token`,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
    });
    return ((await request.json()) as { status: { token: string } }).status.token;
  }

  async function startGateway(port: number, healthPort: number): Promise<ChildProcess> {
    const kubeconfig = join(folder.path, "kubeconfig");
    const { url, caFile } = controlPlane();
    const token = await tokenOf("krate-system", "git-gateway");
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "x",
        contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
        clusters: [{ name: "x", cluster: { server: url, "certificate-authority": caFile } }],
        users: [{ name: "x", user: { token } }],
      }),
    );
    const child = spawn(process.execPath, ["--conditions=development", join(import.meta.dirname, "main.ts")], {
      env: {
        PATH: process.env.PATH,
        KUBECONFIG: kubeconfig,
        KRATE_REPOSITORY_ROOT: join(folder.path, "repositories"),
        KRATE_GIT_ADDRESS: `127.0.0.1:${port}`,
        KRATE_HEALTH_ADDRESS: `127.0.0.1:${healthPort}`,
        KRATE_GIT_GATEWAY_NAME: "gateway-under-test",
        KRATE_LOG_LEVEL: "warn",
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    await eventually(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok, {
      timeoutSeconds: 30,
      description: "the gateway is ready",
    });
    return child;
  }

  async function createRepository(name: string, spec: object = {}): Promise<void> {
    const { metadata } = await admin.create(Repository, {
      metadata: { namespace, name },
      spec: { organizationRef: "acme", ...spec },
    });
    await new NativeGitBackend({ root: join(folder.path, "repositories") }).ensure({
      namespace,
      name,
      uid: metadata.uid,
    });
  }

  async function serviceAccount(name: string, verbs: string[] = [], repository = ""): Promise<string> {
    await admin.create(ServiceAccount, { metadata: { namespace, name } });
    if (verbs.length > 0) {
      const metadata = { namespace, name: `${name}-${repository}` };
      const rules = [
        { apiGroups: ["krate.a5c.ai"], resources: ["repositories/content"], resourceNames: [repository], verbs },
      ];
      const rbac = "rbac.authorization.k8s.io/v1";
      await apply(rbac, "roles", { apiVersion: rbac, kind: "Role", metadata, rules } as KubernetesObject, namespace);
      const subjects = [{ kind: "ServiceAccount", namespace, name }];
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: metadata.name };
      await apply(
        rbac,
        "rolebindings",
        { apiVersion: rbac, kind: "RoleBinding", metadata, subjects, roleRef } as KubernetesObject,
        namespace,
      );
    }
    return tokenOf(namespace, name);
  }

  const url = (repository: string, token: string) => `http://x:${token}@${origin}/${namespace}/${repository}.git`;

  async function workTree(name: string): Promise<string> {
    const path = join(folder.path, name);
    await ok(git(["init", "-q", "-b", "main", path], folder.path));
    await ok(git(["commit", "-q", "--allow-empty", "-m", "one"], path));
    return path;
  }

  test("RBAC decides who pushes and reads, and a push becomes a GitEvent", async () => {
    await createRepository("shop");
    const writer = await serviceAccount("writer", ["get", "update"], "shop");
    const stranger = await serviceAccount("stranger");
    const work = await workTree("shop");
    const refused = await git(["push", url("shop", stranger), "main"], work);
    expect(refused.stderr).toContain(
      `"system:serviceaccount:${namespace}:stranger" cannot update repositories/content.krate.a5c.ai "shop"`,
    );
    await ok(git(["push", "-q", url("shop", writer), "main"], work));
    await ok(git(["clone", "-q", url("shop", writer), "shop-clone"], folder.path));
    expect((await git(["ls-remote", url("shop", "not-a-token")], work)).stderr).toContain("Authentication failed");
    const { items } = await admin.list(GitEvent, { namespace });
    expect(items).toHaveLength(1);
    expect(items[0]?.spec).toMatchObject({
      organizationRef: "acme",
      repository: "shop",
      ref: "refs/heads/main",
      action: "create",
      decision: "Accepted",
      actor: { user: `system:serviceaccount:${namespace}:writer`, serviceAccount: `${namespace}/writer` },
      transport: "http",
      commits: 1,
      commitSummaries: [{ title: "one", author: "Alice <alice@example.org>" }],
    });
  }, 30_000);

  test("a deleted token stops working within seconds", async () => {
    await createRepository("revoked");
    const token = await serviceAccount("leaver", ["get"], "revoked");
    await ok(git(["ls-remote", url("revoked", token)], folder.path));
    await admin.delete(ServiceAccount, { namespace, name: "leaver" });
    await eventually(async () => (await git(["ls-remote", url("revoked", token)], folder.path)).code !== 0, {
      timeoutSeconds: 20,
    });
  }, 30_000);

  test("a job's token reads its repository while the job runs, and nothing else", async () => {
    await createRepository("built");
    await createRepository("other");
    await admin.create(ServiceAccount, { metadata: { namespace, name: "job" } });
    const pod = await admin.create(Pod, {
      metadata: { namespace, name: "built-ci-1-test" },
      spec: { serviceAccountName: "job", containers: [{ name: "x", image: "x" }] },
    });
    const audience = "krate:acme/built/refs/heads/main/built-ci-1";
    const token = await tokenOf(namespace, "job", {
      audiences: [audience],
      boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "built-ci-1-test", uid: pod.metadata?.uid },
    });
    expect((await git(["ls-remote", url("built", token)], folder.path)).code).not.toBe(0);
    await admin.create(Job, {
      metadata: { namespace, name: "built-ci-1-test" },
      spec: {
        organizationRef: "acme",
        pipeline: "built-ci-1",
        repository: "built",
        job: "test",
        runnerPool: "default",
        trustTier: "trusted",
      },
    });
    await ok(git(["ls-remote", url("built", token)], folder.path));
    expect((await git(["ls-remote", url("other", token)], folder.path)).stderr).toContain("cannot read");
    const work = await workTree("built");
    expect((await git(["push", url("built", token), "main"], work)).stderr).toContain("may only read");
    const forged = await tokenOf(namespace, "job", { audiences: ["krate:acme/other/refs/heads/main/built-ci-1"] });
    expect((await git(["ls-remote", url("other", forged)], folder.path)).stderr).toContain("Authentication failed");
  }, 30_000);

  test("a namespace with policies and no compiled bundle refuses every ref", async () => {
    await createRepository("guarded");
    const writer = await serviceAccount("guarded-writer", ["get", "update"], "guarded");
    await admin.create(BranchProtection, {
      metadata: { namespace, name: "main" },
      spec: { organizationRef: "acme", refs: ["refs/heads/main"] },
    });
    const work = await workTree("guarded");
    await eventually(async () => {
      const pushed = await git(["push", url("guarded", writer), "main:refs/heads/any"], work);
      expect(pushed.stderr).toContain("policies of this organization are not loaded");
      return true;
    });
    await admin.delete(BranchProtection, { namespace, name: "main" });
    await eventually(async () => (await git(["push", url("guarded", writer), "main:refs/heads/any"], work)).code === 0);
  }, 30_000);

  test("a bundle is marked as applied by this gateway, and its hook judges pushes", async () => {
    await createRepository("hooked");
    const writer = await serviceAccount("hooked-writer", ["get", "update"], "hooked");
    const text = "not on my watch";
    const module = Buffer.from(assembleHook({ data: text, body: [0x41, 0, 0x41, text.length, 0x10, 6, 0x41, 0] }));
    const binaryData = { "no.wasm": module.toString("base64") };
    await admin.create(ConfigMap, { metadata: { namespace, name: "hooks" }, binaryData });
    const digest = `sha256:${createHash("sha256").update(module).digest("hex")}`;
    const wasm = { module: { objectRef: "configmap/hooks/no.wasm", digest }, timeoutMs: 10_000 };
    const rule = { name: "no", type: "wasm" as const, wasm };
    await admin.create(RefPolicy, {
      metadata: { namespace, name: "no" },
      spec: { organizationRef: "acme", rules: [rule] },
    });
    const policies = await admin.list(RefPolicy, { namespace });
    const { bundle, bytes } = compileBundle({
      namespace,
      branchProtections: [],
      refPolicies: policies.items,
      repositories: [],
    });
    const metadata = {
      namespace,
      name: "krate-refpolicy",
      labels: { [labels.bundle]: "true" },
      annotations: { [annotations.bundleHash]: bundle.hash },
    };
    await admin.create(ConfigMap, { metadata, data: { "bundle.json": bytes } });
    await eventually(async () => {
      const marked = await admin.get(ConfigMap, { namespace, name: "krate-refpolicy" });
      return marked.metadata?.annotations?.["applied.krate.a5c.ai/gateway-under-test"] === bundle.hash;
    });
    const work = await workTree("hooked");
    const pushed = await git(["push", url("hooked", writer), "main"], work);
    expect(pushed.stderr).toContain("x RefPolicy/no, rule no: not on my watch");
    const key = { namespace, name: "krate-refpolicy" };
    await admin.patch(ConfigMap, key, { data: { "bundle.json": "{}" } }, { type: "merge" });
    const still = await git(["push", url("hooked", writer), "main"], work);
    expect(still.stderr).toContain("not on my watch"); // what is not a bundle replaces none
    expect((await admin.get(ConfigMap, key)).metadata?.annotations).toMatchObject({
      "applied.krate.a5c.ai/gateway-under-test": bundle.hash,
    });
  }, 60_000);
});
