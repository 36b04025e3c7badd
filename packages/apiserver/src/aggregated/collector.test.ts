/** What kube-controller-manager does to records behind a real aggregator: garbage collection and the end of a namespace. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { ConfigMap, foreignKind, Issue, type KubernetesObject, labels, Namespace } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { eventually, skipWithout, startControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";

// The collector looks for new resources every 30 s, and starts its informers then.
jest.setTimeout(180_000);
const patience = { timeoutSeconds: 150 };

const CustomResourceDefinition = foreignKind<KubernetesObject & { spec: object }>({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  scope: "Cluster",
});
const Widget = foreignKind<KubernetesObject>({
  group: "collector.example.com",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
});

skipWithout("envtest")("kube-controller-manager", () => {
  let plane: Awaited<ReturnType<typeof startControlPlane>>;
  let server: RealServer;
  let client: KubeClient;
  const namespace = "collected";

  beforeAll(async () => {
    plane = await startControlPlane();
    const { kubeconfig } = plane.info;
    client = kubeClient(await loadKubeConfig(kubeconfig), { userAgent: "test" });
    server = await realServer({
      KRATE_API_MODE: "aggregated",
      KUBECONFIG: kubeconfig,
      KRATE_APISERVICE_EXTERNAL_NAME: "localhost",
    });
    await makeNamespace(namespace);
    await client.create(CustomResourceDefinition, {
      metadata: { name: "widgets.collector.example.com" },
      spec: {
        group: Widget.group,
        scope: "Namespaced",
        names: { plural: "widgets", kind: "Widget" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
      },
    });
    await eventually(async () => (await client.list(Issue, { namespace })) !== undefined, patience);
    await eventually(async () => (await client.list(Widget, { namespace })) !== undefined, patience);
  }, 180_000);

  afterAll(async () => {
    await client?.close();
    await server?.stop();
    await plane?.stop();
  }, 30_000);

  async function makeNamespace(name: string): Promise<void> {
    await client.create(Namespace, { metadata: { name, labels: { [labels.org]: "acme" } } });
  }

  interface Owner {
    apiVersion: string;
    kind: string;
    object: KubernetesObject;
  }

  function issue(name: string, owner?: Owner, at = namespace): Promise<KubernetesObject> {
    const ownerReferences =
      owner === undefined
        ? []
        : [
            {
              apiVersion: owner.apiVersion,
              kind: owner.kind,
              name: String(owner.object.metadata?.name),
              uid: String(owner.object.metadata?.uid),
              blockOwnerDeletion: true,
            },
          ];
    return client.create(Issue, {
      metadata: { name, namespace: at, ...(ownerReferences.length > 0 && { ownerReferences }) },
      spec: { organizationRef: "acme", title: name },
    });
  }

  const ownerOf = (object: KubernetesObject): Owner => ({
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "Issue",
    object,
  });
  const isGone = (name: string) => async () => (await client.find(Issue, { namespace, name })) === undefined;

  function remove(name: string, propagationPolicy: string): Promise<unknown> {
    const path = `/apis/forge.krate.a5c.ai/v1alpha1/namespaces/${namespace}/issues/${name}`;
    return client.raw({ method: "DELETE", path, body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy } });
  }

  test("a record goes with the core object, the custom resource and the record that owned it", async () => {
    const map = await client.create(ConfigMap, { metadata: { name: "owner", namespace } });
    const widget = await client.create(Widget, { metadata: { name: "owner", namespace } });
    const parent = await issue("parent");
    await issue("of-map", { apiVersion: "v1", kind: "ConfigMap", object: map });
    await issue("of-widget", { apiVersion: "collector.example.com/v1", kind: "Widget", object: widget });
    const child = await issue("of-parent", ownerOf(parent));
    await issue("of-child", ownerOf(child));
    await client.delete(ConfigMap, { name: "owner", namespace });
    await client.delete(Widget, { name: "owner", namespace });
    await remove("parent", "Background");
    for (const name of ["of-map", "of-widget", "of-parent", "of-child"]) await eventually(isGone(name), patience);
  });

  test("a core object goes with the record that owned it", async () => {
    const parent = await issue("over-map");
    const { name, uid } = parent.metadata ?? {};
    const ownerReferences = [
      { apiVersion: "forge.krate.a5c.ai/v1alpha1", kind: "Issue", name: String(name), uid: String(uid) },
    ];
    await client.create(ConfigMap, { metadata: { name: "owned", namespace, ownerReferences } });
    await remove("over-map", "Background");
    await eventually(async () => (await client.find(ConfigMap, { namespace, name: "owned" })) === undefined, patience);
  });

  test("deleted in the foreground, an owner goes after what it owned; orphans stay", async () => {
    const first = await issue("front");
    await issue("of-front", ownerOf(first));
    const second = await issue("leaves");
    await issue("of-leaves", ownerOf(second));
    await remove("front", "Foreground");
    await remove("leaves", "Orphan");
    for (const name of ["of-front", "front", "leaves"]) await eventually(isGone(name), patience);
    const orphan = await client.get(Issue, { namespace, name: "of-leaves" });
    expect(orphan.metadata?.ownerReferences ?? []).toEqual([]);
  });

  test("what has an owner that never was goes; what has no owner stays", async () => {
    const ghost = { metadata: { name: "ghost", uid: "00000000-0000-0000-0000-000000000001" } };
    await issue("of-nobody", ownerOf(ghost as KubernetesObject));
    await eventually(isGone("of-nobody"), patience);
    expect((await client.list(Issue, { namespace })).items.map(({ metadata }) => metadata?.name)).toEqual([
      "of-leaves",
    ]);
  });

  test("a namespace that is deleted takes its records with it", async () => {
    await makeNamespace("going");
    for (let at = 0; at < 30; at++) await issue(`i${at}`, undefined, "going");
    await client.delete(Namespace, { name: "going" });
    await eventually(async () => (await client.find(Namespace, { name: "going" })) === undefined, patience);
    expect((await client.list(Issue, { namespace: "going" })).items).toEqual([]);
  });
});
