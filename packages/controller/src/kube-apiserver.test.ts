/** Status by apply, claims and finalizers where managedFields are kube-apiserver's own. */
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { type Condition, findCondition, foreignKind, isFalse, isTrue, Namespace, type Resource } from "@krate/kinds";
import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { createLogger } from "@krate/telemetry";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { type Controller, defineController } from "./define-controller.ts";
import { done } from "./outcome.ts";
import { startProgram } from "./run-program.ts";

interface WidgetStatus {
  phase?: string;
  count?: number;
  observedGeneration?: number;
  conditions?: Condition[];
}
type WidgetType = Resource<{ wanted: string }, WidgetStatus>;

const run = `t${process.pid}${Date.now().toString(36)}`;
const group = `${run}.controller.test`;
const Widget = foreignKind<WidgetType>({ group, version: "v1", kind: "Widget", plural: "widgets" });
const Crd = foreignKind({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  scope: "Cluster",
});

const text = { type: "string" };
const conditions = {
  type: "array",
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  items: {
    type: "object",
    required: ["type"],
    properties: {
      type: text,
      status: text,
      reason: text,
      message: text,
      lastTransitionTime: text,
      observedGeneration: { type: "integer" },
    },
  },
};
const status = {
  type: "object",
  properties: { phase: text, count: { type: "integer" }, observedGeneration: { type: "integer" }, conditions },
};
const schema = {
  openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { wanted: text } }, status } },
};
const crd = {
  metadata: { name: `widgets.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { kind: "Widget", plural: "widgets" },
    versions: [{ name: "v1", served: true, storage: true, schema, subresources: { status: {} } }],
  },
};

skipWithout("envtest")("a controller on a real kube-apiserver", () => {
  const controlPlane = withControlPlane();
  const namespace = `controller-${run}`;
  let client: KubeClient;
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    client = kubeClient(await loadKubeConfig(controlPlane().kubeconfig), { userAgent: "controller-test" });
    await client.create(Namespace, { metadata: { name: namespace } });
    await client.create(Crd, crd as never);
    await eventually(async () => client.list(Widget, { namespace }));
  }, 60_000);
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  afterAll(async () => {
    await client.delete(Crd, { name: crd.metadata.name });
    await client.delete(Namespace, { name: namespace });
    await client.close();
  }, 60_000);

  const start = async (...controllers: Controller[]) => {
    const stop = new AbortController();
    const running = await startProgram(
      {
        name: "controller-test",
        config: {
          kubeconfig: undefined,
          healthAddress: { host: "127.0.0.1", port: 0 },
          logLevel: "silent",
          namespace,
          leaderElection: true,
        },
        log: createLogger({ component: "test", level: "silent" }),
        client: { ...client, close: async () => undefined },
        controllers,
      },
      stop.signal,
    );
    stops.push(async () => {
      stop.abort(new Error("test over"));
      await running.finished;
    });
    await running.ready;
  };
  const widget = (name: string, wanted: string) =>
    client.create(Widget, { metadata: { namespace, name }, spec: { wanted } });
  const get = (name: string) => client.get(Widget, { namespace, name });
  const want = (name: string, wanted: string) =>
    client.patch(Widget, { namespace, name }, { spec: { wanted } }, { type: "merge" });

  test("two controllers share a status without touching each other's fields; a field is removed by undefined", async () => {
    await start(
      defineController({
        name: "phases",
        for: Widget,
        async reconcile({ spec }) {
          const ready = spec.wanted === "good" ? isTrue("Ready", "Good") : isFalse("Ready", "Bad");
          return done({ status: { phase: spec.wanted === "none" ? undefined : spec.wanted }, conditions: [ready] });
        },
      }),
      defineController({
        name: "counts",
        for: Widget,
        reconcile: async ({ spec }) =>
          done({ status: { count: spec.wanted.length }, conditions: [isTrue("Counted", "Done")] }),
      }),
    );
    await widget("shared", "good");
    const first = await eventually(async () => {
      const object = await get("shared");
      return object.status?.count === 4 && object.status.phase === "good" && object;
    });
    expect(first.status?.conditions?.map(({ type }) => type).sort()).toEqual(["Counted", "Ready"]);
    await want("shared", "bad");
    const second = await eventually(async () => {
      const object = await get("shared");
      return object.status?.count === 3 && object.status.phase === "bad" && object;
    });
    expect(findCondition(second, "Ready")).toMatchObject({ status: "False", reason: "Bad", observedGeneration: 2 });
    await want("shared", "none");
    await eventually(async () => {
      const { status: now } = await get("shared");
      return now?.count === 4 && now.phase === undefined && now.conditions?.length === 2;
    });
  });

  test("writes nothing when nothing differs", async () => {
    let calls = 0;
    await start(
      defineController({
        name: "quiet",
        for: Widget,
        predicate: ({ metadata }) => metadata.name === "quiet",
        resyncSeconds: 0.05,
        async reconcile() {
          calls++;
          return done({ status: { phase: "Same" }, conditions: [isTrue("Ready", "Same")] });
        },
      }),
    );
    await widget("quiet", "x");
    const settled = await eventually(async () => {
      const object = await get("quiet");
      return object.status?.phase === "Same" && object;
    });
    const before = calls;
    await eventually(() => calls > before + 3);
    expect((await get("quiet")).metadata.resourceVersion).toBe(settled.metadata.resourceVersion);
  });

  test("of two claims on one version one wins", async () => {
    const won: string[] = [];
    const claimer = (name: string) =>
      defineController({
        name,
        for: Widget,
        predicate: ({ metadata }) => metadata.name === "claimed",
        async reconcile(object, { claim }) {
          if (object.status?.phase) return done();
          await claim(object, { phase: name });
          won.push(name);
          return done();
        },
      });
    await start(claimer("first"), claimer("second"));
    await widget("claimed", "x");
    await eventually(() => won.length > 0);
    await eventually(async () => (await get("claimed")).status?.phase === won[0]);
    expect(won).toHaveLength(1);
  });

  test("a finalizer runs before the object is gone", async () => {
    const finalized: string[] = [];
    await start(
      defineController({
        name: "finalizing",
        for: Widget,
        predicate: ({ metadata }) => metadata.name === "precious",
        finalizer: "krate.a5c.ai/test",
        reconcile: async () => done(),
        async finalize({ metadata }) {
          finalized.push(metadata.name ?? "");
        },
      }),
    );
    await widget("precious", "x");
    await eventually(async () => (await get("precious")).metadata.finalizers?.length === 1);
    await client.delete(Widget, { namespace, name: "precious" });
    await eventually(async () => (await client.find(Widget, { namespace, name: "precious" })) === undefined);
    expect(finalized).toEqual(["precious"]);
  });
});
