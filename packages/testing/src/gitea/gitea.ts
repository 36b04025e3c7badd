import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import {
  type EmbeddedPostgres,
  type Identity,
  invocation,
  startEmbeddedPostgres,
  unprivilegedIdentity,
} from "@krate/postgres/embedded";
import { binaryPath, missingPrograms, programFiles, programVersion } from "../control-plane/binaries.ts";
import { type Child, startChild } from "../control-plane/child.ts";
import { type Guard, startGuard } from "../control-plane/guard.ts";
import { isAlive } from "../control-plane/stop.ts";
import { eventually } from "../eventually.ts";
import { freePort } from "../free-port.ts";
import { appIni, type GiteaLayout } from "./app-ini.ts";

export interface GiteaOptions {
  /** Kept; a second start finds everything again. */
  dataFolder: string;
  /** Processes on one volume and one database. @defaultValue 1 */
  processes?: number;
  /** Ports they listen on, on loopback. @defaultValue ports that are free now */
  ports?: readonly number[];
  /** False makes the database faster than a durable one can be: for tests. @defaultValue true */
  fsync?: boolean;
  /** @defaultValue 120 s */
  startTimeoutSeconds?: number;
}

/** One of the processes. */
export interface GiteaProcess {
  /** `gitea-0` */
  name: string;
  url: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it is healthy. */
  start(): Promise<void>;
}

export interface Gitea extends AsyncDisposable {
  version: string;
  processes: readonly GiteaProcess[];
  /** Folder of the repositories, `<owner>/<name>.git`. */
  repositoryRoot: string;
  /** Token of the one account, an administrator named {@link giteaAccount}. */
  tokenFile: string;
  /** What the gateway proves a push with. */
  hookSecretFile: string;
  /** Rejects when a process that was started with it ends by itself before anybody killed or restarted one. */
  failure: Promise<never>;
  stop(): Promise<void>;
}

/** What a program of Krate is told to keep its repositories there. */
export function giteaEnvironment(gitea: Gitea): Record<string, string> {
  return {
    KRATE_GIT_BACKEND: "gitea",
    KRATE_REPOSITORY_ROOT: gitea.repositoryRoot,
    KRATE_GITEA_URLS: gitea.processes.map(({ name, url }) => `${name}=${url}`).join(","),
    KRATE_GITEA_TOKEN_FILE: gitea.tokenFile,
    KRATE_GITEA_HOOK_SECRET_FILE: gitea.hookSecretFile,
  };
}

/** Name of the account that Krate acts as in Gitea. */
export const giteaAccount = "krate";

const run = promisify(execFile);

/**
 * Starts Gitea as a Git backend: one or more processes as an unprivileged user, over one volume and one Postgres of their own, each
 * reachable on loopback. It ends with this process, however that ends. Nothing is built here.
 *
 * @throws Error that names what is not built, or holds the end of the log of what failed
 */
