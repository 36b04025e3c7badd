/**
 * The forge under test: `krate up`, as a user starts it, on the cluster that `KRATE_E2E_CLUSTER` names. Only Node's own
 * modules are imported here, because Jest loads it before any loader is set up.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const clusterNames = ["standalone", "envtest", "kind"] as const;
export type ClusterName = (typeof clusterNames)[number];

export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const startTimeoutMilliseconds = 120_000;
const pollMilliseconds = 50;

/** What `KRATE_HOME/forge.json` says. */
export interface ForgeState {
  pid: number;
  apiUrl: string;
  gitUrl: string;
  sshUrl: string;
  searchUrl?: string;
  consoleUrl?: string;
  kubeconfig: string;
  namespace: string;
  pids: Record<string, number>;
}

export interface TestForge {
  home: string;
  cluster: ClusterName;
  /** As it is now: process ids change when a program is started again. */
  state(): ForgeState;
  /** Ends `krate up` with this signal and starts it anew on the same folder. */
  restart(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  stop(): Promise<void>;
}

export function clusterName(): ClusterName {
  const name = process.env["KRATE_E2E_CLUSTER"] ?? "standalone";
  if (!(clusterNames as readonly string[]).includes(name)) {
    throw new Error(`KRATE_E2E_CLUSTER is "${name}": must be ${clusterNames.join(", ")}`);
  }
  return name as ClusterName;
}

/** Command line of a program of the checkout: its bundle as `npm start` runs it, or its sources with KRATE_FROM_SOURCES=true. */
export function krateCommand(): string[] {
  const bundle = join(checkout, "packages", "cli", "dist", "main.mjs");
  if (existsSync(bundle) && process.env["KRATE_FROM_SOURCES"] !== "true") return [process.execPath, bundle];
  return [process.execPath, "--conditions=development", join(checkout, "packages", "cli", "src", "main.ts")];
}

interface Started {
  child: ChildProcess;
  exited: Promise<void>;
  output: string[];
}

function start(command: readonly string[], env: NodeJS.ProcessEnv): Started {
  const [file, ...args] = command as [string, ...string[]];
  const child = spawn(file, args, {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  const remember = (chunk: Buffer) => {
    output.push(chunk.toString());
    if (output.length > 200) output.shift();
  };
  child.stdout?.on("data", remember);
  child.stderr?.on("data", remember);
  return { child, output, exited: new Promise((resolve) => child.once("exit", () => resolve())) };
}

async function stopChild({ child, exited }: Started, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await exited;
}

async function fileWritten(file: string, started: Started, what: string): Promise<void> {
  const deadline = Date.now() + startTimeoutMilliseconds;
  while (!existsSync(file)) {
    const { child, output } = started;
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new Error(`${what} did not start:\n${output.join("")}`);
    }
    await sleep(pollMilliseconds);
  }
}

export interface TestForgeOptions {
  /** @defaultValue that of `KRATE_E2E_CLUSTER` */
  cluster?: ClusterName;
  /** Settings of the programs besides those of `krate up`. */
  env?: NodeJS.ProcessEnv;
  /** Further arguments of `krate up`. */
  arguments?: readonly string[];
  /** Runs before the forge is started; not on standalone, where there is no cluster before the forge. */
  onCluster?: (kubeconfig: string) => Promise<void>;
}

/** Starts the forge in a fresh folder; `envtest` and `kind` start a cluster of their own first. */
export async function startTestForge(options: TestForgeOptions = {}): Promise<TestForge> {
  const { cluster = clusterName(), env = {} } = options;
  const home = mkdtempSync(join(tmpdir(), `krate-e2e-${cluster}-`));
  const stateFile = join(home, "forge.json");
  const behind = cluster === "standalone" ? undefined : await startCluster(cluster, join(home, "cluster"));
  if (behind) await options.onCluster?.(behind.kubeconfig);
  // Chosen once: after a restart everything is where it was.
  const [api, git, ssh, console_] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ports = [
    "--api-port",
    `${api}`,
    "--git-port",
    `${git}`,
    "--ssh-port",
    `${ssh}`,
    "--console-port",
    `${console_}`,
  ];
  const onCluster = behind?.arguments ?? [];
  const up = async () => {
    const started = start([...krateCommand(), "up", ...ports, ...onCluster, ...(options.arguments ?? [])], {
      ...env,
      KRATE_HOME: home,
    });
    await fileWritten(stateFile, started, "krate up");
    return started;
  };
  let running = await up();
  return {
    home,
    cluster,
    state: () => JSON.parse(readFileSync(stateFile, "utf8")) as ForgeState,
    async restart(signal) {
      await stopChild(running, signal);
      rmSync(stateFile, { force: true });
      running = await up();
    },
    async stop() {
      await stopChild(running, "SIGTERM");
      if (behind) await stopChild(behind.started, "SIGTERM");
      // Logs, database and repositories of a failed test say more than its message.
      if (process.env["KRATE_E2E_KEEP"] === "true") process.stderr.write(`kept: ${home}\n`);
      else rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** A cluster to serve records for, and the arguments of `krate up` that name it. */
async function startCluster(name: "envtest" | "kind", folder: string) {
  const tool = name === "kind" ? "kind" : "control-plane";
  const started = start([join(checkout, "hack", tool), "start", "--data", folder], {});
  const file = join(folder, `${tool}.json`);
  await fileWritten(file, started, `hack/${tool}`);
  const { kubeconfig, machineAddress } = JSON.parse(readFileSync(file, "utf8")) as {
    kubeconfig: string;
    machineAddress?: string;
  };
  const address = machineAddress ? ["--cluster-address", machineAddress] : [];
  return { started, kubeconfig, arguments: ["--kubeconfig", kubeconfig, ...address] };
}
