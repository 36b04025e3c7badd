/**
 * The life of a program: informers → ready → leader → controllers and consumers → signal → everything ends within 10 s.
 * `startProgram` is the same without process signals, for tests and for programs with more to run.
 */

import type { KindRef, ObjectOf } from "@krate/kinds";
import {
  type EventRecorder,
  eventRecorder,
  type Informer,
  type KubeClient,
  kubeClient,
  loadKubeConfig,
} from "@krate/kube";
import { createLogger, healthServer, type Logger } from "@krate/telemetry";
import { createMetrics, type Metrics } from "@krate/telemetry/metrics";
import type { ProgramConfig } from "./config.ts";
import { controllerMetrics } from "./controller-metrics.ts";
import type { Controller, Selection } from "./define-controller.ts";
import { Informers } from "./informers.ts";
import { leaderElector } from "./leader-election.ts";
import { type LogConsumer, runLogConsumer } from "./log-consumer.ts";
import { ControllerRunner } from "./run-controller.ts";

/** What a background task of a program gets. */
export interface ProgramContext {
  client: KubeClient;
  log: Logger;
  events: EventRecorder;
  metrics: Metrics;
  now(): Date;
  /** The informer of a kind some controller declared. @throws when none did */
  lister<K extends KindRef>(kind: K): Informer<ObjectOf<K>>;
  /** The shared informer of a kind; call it before the program starts (in `setup`). `transform` trims what is kept. */
  informer<K extends KindRef>(
    kind: K,
    selection?: Selection,
    options?: { transform?: (object: ObjectOf<K>) => ObjectOf<K> },
  ): Informer<ObjectOf<K>>;
}

export interface Program {
  /** Lease, user agent, event source. */
  name: string;
  config: ProgramConfig;
  controllers?: readonly Controller[];
  consumers?: readonly LogConsumer[];
  /** Builds controllers that need the client, or declares further informers; runs before informers start. */
  setup?: (
    context: ProgramContext,
  ) => { controllers?: readonly Controller[]; consumers?: readonly LogConsumer[] } | undefined;
  /** Runs beside the controllers while leading. */
  tasks?: readonly ((context: ProgramContext, leading: AbortSignal) => Promise<void>)[];
  /** Instead of one made from `config.kubeconfig`. */
  client?: KubeClient;
  log?: Logger;
  now?: () => Date;
}

export interface RunningProgram {
  healthUrl: string;
  /** Resolves when informers have synced. */
  ready: Promise<void>;
  /** Resolves when everything has ended; rejects with what went wrong. */
  finished: Promise<void>;
  context: ProgramContext;
}

/** Reconciles under way get this long after the signal; the rest of the 10 s is for the lease and connections. */
const drainSeconds = 8;

export async function startProgram(program: Program, signal: AbortSignal): Promise<RunningProgram> {
  const { name, config } = program;
  const log = program.log ?? createLogger({ component: name, level: config.logLevel });
  const client =
    program.client ??
    kubeClient(await loadKubeConfig(config.kubeconfig), { userAgent: `krate-${name}`, fieldManager: name });
  const metrics = createMetrics({ component: name, processMetrics: true });
  const runtimeMetrics = controllerMetrics(metrics);
  const now = program.now ?? (() => new Date());
  const events = eventRecorder(client, {
    component: name,
    now,
    onProblem: (error) => log.warn({ err: error }, "an Event could not be recorded"),
  });
  const managers = new Set((program.controllers ?? []).map((controller) => controller.name));
  const informers = new Informers(client, log, managers);
  const context: ProgramContext = {
    client,
    log,
    events,
    metrics,
    now,
    lister: (kind) => informers.lister(kind),
    informer: (kind, selection, options) => informers.get(kind, selection, options),
  };
  const built = program.setup?.(context);
  const controllers = [...(program.controllers ?? []), ...(built?.controllers ?? [])];
  const consumers = [...(program.consumers ?? []), ...(built?.consumers ?? [])];
  for (const controller of controllers) managers.add(controller.name);
  for (const kind of consumers.flatMap(({ reads = [] }) => reads)) informers.get(kind);
  const environment = { client, informers, events, log, metrics: runtimeMetrics, now };
  const runners = controllers.map((controller) => new ControllerRunner(controller, environment));

  const health = await healthServer({ address: config.healthAddress, notReady: () => informers.pending(), metrics });
  log.info({ health: health.url, server: client.server }, "started");
  informers.start(signal);
  const ready = informers.synced();
  ready.catch(() => undefined);

  const work = async (leading: AbortSignal) => {
    const consumerContext = { client, log, events, now, lister: context.lister };
    await Promise.all([
      ...runners.map((runner) => runner.run(leading)),
      ...consumers.map((consumer) =>
        runLogConsumer(consumer, {
          context: { ...consumerContext, log: log.child({ consumer: consumer.name }) },
          namespace: config.namespace,
          signal: leading,
        }),
      ),
      ...(program.tasks ?? []).map((task) => task(context, leading)),
      aborted(leading),
    ]);
  };

  const run = async () => {
    try {
      await ready;
    } catch {
      return health.close(); // stopped before the first list was complete
    }
    log.info("ready");
    const elector = leaderElector({
      client,
      namespace: config.namespace,
      name,
      log,
      onChange: (leading) => runtimeMetrics.leader(name, leading),
    });
    const working = config.leaderElection ? elector.run(signal, work) : work(signal);
    const drained = Promise.race([working, aborted(signal).then(() => patience(drainSeconds))]);
    await drained;
    await Promise.race([events.flush(), patience(1)]);
    await health.close();
    await client.close();
    log.info("stopped");
  };
  return { healthUrl: health.url, ready, finished: run(), context };
}

/** Runs until SIGTERM or SIGINT; the process then ends by itself. A second signal ends it at once. */
export async function runProgram(program: Program): Promise<void> {
  const log = program.log ?? createLogger({ component: program.name, level: program.config.logLevel });
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(1);
    log.info({ signal }, "stopping");
    stop.abort(new Error(`the program got ${signal}`));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // A promise nobody waited for: the reconcile that made it has a defect, all others are fine.
  process.on("unhandledRejection", (error) =>
    log.error({ err: error }, "a promise failed and nobody was waiting for it"),
  );
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "uncaught exception");
    process.exit(1);
  });
  try {
    const running = await startProgram({ ...program, log }, stop.signal);
    await running.finished;
    process.exitCode = 0;
  } catch (error) {
    log.fatal({ err: error }, `${program.name} failed`);
    process.exitCode = 1;
  }
  // Whatever is still open (a reconcile that ignores its signal) must not keep the process past its 10 s.
  setTimeout(() => process.exit(), 500).unref();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function patience(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref());
}
