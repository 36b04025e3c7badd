/**
 * Runs the programs of the forge as child processes.
 *
 * State of one service:  stopped → starting → ready → (exit) → waiting → starting …
 *                        any state → stopping → stopped, when the supervisor stops.
 *
 * A service that exits is started again after a delay that doubles from 0.2 s to 10 s and is forgotten once it has been
 * ready. Services stop in the reverse order of their start.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const firstRestartDelayMilliseconds = 200;
const longestRestartDelayMilliseconds = 10_000;
const readinessPollMilliseconds = 50;
const stopTimeoutMilliseconds = 15_000;

export interface Service {
  name: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  /** `host:port` whose `/readyz` answers 200 when the service is ready. */
  healthAddress: string;
  /** How long the first start may take. @defaultValue 60 */
  readySeconds?: number;
}

export interface SupervisorEvents {
  ready(name: string, milliseconds: number): void;
  exited(name: string, how: string, restartInMilliseconds: number): void;
}

interface Running {
  service: Service;
  child?: ChildProcess;
  ready: boolean;
  delayMilliseconds: number;
  exit: Promise<void>;
}

/** True when `/readyz` of the address answers 200 within a second. */
export function isReady(address: string): Promise<boolean> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const probe = request({ host, port, path: "/readyz", timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    probe.on("error", () => resolve(false));
    probe.on("timeout", () => probe.destroy());
    probe.end();
  });
}

export class Supervisor {
  readonly #services = new Map<string, Running>();
  readonly #logFolder: string;
  readonly #events: SupervisorEvents;
  #stopping = false;

  constructor(options: { logFolder: string; events: SupervisorEvents }) {
    this.#logFolder = options.logFolder;
    this.#events = options.events;
    mkdirSync(options.logFolder, { recursive: true });
  }

  /** Process id by service name, of those that run now. */
  pids(): Record<string, number> {
    const alive = [...this.#services].flatMap(([name, { child }]) => (child?.pid ? [[name, child.pid] as const] : []));
    return Object.fromEntries(alive);
  }

  logFile(name: string): string {
    return join(this.#logFolder, `${name}.log`);
  }

  /** Starts a service and resolves when it is ready; throws, naming the log file, when it is not within its time. */
  async start(service: Service): Promise<void> {
    const running: Running = {
      service,
      ready: false,
      delayMilliseconds: firstRestartDelayMilliseconds,
      exit: Promise.resolve(),
    };
    this.#services.set(service.name, running);
    const startedAt = Date.now();
    this.#spawn(running);
    await this.#untilReady(running, startedAt + (service.readySeconds ?? 60) * 1000);
    if (running.ready) this.#events.ready(service.name, Date.now() - startedAt);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const running of [...this.#services.values()].reverse()) await this.#stopOne(running);
  }

  #spawn(running: Running): void {
    const { name, command, args, env } = running.service;
    const log = createWriteStream(this.logFile(name), { flags: "a", mode: 0o600 });
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe", "ipc"], detached: true });
    running.child = child;
    running.ready = false;
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    running.exit = new Promise((resolve) => {
      const ended = (how: string) => {
        delete running.child;
        log.end();
        resolve();
        if (!this.#stopping) void this.#restart(running, how);
      };
      child.once("error", (error) => ended(error.message));
      child.once("exit", (code, signal) => ended(signal ? `signal ${signal}` : `exit code ${code}`));
    });
  }

  async #restart(running: Running, how: string): Promise<void> {
    const delay = running.delayMilliseconds;
    running.delayMilliseconds = Math.min(delay * 2, longestRestartDelayMilliseconds);
    this.#events.exited(running.service.name, how, delay);
    await sleep(delay);
    if (this.#stopping) return;
    const startedAt = Date.now();
    this.#spawn(running);
    try {
      await this.#untilReady(running, Date.now() + (running.service.readySeconds ?? 60) * 1000);
      if (running.ready) this.#events.ready(running.service.name, Date.now() - startedAt);
    } catch {
      // Not ready in time: either it exited, then its own exit restarts it, or it still tries and stays visible in the log.
    }
  }

  async #untilReady(running: Running, deadline: number): Promise<void> {
    while (!(await isReady(running.service.healthAddress))) {
      if (this.#stopping) return;
      if (Date.now() > deadline) {
        throw new Error(`${running.service.name} is not ready in time; its log: ${this.logFile(running.service.name)}`);
      }
      await sleep(readinessPollMilliseconds);
    }
    running.ready = true;
    running.delayMilliseconds = firstRestartDelayMilliseconds;
  }

  async #stopOne(running: Running): Promise<void> {
    const { child } = running;
    if (!child) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMilliseconds);
    await running.exit;
    clearTimeout(timer);
  }
}
