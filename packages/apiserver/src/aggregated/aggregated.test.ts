/** Behind a real kube-apiserver: what arrives through the aggregator, and what does not. */
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { AuditEvent, foreignKind, Issue, isReason, type KubernetesObject, labels, Namespace } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { type ControlPlaneInfo, eventually, skipWithout, startControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";

// A control plane and a server.
jest.setTimeout(60_000);

interface Any extends KubernetesObject {
  spec?: Record<string, unknown>;
  status?: { conditions?: { type: string; status: string }[] };
}
const admission = { group: "admissionregistration.k8s.io", version: "v1", scope: "Cluster" } as const;
const Policy = foreignKind<Any>({
  ...admission,
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
});
const Binding = foreignKind<Any>({
  ...admission,
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
});
const APIService = foreignKind<Any>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  scope: "Cluster",
});

skipWithout("envtest")("aggregated mode", () => {
  // Its own: there can be one APIService of our group per cluster, and the shared one may have somebody else's.
  let plane: Awaited<ReturnType<typeof startControlPlane>>;
  const controlPlane = (): ControlPlaneInfo => plane.info;
  const namespace = `apiserver-${process.pid}`;
  let server: RealServer;
  let client: KubeClient;

  beforeAll(async () => {
    plane = await startControlPlane();
    const { kubeconfig } = controlPlane();
    client = kubeClient(await loadKubeConfig(kubeconfig), { userAgent: "test" });
    server = await realServer({
      KRATE_API_MODE: "aggregated",
      KUBECONFIG: kubeconfig,
      KRATE_APISERVICE_EXTERNAL_NAME: "localhost",
    });
    await client.apply(
      Namespace,
      { metadata: { name: namespace, labels: { [labels.org]: "acme" } } },
      { fieldManager: "test" },
    );
    await eventually(
      async () => {
        const { status } = await client.get(APIService, { name: "v1alpha1.forge.krate.a5c.ai" });
        return status?.conditions?.some((each) => each.type === "Available" && each.status === "True");
      },
      { timeoutSeconds: 30, description: "the APIService is available" },
    );
  }, 120_000);

  afterAll(async () => {
    await client.close();
    await server.stop();
    await plane.stop();
  }, 30_000);

  const create = (name: string, as: KubeClient = client) =>
    as.create(Issue, { metadata: { name, namespace }, spec: { organizationRef: "acme", title: "t" } });

  test("the user and groups of the caller arrive through the aggregator", async () => {
    await create("mine", client.as({ user: "alice", groups: ["system:masters", "a, b"] }));
    const { status } = await client.get(Issue, { namespace, name: "mine" });
    expect(status?.author).toEqual({ user: "alice", groups: expect.arrayContaining(["system:masters", "a, b"]) });
  });

  test("RBAC of the cluster decides", async () => {
    const bob = client.as({ user: "bob", groups: ["system:authenticated"] });
    const error = await bob.list(Issue, { namespace }).catch((each: unknown) => each);
    expect(isReason(error, "Forbidden")).toBe(true);
  });

  /** Straight to our port, past the aggregator. */
  function direct(headers: Record<string, string>, identity: { cert?: string; key?: string } = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const { port } = server.running.listener;
      const path = `/apis/forge.krate.a5c.ai/v1alpha1/namespaces/${namespace}/issues`;
      request(
        { host: "127.0.0.1", port, path, headers, rejectUnauthorized: false, agent: false, ...identity },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      )
        .on("error", reject)
        .end();
    });
  }

  test("X-Remote headers of anybody but the aggregator are not believed", async () => {
    expect(await direct({ "x-remote-user": "admin", "x-remote-group": "system:masters" })).toBe(403);
    const { adminClientCert, adminClientKey } = controlPlane();
    const bystander = { cert: await readFile(adminClientCert, "utf8"), key: await readFile(adminClientKey, "utf8") };
    expect(await direct({ "x-remote-user": "nobody" }, bystander)).toBe(200);
  });

  async function token(): Promise<string> {
    const response = await client.raw({
      method: "POST",
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    return ((await response.json()) as { status: { token: string } }).status.token;
  }

  test("a ServiceAccount's token is good for direct calls, an invented one is not", async () => {
    const valid = await token();
    expect(await direct({ authorization: `Bearer ${valid}` })).toBe(403);
    expect(await direct({ authorization: `Bearer ${valid}x` })).toBe(401);
  });

  const rbac = { group: "rbac.authorization.k8s.io", version: "v1" } as const;
  const Role = foreignKind<Any & { rules: object[] }>({ ...rbac, kind: "Role", plural: "roles" });
  const RoleBinding = foreignKind<Any & { roleRef: object; subjects: object[] }>({
    ...rbac,
    kind: "RoleBinding",
    plural: "rolebindings",
  });

  test("a right that was taken away is gone within seconds, also for direct calls, whose answers are kept", async () => {
    const rules = [{ apiGroups: ["forge.krate.a5c.ai"], resources: ["issues"], verbs: ["list"] }];
    await client.create(Role, { metadata: { name: "reader", namespace }, rules });
    await client.create(RoleBinding, {
      metadata: { name: "reader", namespace },
      roleRef: { apiGroup: rbac.group, kind: "Role", name: "reader" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace }],
    });
    const authorization = `Bearer ${await token()}`;
    const status = () => direct({ authorization });
    await eventually(async () => (await status()) === 200, { description: "the account may list" });
    await client.delete(RoleBinding, { namespace, name: "reader" });
    await eventually(async () => (await status()) === 403, {
      timeoutSeconds: 30,
      description: "the account may not list any more",
    });
  });

  test("what somebody did through the aggregator becomes activity, from the address the aggregator saw", async () => {
    const carol = client.as({ user: "carol", groups: ["system:masters"] });
    await create("recorded", carol);
    const event = await eventually(async () => {
      await server.running.server.services.auditor.flush();
      const { items } = await client.list(AuditEvent, { namespace });
      return items.find(({ spec }) => spec?.target.name === "recorded");
    });
    expect(event?.spec).toMatchObject({
      organizationRef: "acme",
      actor: { kind: "User", kubernetesUser: "carol" },
      verb: "create",
      decision: { allowed: true },
      command: expect.stringMatching(new RegExp(`^kubectl create -n ${namespace} -f - <<'EOF'\n\\{"`)),
      source: { ip: expect.stringMatching(/127\.0\.0\.1|::1/), userAgent: "test" },
    });
  });

  test("names in any script arrive through the aggregator", async () => {
    const bytes = Buffer.from("jürgen 井", "utf8").toString("latin1"); // as Go writes a header
    const caller = client.as({ user: bytes, groups: ["system:masters"] });
    await create("umlaut", caller);
    const { status } = await client.get(Issue, { namespace, name: "umlaut" });
    expect(status?.author).toMatchObject({ user: "jürgen 井" });
  });

  test("admission policies of the cluster hold for records", async () => {
    const matchConstraints = {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
      resourceRules: [
        { apiGroups: ["forge.krate.a5c.ai"], apiVersions: ["*"], operations: ["CREATE"], resources: ["issues"] },
      ],
    };
    const validations = [{ expression: "object.spec.title != 't'", message: "say more" }];
    await client.create(Policy, { metadata: { name: namespace }, spec: { matchConstraints, validations } });
    await client.create(Binding, {
      metadata: { name: namespace },
      spec: { policyName: namespace, validationActions: ["Deny"] },
    });
    let serial = 0;
    const refused = await eventually(() =>
      create(`p${++serial}`).then(
        () => undefined,
        (error: Error) => error,
      ),
    );
    expect(refused.message).toContain(
      `ValidatingAdmissionPolicy '${namespace}' with binding '${namespace}' denied request: say more`,
    );
  });
});
