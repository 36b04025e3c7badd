/**
 * Several API servers on one Postgres, as separate processes, with a breakable network between each of them and the
 * database: what the history checker and the client-go program disturb.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { certificateAuthority, issueCertificate, signingKeyFiles, writeKubeconfig } from "@krate/pki";
import { startEmbeddedPostgres } from "@krate/postgres/embedded";
import { freePorts, type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { checkout } from "../forge.ts";
import { type Client, httpClient } from "./http-client.ts";
import { type NetworkProxy, startProxy } from "./proxy.ts";

export interface Replica {
  /** `https://127.0.0.1:port`; the same after a restart. */
  url: string;
  /** Of an administrator. */
  kubeconfig: string;
  client: Client;
  /** The network between it and the database. */
  network: NetworkProxy;
  /** Ends it, by default as a power cut would, and starts it again; resolves when it is ready. */
  restart(signal?: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Sends the signal and resolves when the process is gone. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  start(): Promise<void>;
  /** Of its process, as it is now. */
  pid(): number | undefined;
}

/** How the database goes: its parent process is killed, one of its sessions is, or it is told to stop at once. */
export type DatabaseFault = "kill -9 of postgres" | "kill -9 of a session" | "fast shutdown";

export interface Replicas {
  folder: string;
  replicas: readonly Replica[];
  /** Makes the fault happen and starts it again where it ended. */
  breakDatabase(fault: DatabaseFault): Promise<void>;
  stop(): Promise<void>;
}

export interface ReplicasOptions {
  /** @defaultValue 2 */
  count?: number;
  /** More settings of the API servers. */
  env?: Readonly<Record<string, string>>;
}

const readyTimeoutMilliseconds = 90_000;
const pollMilliseconds = 25;

export async function startReplicas({ count = 2, env = {} }: ReplicasOptions = {}): Promise<Replicas> {
  const folder = await temporaryFolder("replicas");
  await chmod(folder.path, 0o711); // root runs Postgres under another account
  const database = await startDatabase(folder);
  const pki = await makePki(folder);
  const ports = await freePorts(count);
  const replicas = await Promise.all(
    ports.map((port, index) => makeReplica({ folder, database, pki, port, index, env })),
  );
  // One after the other: the first makes the schema, and both at once would only fight for the machine.
  for (const replica of replicas) await replica.start();
  return {
    folder: folder.path,
    replicas,
    breakDatabase: (fault) => database.break(fault),
    async stop() {
      await Promise.all(replicas.map((replica) => replica.end("SIGKILL")));
      await Promise.all(replicas.map(({ network, client }) => Promise.all([network.close(), client.close()])));
      await database.stop();
      await folder.remove();
    },
  };
}

type Database = Awaited<ReturnType<typeof startDatabase>>;

async function startDatabase(folder: TemporaryFolder) {
  const start = () => startEmbeddedPostgres({ dataDir: join(folder.path, "pg") });
  let server = await start();
  const { host, port, user, database } = server.connection;

  async function startAgain(): Promise<void> {
    // The sessions of a killed server hold its shared memory until they notice.
    const deadline = performance.now() + readyTimeoutMilliseconds;
    for (;;) {
      try {
        server = await start();
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(pollMilliseconds * 4);
      }
    }
  }

  return {
    socketPath: join(host, `.s.PGSQL.${port}`),
    user,
    database,
    async break(fault: DatabaseFault): Promise<void> {
      if (fault === "kill -9 of a session") {
        for (const pid of sessionsOf(server.pid).slice(0, 1)) process.kill(pid, "SIGKILL");
        return; // the server ends all the others, recovers and goes on by itself
      }
      if (fault === "fast shutdown") await server.stop();
      else {
        process.kill(server.pid, "SIGKILL");
        await server.exited;
      }
      await startAgain();
    },
    stop: () => server.stop(),
  };
}

/** Children of the server that serve a client; empty where there is no /proc. */
function sessionsOf(server: number): number[] {
  const file = `/proc/${server}/task/${server}/children`;
  if (!existsSync(file)) return [];
  const children = readFileSync(file, "utf8").trim().split(" ").map(Number);
  return children.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("krate krate");
    } catch {
      return false; // it ended meanwhile
    }
  });
}

type Pki = Awaited<ReturnType<typeof makePki>>;

