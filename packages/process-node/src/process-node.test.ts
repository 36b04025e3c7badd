/** The program as it is started, behind a real kube-apiserver. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Namespace, Node, Pod, type PodType, ServiceAccount } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { eventually, skipWithout, type TemporaryFolder, temporaryFolder, withControlPlane } from "@krate/testing";

const run = randomBytes(4).toString("hex");
const nodeName = `process-node-${run}`;
const namespace = `process-node-${run}`;

skipWithout("envtest")("a process node", () => {
  const controlPlane = withControlPlane();
  let client: KubeClient;
  let folder: TemporaryFolder;
  let environment: Record<string, string>;
  let node: ChildProcess;
  const children: ChildProcess[] = [];

  const startNode = () => {
    node = spawn(process.execPath, ["--conditions=development", join(import.meta.dirname, "main.ts")], {
      env: environment,
      stdio: ["ignore", "ignore", process.env["KRATE_TEST_VERBOSE"] ? "inherit" : "ignore"],
    });
    children.push(node);
  };

  const killNode = async (signal: NodeJS.Signals) => {
    const exited = new Promise((resolve) => node.once("exit", resolve));
    node.kill(signal);
    await exited;
  };

  beforeAll(async () => {
    const info = controlPlane();
    client = kubeClient(await loadKubeConfig(info.kubeconfig), { userAgent: "test", fieldManager: "test" });
    folder = await temporaryFolder("process-node");
    const ca = await certificateAuthority(join(folder.path, "ca"), "node-ca");
    const at = join(folder.path, "node");
    const serving = await issueCertificate(ca, at, { name: nodeName, hosts: ["127.0.0.1"] });
    environment = {
      KUBECONFIG: info.kubeconfig,
      KRATE_NODE_NAME: nodeName,
      KRATE_NODE_ROOT: join(folder.path, "root"),
      KRATE_NODE_TLS_CERT_FILE: serving.certFile,
      KRATE_NODE_TLS_KEY_FILE: serving.keyFile,
      KRATE_NODE_CLIENT_CA_FILE: info.caFile,
      NODE_SECRET: "of the node",
    };
    startNode();
    await client.create(Namespace, { metadata: { name: namespace } });
    const account = { namespace, name: "default" };
    await eventually(() => client.find(ServiceAccount, account));
  }, 60_000);

  afterAll(async () => {
    for (const { metadata } of (await client.list(Pod, { namespace })).items) {
      await client.delete(Pod, { namespace, name: metadata?.name ?? "" }, { gracePeriodSeconds: 0 });
    }
    await eventually(async () => (await client.list(Pod, { namespace })).items.length === 0, { timeoutSeconds: 20 });
    for (const child of children) child.kill("SIGKILL");
    await client.delete(Node, { name: nodeName });
    await client.delete(Namespace, { name: namespace });
    await client.close();
    await folder.remove();
  }, 60_000);

  const createPod = (name: string, script: string, spec: Partial<NonNullable<PodType["spec"]>> = {}) =>
    client.create(Pod, {
      metadata: { namespace, name },
      spec: {
        nodeSelector: { "krate.a5c.ai/process-node": "true", "kubernetes.io/hostname": nodeName },
        restartPolicy: "Never",
        automountServiceAccountToken: false,
        containers: [{ name: "main", image: "none", command: ["sh", "-c", script] }],
        ...spec,
      },
    });

  const podInPhase = (name: string, phase: string) =>
    eventually(
      async () => {
        const pod = await client.get(Pod, { namespace, name });
        return pod.status?.phase === phase && pod;
      },
      { description: `phase ${phase} of ${name}`, timeoutSeconds: 20 },
    );

  const logOf = async (name: string, query = "") =>
    (await client.raw({ path: `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`, stream: true })).text();

  const stateOf = (pod: PodType) => pod.status?.containerStatuses?.[0]?.state?.terminated;

  test("binds a Pod that asks for it, runs it, serves its log while it runs and tells how it ended", async () => {
    await createPod("hello", "echo hello; sleep 0.5; echo bye; printf done >$KRATE_TERMINATION_LOG");
    await podInPhase("hello", "Running");
    expect(await logOf("hello", "follow=true")).toBe("hello\nbye\n");
    expect(await logOf("hello", "tailLines=1")).toBe("bye\n");
    expect(stateOf(await podInPhase("hello", "Succeeded"))).toMatchObject({
      exitCode: 0,
      reason: "Completed",
      message: "done",
    });
  }, 40_000);

  test("gives a container its token and nothing of its own", async () => {
    const source = { serviceAccountToken: { path: "token", audience: "krate:test", expirationSeconds: 600 } };
    await createPod("token", 'cut -d. -f2 "$KRATE_TOKEN_FILE"; echo "secret=$NODE_SECRET"', {
      volumes: [{ name: "token", projected: { sources: [source] } }],
    });
    await podInPhase("token", "Succeeded");
    const [claims = "", secret] = (await logOf("token")).split("\n");
    const { aud, "kubernetes.io": bound } = JSON.parse(Buffer.from(claims, "base64url").toString());
    expect(aud).toEqual(["krate:test"]);
    expect(bound.pod.name).toBe("token");
    expect(secret).toBe("secret=");
  }, 40_000);

  test("a Pod that takes too long has failed by its deadline", async () => {
    await createPod("late", "sleep 60", { activeDeadlineSeconds: 1 });
    const pod = await podInPhase("late", "Failed");
    expect(pod.status?.reason).toBe("DeadlineExceeded");
    expect(stateOf(pod)).toMatchObject({ exitCode: 143, reason: "DeadlineExceeded" });
  }, 40_000);

  test("a deleted Pod is told to stop, and is gone when it has", async () => {
    await createPod("deleted", "trap 'exit 0' TERM; while :; do sleep 0.02; done");
    await podInPhase("deleted", "Running");
    await client.delete(Pod, { namespace, name: "deleted" });
    await eventually(async () => !(await client.find(Pod, { namespace, name: "deleted" })), { timeoutSeconds: 20 });
  }, 40_000);

  test.each(["SIGKILL", "SIGTERM"] as const)(
    "a Pod outlives a node that got %s, and the next node knows its exit code",
    async (signal) => {
      const name = `survivor-${signal.toLowerCase()}`;
      const go = join("..", "..", "..", `go-${signal}`);
      await createPod(name, `echo before; while [ ! -e ${go} ]; do sleep 0.02; done; echo after; exit 3`);
      await podInPhase(name, "Running");
      await killNode(signal);
      writeFileSync(join(folder.path, "root", `go-${signal}`), "");
      startNode();
      expect(stateOf(await podInPhase(name, "Failed"))).toMatchObject({ exitCode: 3, reason: "Error" });
      expect(await logOf(name)).toBe("before\nafter\n");
    },
    60_000,
  );

  test("nobody without a certificate of the API server's reads logs", async () => {
    const { status } = await client.get(Node, { name: nodeName });
    const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
    const ca = readFileSync(join(folder.path, "ca.crt"));
    const answer = new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path: `/containerLogs/${namespace}/hello/main`, ca }, resolve)
        .on("error", reject)
        .end();
    });
    await expect(answer).rejects.toThrow(/alert certificate required|ECONNRESET|socket hang up/);
  });
});
