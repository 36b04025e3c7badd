import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, openSync, readFileSync, statSync } from "node:fs";
import { chown, mkdir, rename, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { clientConfig } from "../connection.ts";
import { type Log, silentLog } from "../log.ts";
import { embeddedBinaries, type PostgresBinaries } from "./binaries.ts";
import { chooseIdentity, type Identity, invocation } from "./identity.ts";
import { isAlive, type PostmasterPid, readPostmasterPid } from "./postmaster-pid.ts";

export interface EmbeddedPostgresOptions {
  /** Made when absent. Its parent must exist or be makeable. */
  dataDir: string;
  log?: Log;
  /** Made when absent. @defaultValue krate */
  database?: string;
  /** More server settings (`{ fsync: "off" }` for tests). fsync stays on otherwise. */
  settings?: Readonly<Record<string, string>>;
  /** @defaultValue those of the npm package for this platform */
  binaries?: PostgresBinaries;
}

export interface EmbeddedPostgres {
  connection: { host: string; port: number; user: string; database: string };
  pid: number;
  /** It was running already: left over by a launcher that was killed. */
  adopted: boolean;
  /** Resolves when the server is gone, for whatever reason. */
  exited: Promise<void>;
  /** Ends sessions, writes a checkpoint, waits until the server is gone. */
  stop(): Promise<void>;
}

const user = "krate";
const port = 5432;
const startTimeoutMilliseconds = 60_000;
const stopTimeoutMilliseconds = 30_000;
const pollMilliseconds = 10;
/** `sun_path` holds 108 bytes on Linux and 104 on macOS. */
const maxSocketPathBytes = 103;
const maxLogBytes = 10 * 1024 * 1024;

/**
 * For a forge on one machine: small, and patient with many idle sessions. Measured beside the defaults, `jit` costs a first
 * list 100 ms and more shared_buffers bring nothing while the page cache is there.
 */
const settings: Readonly<Record<string, string>> = {
  shared_buffers: "64MB",
  max_connections: "60",
  jit: "off",
  max_wal_size: "1GB",
  checkpoint_timeout: "15min",
  autovacuum_naptime: "15s",
  log_min_messages: "warning",
  timezone: "UTC",
};

const run = promisify(execFile);

/** Nothing of the caller's PG* variables may reach the server. */
const environment = { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

/**
 * Starts a Postgres of our own in `dataDir`, reachable through a Unix socket only, or adopts the one that runs there because
 * its launcher was killed. As root it runs under an unprivileged identity (see identity.ts).
 *
 * The server is not tied to this process: Ctrl-C in a terminal does not reach it, `stop()` ends it, and when this process is
 * killed it lives on until the next start adopts it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? silentLog;
  const dataDir = resolve(options.dataDir);
  const binaries = options.binaries ?? (await embeddedBinaries());
  const running = await findRunning(dataDir, log);
  if (running) return serving(await whenReady(dataDir, running.pid), options, true);

  await mkdir(dirname(dataDir), { recursive: true });
  const identity = await chooseIdentity(dataDir, [dirname(dataDir), dirname(binaries.postgres)]);
  await initialize(dataDir, binaries, identity, { log, sync: options.settings?.fsync !== "off" });
  const child = await launch(dataDir, binaries, identity, options.settings ?? {});
  const pid = child.pid as number;
  log.info({ pid, dataDir, runsAs: identity.how }, "embedded Postgres started");
  return serving(await whenReady(dataDir, pid), options, false, child);
}

/** A server whose launcher died. One that is just stopping is waited for; a stale file is left to Postgres, which knows. */
async function findRunning(dataDir: string, log: Log): Promise<PostmasterPid | undefined> {
  const found = readPostmasterPid(dataDir);
  if (!found || !isAlive(found.pid)) return undefined;
  if (!(await isPostgres(found.pid))) {
    log.warn(
      { pid: found.pid, dataDir },
      "postmaster.pid names a process that is not Postgres: removing the stale file",
    );
    await rm(join(dataDir, "postmaster.pid"), { force: true });
    return undefined;
  }
  if (found.status === "stopping") {
    await gone(found.pid);
    return undefined;
  }
  log.info({ pid: found.pid, dataDir }, "adopting the Postgres that runs in this data folder");
  return found;
}

async function isPostgres(pid: number): Promise<boolean> {
  try {
    const program =
      process.platform === "linux"
        ? readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]
        : (await run("ps", ["-o", "comm=", "-p", String(pid)])).stdout.trim();
    return basename(program ?? "") === "postgres";
  } catch {
    return false; // it went away between the two looks
  }
}

/** initdb into a folder beside it and one rename, so that a start cut short leaves nothing half made. */
async function initialize(
  dataDir: string,
  binaries: PostgresBinaries,
  identity: Identity,
  { log, sync }: { log: Log; sync: boolean },
): Promise<void> {
  if (existsSync(join(dataDir, "PG_VERSION"))) return checkVersion(dataDir, binaries);
  if (existsSync(dataDir)) await rm(dataDir, { recursive: false, force: false }).catch(refuseForeignFolder(dataDir));
  const fresh = join(dirname(dataDir), `.${basename(dataDir)}.initdb-${process.pid}`);
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  if (identity.how === "user") await chown(fresh, identity.uid, identity.gid);
  const { command, args, options } = invocation(identity, binaries.initdb, [
    `--pgdata=${fresh}`,
    `--username=${user}`,
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    ...((await majorOf(binaries)) >= firstWithBuiltinLocale
      ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
      : []),
    "--locale=C",
    "--no-instructions",
    ...(sync ? [] : ["--no-sync"]),
  ]);
  try {
    await run(command, args, { ...options, env: environment, cwd: fresh });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw new Error(`initdb failed: ${(error as { stderr?: string }).stderr?.trim() || String(error)}`, {
      cause: error,
    });
  }
  await rename(fresh, dataDir);
  log.info({ dataDir }, "database folder made");
}

function refuseForeignFolder(dataDir: string): (cause: unknown) => never {
  return (cause) => {
    throw new Error(`${dataDir} is not a Postgres data folder and is not empty: choose another one`, { cause });
  };
}

/** Before it C.UTF-8 came from the operating system; our tables say `collate "C"` themselves. */
const firstWithBuiltinLocale = 17;

async function majorOf({ postgres }: PostgresBinaries): Promise<number> {
  const { stdout } = await run(postgres, ["--version"], { env: environment });
  return Number(/(\d+)/.exec(stdout)?.[1]);
}

async function checkVersion(dataDir: string, binaries: PostgresBinaries): Promise<void> {
  const found = readFileSync(join(dataDir, "PG_VERSION"), "utf8").trim();
  const major = await majorOf(binaries);
  if (found !== String(major)) {
    throw new Error(
      `the data in ${dataDir} was written by Postgres ${found}, this is Postgres ${major}: ` +
        "dump it with the old version and restore it, or use the old version",
    );
  }
}

async function launch(
  dataDir: string,
  binaries: PostgresBinaries,
  identity: Identity,
  more: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const socketDir = await socketFolder(dataDir, identity);
  const all = { ...settings, ...more, listen_addresses: "", unix_socket_directories: socketDir, port: String(port) };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const logFile = logFileOf(dataDir);
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) await truncate(logFile);
  const output = openSync(logFile, "a", 0o600);
  const { command, args, options } = invocation(identity, binaries.postgres, ["-D", dataDir, ...flags]);
  const child = spawn(command, args, {
    ...options,
    env: environment,
    cwd: dataDir,
    detached: true,
    stdio: ["ignore", output, output],
  });
  await new Promise<void>((started, failed) => {
    child.once("spawn", started);
    child.once("error", failed);
  });
  child.unref();
  return child;
}