async function makePki(folder: TemporaryFolder) {
  const at = (name: string) => join(folder.path, name);
  const ca = await certificateAuthority(at("ca"), "krate-test-ca");
  const serving = await issueCertificate(ca, at("serving"), {
    name: "krate-apiserver",
    hosts: ["127.0.0.1", "localhost"],
  });
  const admin = await issueCertificate(ca, at("admin"), { name: "admin", groups: ["system:masters"] });
  return { ca, serving, admin, signing: await signingKeyFiles(at("service-account")) };
}

interface ReplicaParts {
  folder: TemporaryFolder;
  database: Database;
  pki: Pki;
  port: number;
  index: number;
  env: Readonly<Record<string, string>>;
}

async function makeReplica({ folder, database, pki, port, index, env }: ReplicaParts): Promise<Replica> {
  const network = await startProxy({ path: database.socketPath });
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = join(folder.path, `replica-${index}.kubeconfig`);
  writeKubeconfig(kubeconfig, { server: url, caFile: pki.ca.certFile }, [{ name: "admin", user: pki.admin }]);
  const client = httpClient(url, {
    ca: readFileSync(pki.ca.certFile),
    cert: readFileSync(pki.admin.certFile),
    key: readFileSync(pki.admin.keyFile),
  });
  const environment = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    KRATE_API_MODE: "standalone",
    KRATE_API_ADDRESS: `127.0.0.1:${port}`,
    KRATE_LOG_LEVEL: "info",
    KRATE_TLS_CERT_FILE: pki.serving.certFile,
    KRATE_TLS_KEY_FILE: pki.serving.keyFile,
    KRATE_CA_FILE: pki.ca.certFile,
    KRATE_CLIENT_CA_FILE: pki.ca.certFile,
    KRATE_SERVICE_ACCOUNT_KEY_FILE: pki.signing.privateKeyFile,
    KRATE_POSTGRES_HOST: "127.0.0.1",
    KRATE_POSTGRES_PORT: String(network.port),
    KRATE_POSTGRES_USER: database.user,
    KRATE_POSTGRES_DATABASE: database.database,
    ...env,
  };
  const logFile = join(folder.path, `replica-${index}.log`);
  let running: { child: ChildProcess; exited: Promise<void> } | undefined;

  const replica: Replica = {
    url,
    kubeconfig,
    client,
    network,
    async start() {
      // As whatever supervises it would: it may end while the database recovers.
      const deadline = performance.now() + readyTimeoutMilliseconds;
      do running = startServer(environment, logFile);
      while (!(await becomesReady(client, running.child, { deadline, logFile })));
    },
    async end(signal) {
      if (running === undefined) return;
      const { child, exited } = running;
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
    pid: () => running?.child.pid,
    async restart(signal = "SIGKILL") {
      await replica.end(signal);
      await replica.start();
    },
  };
  return replica;
}

/** The bundle, as real runs have it, or with `KRATE_FROM_SOURCES=true` the sources. `KRATE_APISERVER_BUNDLE`: another bundle. */
function startServer(env: NodeJS.ProcessEnv, logFile: string) {
  const folder = join(checkout, "packages", "apiserver");
  const bundle = process.env["KRATE_APISERVER_BUNDLE"] ?? join(folder, "dist", "main.mjs");
  const program =
    existsSync(bundle) && process.env["KRATE_FROM_SOURCES"] !== "true"
      ? [bundle]
      : ["--conditions=development", join(folder, "src", "main.ts")];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...program], {
    cwd: checkout,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(logFile, { flags: "a" });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      log.end();
      resolve();
    });
  });
  return { child, exited };
}

/** False when it ended before it was ready. @throws Error with the end of its log when it is late */
async function becomesReady(
  client: Client,
  child: ChildProcess,
  { deadline, logFile }: { deadline: number; logFile: string },
): Promise<boolean> {
  for (;;) {
    const { status } = await client.request("GET", "/readyz", { timeoutMilliseconds: 2_000 });
    if (status === 200) return true;
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (performance.now() > deadline) {
      const log = existsSync(logFile) ? readFileSync(logFile, "utf8").split("\n").slice(-20).join("\n") : "";
      throw new Error(`the API server ${hasEnded ? "ended while starting" : "was not ready in time"}:\n${log}`);
    }
    await sleep(pollMilliseconds);
    if (hasEnded) return false;
  }
}
