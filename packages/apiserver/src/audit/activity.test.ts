/** What people do becomes activity that others can read, and repeat by pasting its commands. */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { AuditEvent, foreignKind, Issue, type KubernetesObject, labels, Namespace } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { eventually, skipWithout, temporaryFolder } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";

jest.setTimeout(60_000);

const Binding = foreignKind<KubernetesObject & { roleRef: object; subjects: object[] }>({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  scope: "Cluster",
});

skipWithout("kubectl")("activity", () => {
  let server: RealServer;
  let admin: KubeClient;
  let grace: KubeClient;
  let logPath: string;
  const namespace = "acme";
  const issue = (name: string) => ({
    metadata: { name, namespace },
    spec: { organizationRef: "acme", title: "it's $(broken)", body: "line\nline" },
  });

  beforeAll(async () => {
    const folder = await temporaryFolder();
    logPath = join(folder.path, "audit.log");
    const policyPath = join(folder.path, "policy.yaml");
    await writeFile(
      policyPath,
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Request\n  resources: [{ group: forge.krate.a5c.ai }]\n",
    );
    server = await realServer({ KRATE_AUDIT_LOG_PATH: logPath, KRATE_AUDIT_POLICY_FILE: policyPath });
    admin = kubeClient(await loadKubeConfig(server.kubeconfig), { userAgent: "test" });
    grace = admin.as({ user: "grace", groups: ["krate:developers", "system:authenticated"] });
    await admin.create(Namespace, { metadata: { name: namespace, labels: { [labels.org]: "acme" } } });
    await admin.create(Binding, {
      metadata: { name: "grace" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "grace" }],
    });
  });
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  async function activity(of: string): Promise<AuditSpec[]> {
    await server.running.server.services.auditor.flush();
    const { items } = await admin.list(AuditEvent, { namespace });
    return items.map(({ spec }) => spec as AuditSpec).filter(({ target }) => target.name === of);
  }
  type AuditSpec = NonNullable<Awaited<ReturnType<typeof admin.get<typeof AuditEvent>>>["spec"]>;

  /** In a shell, as the administrator. */
  function shell(command: string): Promise<{ code: number; text: string }> {
    return new Promise((resolve) => {
      const child = spawn("sh", ["-c", command], {
        env: { PATH: process.env["PATH"], HOME: server.folder, KUBECONFIG: server.kubeconfig },
      });
      let text = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
      child.on("close", (code) => resolve({ code: code ?? 1, text }));
    });
  }

  test("every kind of write is there with its command, and each command does it again", async () => {
    await grace.create(Issue, issue("a"));
    await grace.patch(Issue, { namespace, name: "a" }, { spec: { title: "t2" } }, { type: "merge" });
    await grace.patch(Issue, { namespace, name: "a" }, [{ op: "replace", path: "/spec/title", value: "t3" }], {
      type: "json",
    });
    await grace.apply(
      Issue,
      { ...issue("a"), spec: { organizationRef: "acme", title: "t4" } },
      { fieldManager: "me", force: true },
    );
    await grace.replace(Issue, { ...(await grace.get(Issue, { namespace, name: "a" })), ...{} });
    await grace.delete(Issue, { namespace, name: "a" });
    const found = await activity("a");
    expect(found.map(({ verb, decision }) => [verb, decision.allowed])).toEqual([
      ["create", true],
      ["patch", true],
      ["patch", true],
      ["patch", true],
      ["update", true],
      ["delete", true],
    ]);
    expect(found.map(({ actor }) => actor.name)).toEqual(Array.from({ length: 6 }, () => "grace"));
    for (const { command, verb } of found) {
      // A replaced object names the version that was replaced.
      if (verb === "update") continue;
      expect(await shell(String(command))).toEqual({
        code: 0,
        text: expect.stringContaining("issue.forge.krate.a5c.ai"),
      });
    }
  });

  test("a refused write is there too, one of a stranger's namespace is not", async () => {
    const eve = admin.as({ user: "eve", groups: ["system:authenticated"] });
    await expect(eve.create(Issue, issue("b"))).rejects.toMatchObject({ code: 403 });
    const all = await activity("");
    expect(all).toMatchObject([
      {
        actor: { name: "eve" },
        verb: "create",
        decision: { allowed: false, reason: expect.stringContaining("cannot create") },
      },
    ]);
  });

  test("nobody but the server writes activity, and nobody changes it", async () => {
    const { items } = await admin.list(AuditEvent, { namespace });
    const event = items[0] as (typeof items)[number];
    await expect(
      admin.create(AuditEvent, { metadata: { name: "forged", namespace }, spec: event.spec }),
    ).rejects.toMatchObject({ code: 403 });
    await expect(
      admin.patch(
        AuditEvent,
        { namespace, name: String(event.metadata.name) },
        { spec: { verb: "get" } },
        { type: "merge" },
      ),
    ).rejects.toMatchObject({ code: 405 });
  });

  test("the log has one event a line, of what the policy asks for", async () => {
    await grace.create(Issue, issue("logged"));
    const last = await eventually(async () => {
      const lines = (await readFile(logPath, "utf8")).trim().split("\n");
      const events = lines.map((line) => JSON.parse(line) as { verb: string; requestObject?: KubernetesObject });
      return events.find(({ verb, requestObject }) => verb === "create" && requestObject?.metadata?.name === "logged");
    });
    expect(last).toMatchObject({
      level: "Request",
      user: { username: "admin" },
      impersonatedUser: { username: "grace" },
    });
    expect(await readFile(logPath, "utf8")).not.toContain('"resource":"namespaces"');
  });

  test("a namespace with activity can be deleted", async () => {
    await admin.delete(Namespace, { name: namespace });
    await eventually(async () => (await admin.find(Namespace, { name: namespace })) === undefined, {
      timeoutSeconds: 30,
      description: "the namespace is gone",
    });
  });
});
