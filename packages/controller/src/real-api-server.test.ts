/** What only a real API server can say about queue, status, claim, finalizers, lease and log consumer. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { ConfigMap, findCondition, GitEvent, isTrue, Lease, type ObjectOf, Repository } from "@krate/kinds";
import { createLogger } from "@krate/telemetry";
import { eventually } from "@krate/testing";
import { defineController } from "./define-controller.ts";
import { leaderElector } from "./leader-election.ts";
import { defineLogConsumer } from "./log-consumer.ts";
import { done, TerminalError } from "./outcome.ts";
import { type Program, startProgram } from "./run-program.ts";
import { withApiServer } from "./testing/api-server.ts";

const log = createLogger({ component: "test", level: "silent" });
const namespace = "acme";
const config = {
  kubeconfig: undefined,
  healthAddress: { host: "127.0.0.1", port: 0 },
  logLevel: "silent" as const,
  namespace: "krate-system",
  leaderElection: false,
};

describe("on a real API server", () => {
  const server = withApiServer({ namespaces: [namespace] });
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  const start = async (program: Omit<Program, "config" | "client" | "log">) => {
    const stop = new AbortController();
    const client = server().client.as({ user: "admin", groups: ["system:masters"] });
    const running = await startProgram(
      { ...program, config, client: { ...client, close: async () => undefined }, log },
      stop.signal,
    );
    stops.push(async () => {
      stop.abort(new Error("test over"));
      await running.finished;
    });
    await running.ready;
    return running;
  };
  const repository = (name: string) => ({
    metadata: { namespace, name },
    spec: { organizationRef: namespace, visibility: "private" as const },
  });
  const get = (name: string) => server().client.get(Repository, { namespace, name });

  it("reconciles what is there and what comes, and writes status once", async () => {
    await server().client.create(Repository, repository("before"));
    let calls = 0;
    const running = await start({
      name: "writer",
      controllers: [
        defineController({
          name: "writer",
          for: Repository,
          async reconcile() {
            calls++;
            return done({ status: { phase: "Ready" as const }, conditions: [isTrue("Ready", "Ready")] });
          },
        }),
      ],
    });
    await server().client.create(Repository, repository("after"));
    for (const name of ["before", "after"]) {
      const written = await eventually(async () => {
        const object = await get(name);
        return object.status?.phase === "Ready" && object;
      });
      expect(findCondition(written, "Ready")).toMatchObject({ status: "True", observedGeneration: 1 });
      expect(written.status?.observedGeneration).toBe(1);
    }
    const before = calls;
    const touched = await server().client.patch(
      Repository,
      { namespace, name: "after" },
      { metadata: { labels: { touched: "1" } } },
      { type: "merge" },
    );
    await eventually(() => calls > before);
    const { resourceVersion } = touched.metadata;
    expect((await get("after")).metadata.resourceVersion).toBe(resourceVersion);
    expect((await fetch(`${running.healthUrl}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${running.healthUrl}/metrics`)).text()).toContain(
      'controller_runtime_reconcile_total{controller="writer",result="success"',
    );
  });

  it("turns a TerminalError into Stalled and clears it when the object is mended", async () => {
    await start({
      name: "strict",
      controllers: [
        defineController({
          name: "strict",
          for: Repository,
          async reconcile({ spec }) {
            if (spec.description === "bad")
              throw new TerminalError("BadDescription", "the description must not be bad");
            return done({ conditions: [isTrue("Ready", "Ready")] });
          },
        }),
      ],
    });
    const { spec, metadata } = repository("stalls");
    await server().client.create(Repository, { metadata, spec: { ...spec, description: "bad" } });
    await eventually(
      async () =>
        expect(findCondition(await get("stalls"), "Stalled")).toMatchObject({ reason: "BadDescription" }) ?? true,
    );
    await server().client.patch(
      Repository,
      { namespace, name: "stalls" },
      { spec: { description: "good" } },
      { type: "merge" },
    );
    await eventually(async () => {
      const object = await get("stalls");
      return findCondition(object, "Ready")?.status === "True" && !findCondition(object, "Stalled");
    });
  });

  it("lets only one of two writers claim a version, and the loser runs again", async () => {
    const effects: string[] = [];
    const claimer = (name: string) =>
      defineController({
        name,
        for: Repository,
        predicate: ({ metadata }) => metadata.name === "claimed",
        async reconcile(object, { claim }) {
          if (object.status?.phase) return done();
          await claim(object, { phase: "Provisioning" });
          effects.push(name);
          return done();
        },
      });
    await start({ name: "claimers", controllers: [claimer("claimer-a"), claimer("claimer-b")] });
    await server().client.create(Repository, repository("claimed"));
    await eventually(() => effects.length > 0);
    await eventually(async () => (await get("claimed")).status?.phase === "Provisioning");
    expect(effects).toHaveLength(1);
  });

  it("keeps an object until its finalizer has run", async () => {
    const finalized: string[] = [];
    await start({
      name: "finalizing",
      controllers: [
        defineController({
          name: "finalizing",
          for: ConfigMap,
          namespace,
          predicate: ({ metadata }) => metadata?.name === "precious",
          finalizer: "krate.a5c.ai/test",
          reconcile: async () => done(),
          async finalize({ metadata }) {
            finalized.push(metadata?.name ?? "");
          },
        }),
      ],
    });
    const key = { namespace, name: "precious" };
    await server().client.create(ConfigMap, { metadata: key });
    await eventually(async () => (await server().client.get(ConfigMap, key)).metadata?.finalizers?.length === 1);
    await server().client.delete(ConfigMap, key);
    await eventually(async () => (await server().client.find(ConfigMap, key)) === undefined);
    expect(finalized).toEqual(["precious"]);
  });

  it("goes on with other objects while one fails again and again", async () => {
    await start({
      name: "failing",
      controllers: [
        defineController({
          name: "failing",
          for: Repository,
          async reconcile({ metadata }) {
            if (metadata.name === "poison") throw new Error("defect");
            return done({ conditions: [isTrue("Provisioned", "Created")] });
          },
        }),
      ],
    });
    await server().client.create(Repository, repository("poison"));
    await server().client.create(Repository, repository("healthy"));
    await eventually(async () => findCondition(await get("healthy"), "Provisioned"));
  });

  it("elects one leader, and the next at once when the lease is released", async () => {
    const lease = { namespace: "krate-system", name: "test-lease" };
    const elector = (identity: string) =>
      leaderElector({
        client: server().client,
        ...lease,
        log,
        identity,
        leaseDurationSeconds: 3,
        renewDeadlineSeconds: 2,
        retryPeriodSeconds: 0.05,
      });
    const [a, b] = [elector("a"), elector("b")];
    const history: string[] = [];
    const work = (name: string) => async (leading: AbortSignal) => {
      history.push(`${name} begins`);
      await new Promise<void>((resolve) => leading.addEventListener("abort", () => resolve(), { once: true }));
      history.push(`${name} ends`);
    };
    const [stopA, stopB] = [new AbortController(), new AbortController()];
    const runA = a.run(stopA.signal, work("a"));
    await eventually(() => a.isLeader);
    const runB = b.run(stopB.signal, work("b"));
    await eventually(async () => (await server().client.get(Lease, lease)).spec?.holderIdentity === "a");
    expect(b.isLeader).toBe(false);
    stopA.abort(new Error("stop"));
    await runA;
    await eventually(() => b.isLeader);
    stopB.abort(new Error("stop"));
    await runB;
    expect(history).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  });

  it("stops working when the lease is taken away", async () => {
    const lease = { namespace: "krate-system", name: "stolen-lease" };
    const elector = leaderElector({
      client: server().client,
      ...lease,
      log,
      identity: "victim",
      leaseDurationSeconds: 1,
      renewDeadlineSeconds: 0.4,
      retryPeriodSeconds: 0.05,
    });
    const stop = new AbortController();
    const ended = Promise.withResolvers<void>();
    const run = elector.run(stop.signal, async (leading) => {
      await new Promise<void>((resolve) => leading.addEventListener("abort", () => resolve(), { once: true }));
      ended.resolve();
    });
    await eventually(() => elector.isLeader);
    const spec = { holderIdentity: "thief", leaseDurationSeconds: 3600 };
    await server().client.patch(Lease, lease, { spec }, { type: "merge" });
    await ended.promise;
    stop.abort(new Error("test over"));
    await run;
  });

  const gitEvent = (name: string) => ({
    metadata: { namespace, name },
    spec: {
      organizationRef: namespace,
      repository: "web",
      ref: "refs/heads/main",
      oldSha: "0".repeat(40),
      newSha: "1".repeat(40),
      action: "create" as const,
      decision: "Accepted" as const,
      actor: { user: "ada" },
      transport: "http" as const,
      receivedAt: "2026-01-01T00:00:00Z",
    },
  });

  it("consumes a log in order, goes on from its cursor, and tries a failing event again", async () => {
    const handled: string[] = [];
    let failOnce = true;
    const consumer = defineLogConsumer({
      name: "test-log",
      kind: GitEvent,
      async handle({ metadata }: ObjectOf<typeof GitEvent>) {
        if (metadata.name === "e2" && failOnce) {
          failOnce = false;
          throw new Error("not yet");
        }
        handled.push(metadata.name ?? "");
      },
    });
    const writer = server().as("git-gateway");
    for (const name of ["e1", "e2"]) await writer.create(GitEvent, gitEvent(name));
    await start({ name: "consumer", consumers: [consumer] });
    await writer.create(GitEvent, gitEvent("e3"));
    await eventually(() => handled.length === 3);
    expect(handled).toEqual(["e1", "e2", "e3"]);
    for (const stop of stops.splice(0)) await stop();
    await writer.create(GitEvent, gitEvent("e4"));
    await start({ name: "consumer", consumers: [consumer] });
    await eventually(() => handled.length === 4);
    expect(handled.at(-1)).toBe("e4");
  });
});