/** What the server itself says; beside the data folder so that it is there when the server is not. */
function logFileOf(dataDir: string): string {
  return join(dirname(dataDir), `${basename(dataDir)}.log`);
}

/** The data folder (0700) itself, or a folder of its own when its path is too long for a socket. */
async function socketFolder(dataDir: string, identity: Identity): Promise<string> {
  if (Buffer.byteLength(join(dataDir, `.s.PGSQL.${port}`)) <= maxSocketPathBytes) return dataDir;
  const name = createHash("sha256").update(dataDir).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), `krate-pg-${name}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (identity.how === "user") await chown(folder, identity.uid, identity.gid);
  const owner = statSync(folder).uid;
  if (owner !== (identity.how === "user" ? identity.uid : process.getuid?.())) {
    throw new Error(`${folder} belongs to somebody else: remove it, or set TMPDIR to another folder`);
  }
  return folder;
}

async function whenReady(dataDir: string, pid: number): Promise<PostmasterPid> {
  const deadline = performance.now() + startTimeoutMilliseconds;
  while (performance.now() < deadline) {
    const found = readPostmasterPid(dataDir);
    if (found?.pid === pid && found.status === "ready") return found;
    if (!isAlive(pid)) throw new Error(`Postgres ended while starting: ${lastWords(dataDir)}`);
    await sleep(pollMilliseconds);
  }
  throw new Error(`Postgres was not ready after ${startTimeoutMilliseconds / 1000} s: ${lastWords(dataDir)}`);
}

function lastWords(dataDir: string): string {
  const file = logFileOf(dataDir);
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  return `${lines.slice(-5).join(" | ")} (more in ${file})`;
}

async function serving(
  running: PostmasterPid,
  options: EmbeddedPostgresOptions,
  adopted: boolean,
  child?: ChildProcess,
): Promise<EmbeddedPostgres> {
  const database = options.database ?? "krate";
  const connection = { host: running.socketDir, port: running.port, user, database };
  await ensureDatabase(connection);
  const exited = child ? ended(child) : gone(running.pid);
  return {
    connection,
    pid: running.pid,
    adopted,
    exited,
    stop: () => stop(running.pid, exited),
  };
}

async function ensureDatabase(connection: EmbeddedPostgres["connection"]): Promise<void> {
  const client = new pg.Client(
    clientConfig({ ...connection, database: "postgres" }, { applicationName: "krate launcher" }),
  );
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [connection.database]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(connection.database)}`);
  } finally {
    await client.end();
  }
}

/** SIGINT is a fast shutdown (sessions are ended), SIGQUIT gives up on the checkpoint; the next start then recovers. */
async function stop(pid: number, exited: Promise<void>): Promise<void> {
  if (isAlive(pid)) process.kill(pid, "SIGINT");
  const late = setTimeout(() => isAlive(pid) && process.kill(pid, "SIGQUIT"), stopTimeoutMilliseconds);
  await exited;
  clearTimeout(late);
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => child.once("exit", () => done()));
}

/** For a process that is not our child: looks now and then, without keeping this process alive. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(50, undefined, { ref: false });
}
