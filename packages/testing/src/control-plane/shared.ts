import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { binaryFolder, repositoryRoot } from "./binaries.ts";
import { withLock } from "./lock.ts";
import {
  type ControlPlane,
  type ControlPlaneInfo,
  infoFileName,
  readControlPlane,
  startControlPlane,
} from "./start.ts";
import { isAlive } from "./stop.ts";

/**
 * One control plane for all test processes of a checkout: the first that asks starts it in the background, each
 * registers as a user, and it ends by itself when no user has lived for {@link idleSeconds}. So a test run pays the start
 * once, and the next run that follows soon pays nothing.
 */
const idleSeconds = 20;

/**
 * The control plane that `KRATE_CONTROL_PLANE` (path of a control-plane.json) names, else the shared one of this checkout.
 * Namespaces and names are the caller's to choose so that others do not meet them; whoever needs the APIService of the
 * forge group, of which there is one per control plane, calls {@link startControlPlane} instead.
 */
export async function sharedControlPlane(env: NodeJS.ProcessEnv = process.env): Promise<ControlPlaneInfo> {
  if (env.KRATE_CONTROL_PLANE) return readControlPlane(env.KRATE_CONTROL_PLANE);
  const folder = sharedFolder();
  await mkdir(usersFolder(folder), { recursive: true, mode: 0o700 });
  return withLock(join(folder, "lock"), async () => {
    await writeFile(join(usersFolder(folder), String(testRunPid())), "");
    const running = await runningIn(folder);
    if (running) return running;
    await rm(join(folder, "data"), { recursive: true, force: true });
    return startInBackground(folder);
  });
}

/** Body of the background process: runs the control plane in `folder` until no user is left. */
export async function serveShared(folder: string, stopRequested: Promise<void>): Promise<void> {
  const plane = await startControlPlane({ dataFolder: join(folder, "data") });
  let ending = false;
  const over = Promise.race([stopRequested, plane.failure]).finally(() => {
    ending = true;
  });
  try {
    await Promise.race([over, untilUnused(folder, plane, () => ending)]);
  } finally {
    await plane.stop();
  }
}

async function untilUnused(folder: string, plane: ControlPlane, isEnding: () => boolean): Promise<void> {
  let lastUse = performance.now();
  while (!isEnding()) {
    await delay(1000);
    if (await hasUser(folder)) lastUse = performance.now();
    if (performance.now() - lastUse < idleSeconds * 1000) continue;
    const stopped = await withLock(join(folder, "lock"), async () => {
      if (await hasUser(folder)) return false;
      await plane.stop();
      return true;
    });
    if (stopped) return;
  }
}

async function startInBackground(folder: string): Promise<ControlPlaneInfo> {
  const logFile = join(folder, "log");
  const log = openSync(logFile, "w", 0o600);
  const script = fileURLToPath(new URL("./main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=development", script, "share", "--data", folder], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  const started = eventually(
    () => {
      if (child.exitCode !== null) throw new Error(readFileSync(logFile, "utf8"));
      return runningIn(folder);
    },
    { timeoutSeconds: 90, description: "the shared control plane" },
  );
  return started;
}

async function runningIn(folder: string): Promise<ControlPlaneInfo | undefined> {
  const file = join(folder, "data", infoFileName);
  if (!existsSync(file)) return undefined;
  const info = await readControlPlane(file);
  return Object.values(info.pids).every(isAlive) ? info : undefined;
}

/** Below the temporary folder, per person, checkout and version. */
function sharedFolder(): string {
  const identity = [userInfo().uid, repositoryRoot, binaryFolder("etcd"), binaryFolder("kube-apiserver")];
  const hash = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 12);
  return join(tmpdir(), `krate-shared-control-plane-${hash}`);
}

function usersFolder(folder: string): string {
  return join(folder, "users");
}

/** True while one of the registered processes lives. Those that ended are forgotten: their ids may be given away anew. */
async function hasUser(folder: string): Promise<boolean> {
  const pids = readdirSync(usersFolder(folder)).map(Number);
  const ended = pids.filter((pid) => !isAlive(pid));
  await Promise.all(ended.map((pid) => rm(join(usersFolder(folder), String(pid)), { force: true })));
  return ended.length < pids.length;
}

/** Jest's main process outlives its workers; a worker is told by its IPC channel. */
function testRunPid(): number {
  return typeof process.send === "function" ? process.ppid : process.pid;
}