export async function startGitea(options: GiteaOptions): Promise<Gitea> {
  if (missingPrograms(["gitea"]).length > 0)
    throw new Error("cannot start Gitea: it is not built: run hack/control-plane build gitea");
  const folder = resolve(options.dataFolder);
  const volume = join(folder, "volume");
  await mkdir(join(volume, "repositories"), { recursive: true, mode: 0o700 });
  const identity = await unprivilegedIdentity();
  const settings: Record<string, string> = options.fsync === false ? { fsync: "off" } : {};
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "postgres"), database: "gitea", settings });
  const guard = startGuard();
  const started: Running[] = [];
  const stop = async () => {
    await Promise.all(started.map((process) => process.end(10)));
    await guard.close();
    await postgres.stop();
  };
  try {
    const hookSecretFile = await secretFile(join(folder, "hook-secret"));
    const base = {
      folder,
      volume,
      identity,
      guard,
      hookSecretFile,
      timeoutSeconds: options.startTimeoutSeconds ?? 120,
    };
    const layouts = await layoutsOf(folder, volume, postgres, options);
    for (const [index, layout] of layouts.entries()) started.push(await prepare(`gitea-${index}`, layout, base));
    const tokenFile = await ensureAccount(started[0] as Running, join(folder, "token"));
    await Promise.all(started.map((process) => process.start()));
    const failure = Promise.race(started.map((process) => process.failure()));
    failure.catch(() => {});
    return {
      failure,
      version: programVersion("gitea"),
      processes: started,
      repositoryRoot: join(volume, "repositories"),
      tokenFile,
      hookSecretFile,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function secretFile(path: string): Promise<string> {
  if (!existsSync(path)) await writeFile(path, randomBytes(32).toString("hex"), { mode: 0o600 });
  return path;
}

async function layoutsOf(
  folder: string,
  volume: string,
  { connection }: EmbeddedPostgres,
  { processes = 1, ports = [] }: GiteaOptions,
): Promise<GiteaLayout[]> {
  const secret = async (name: string) => readFile(await secretFile(join(folder, name)), "utf8");
  const secrets = {
    secretKey: await secret("secret-key"),
    internalToken: await secret("internal-token"),
    jwtSecret: Buffer.from(await secret("jwt-secret"), "hex").toString("base64url"),
  };
  const layouts: GiteaLayout[] = [];
  for (let index = 0; index < processes; index++) {
    const port = ports[index] ?? (await freePort());
    const workFolder = join(folder, `gitea-${index}`);
    const { host, user, database } = connection;
    const files = programFiles("gitea");
    const rootUrl = `http://127.0.0.1:${port}/`;
    layouts.push({ volume, workFolder, files, port, rootUrl, secrets, database: { host, user, database } });
  }
  return layouts;
}

interface Base {
  folder: string;
  volume: string;
  identity: Identity;
  guard: Guard;
  hookSecretFile: string;
  timeoutSeconds: number;
}

interface Running extends GiteaProcess {
  /** Runs one of Gitea's commands. */
  command(args: string[]): Promise<string>;
  end(graceSeconds: number): Promise<void>;
  failure(): Promise<never>;
}

async function prepare(name: string, layout: GiteaLayout, base: Base): Promise<Running> {
  const { workFolder, port } = layout;
  const config = join(workFolder, "app.ini");
  await mkdir(join(workFolder, "data"), { recursive: true, mode: 0o700 });
  await writeFile(config, appIni(layout), { mode: 0o600 });
  const env = {
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    HOME: workFolder,
    USER: "krate",
    LC_ALL: "C",
    GITEA_WORK_DIR: workFolder,
    KRATE_HOOK_SECRET_FILE: base.hookSecretFile,
    KRATE_GITEA_CONFIG: config,
  };
  const wrapper = await writeWrapper(join(base.folder, "gitea"));
  const call = (args: string[]) => invocation(base.identity, wrapper, [...args, "--config", config]);
  const url = `http://127.0.0.1:${port}`;
  let child: Child | undefined;
  const healthy = () =>
    fetch(`${url}/api/healthz`).then(
      (response) => response.ok,
      () => false,
    );
  return {
    name,
    url,
    get pid() {
      return child?.pid;
    },
    async command(args) {
      const { command, args: all, options } = call(args);
      return (await run(command, all, { ...options, env, cwd: workFolder })).stdout;
    },
    async start() {
      const { command, args } = call(["web"]);
      const started = startChild(base.guard, name, command, args, join(base.folder, `${name}.log`), env);
      child = started;
      const { timeoutSeconds } = base;
      const ready = eventually(healthy, {
        timeoutSeconds,
        intervalMilliseconds: 100,
        description: `${name} at ${url}`,
      });
      await Promise.race([ready, started.failure]);
    },
    failure: () => child?.failure ?? new Promise<never>(() => {}),
    async kill() {
      const pid = child?.pid;
      const ending = child?.stop(30);
      if (pid !== undefined && isAlive(pid)) process.kill(pid, "SIGKILL");
      await ending;
      child = undefined;
    },
    async end(graceSeconds) {
      await child?.stop(graceSeconds);
      child = undefined;
    },
  };
}

/**
 * Gitea writes its own path and that of its configuration into the hooks of a repository. Of several processes on one machine any may
 * serve it, so the path is this script's, which takes the configuration of the process that runs the hook. (Pods have one path each.)
 */
async function writeWrapper(path: string): Promise<string> {
  const binary = binaryPath("gitea");
  const script = `#!/bin/sh
if [ "$1" = hook ]; then
  shift 2
  exec -a "$0" '${binary}' hook --config="$KRATE_GITEA_CONFIG" "$@"
fi
exec -a "$0" '${binary}' "$@"
`;
  await writeFile(path, script.replace("#!/bin/sh", "#!/usr/bin/env bash"));
  await chmod(path, 0o755);
  return path;
}

/** The account and its token are made once; what is in the file then is what counts. */
async function ensureAccount(gitea: Running, tokenFile: string): Promise<string> {
  if (existsSync(tokenFile)) return tokenFile;
  await gitea.command(["migrate"]);
  const output = await gitea.command([
    "admin",
    "user",
    "create",
    "--admin",
    `--username=${giteaAccount}`,
    `--email=${giteaAccount}@krate.invalid`,
    "--random-password",
    "--must-change-password=false",
    "--access-token",
    "--access-token-scopes=all",
  ]);
  const token = /\b[0-9a-f]{40}\b/.exec(output)?.[0];
  if (!token) throw new Error("Gitea made no access token");
  await writeFile(tokenFile, token, { mode: 0o600 });
  return tokenFile;
}
