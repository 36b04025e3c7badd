/**
 * The processes of all Pods of this node. A process outlives the node: its output goes straight to the log file, its exit
 * code is written by the shell around it, and `process.json` says how to find it again.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LogTimes } from "./log-times.ts";
import { type Owner, type PodFolder, podFolder, readHead } from "./pod-folder.ts";
import { processesOfPod, signalProcess, startTimeOf } from "./proc.ts";
import {
  kubernetesTime,
  type ProcessEnd,
  type ProcessRecord,
  readRecord,
  type StopReason,
  writeRecord,
} from "./record.ts";

const pollMilliseconds = 200;
/** As kubelet: what does not fit is cut off. */
const maximumMessageBytes = 4096;
/** As kubelet and runtimes say it. */
const killedExitCode = 137;
const cannotRunExitCode = 128;
/** Stays alive at SIGTERM (`trap`, which children do not inherit) to tell how the command ended. */
const wrapper = `trap : TERM INT HUP; exit_file=$1; shift; "$@"; echo $? >"$exit_file"`;

export interface PodIdentity {
  uid: string;
  namespace: string;
  name: string;
  container: string;
}

export interface ProcessStart extends PodIdentity {
  command: readonly string[];
  env: Readonly<Record<string, string>>;
}

export class PodProcesses {
  readonly #root: string;
  readonly #owner: Owner | undefined;
  readonly #onEnd: (record: ProcessRecord) => void;
  readonly #records = new Map<string, ProcessRecord>();
  readonly #logTimes = new Map<string, LogTimes>();
  #timer: NodeJS.Timeout | undefined;

  /** `owner`: whom containers run as; absent = as the node. */
  constructor(root: string, owner: Owner | undefined, onEnd: (record: ProcessRecord) => void) {
    this.#root = root;
    this.#owner = owner;
    this.#onEnd = onEnd;
  }

  /** Finds the processes of an earlier run and follows all of them from now on. */
  open(): void {
    mkdirSync(join(this.#root, "pods"), { recursive: true, mode: 0o711 });
    for (const uid of this.folders()) {
      const record = readRecord(this.folder(uid).record);
      if (!record) continue;
      if (record.pid === undefined && !record.end) this.#findStarted(record);
      this.#records.set(uid, record);
    }
    this.#timer = setInterval(() => this.poll(), pollMilliseconds);
  }

  /** Stops following; the processes go on. */
  close(): void {
    clearInterval(this.#timer);
  }

  folder(uid: string): PodFolder {
    return podFolder(this.#root, uid);
  }

  /** Uids of all Pods that left something on this machine. */
  folders(): string[] {
    return readdirSync(join(this.#root, "pods"));
  }

  get(uid: string): ProcessRecord | undefined {
    return this.#records.get(uid);
  }

  /** When which part of a Pod's log was written. */
  logTimes(uid: string): LogTimes {
    const times = this.#logTimes.get(uid) ?? new LogTimes(this.folder(uid).logTimes);
    this.#logTimes.set(uid, times);
    return times;
  }

  /** The process of a Pod by name; of two Pods that had the name, the one that lives. */
  find(namespace: string, name: string): ProcessRecord | undefined {
    const all = [...this.#records.values()].filter((one) => one.namespace === namespace && one.name === name);
    return all.find(({ end }) => !end) ?? all.at(-1);
  }

  /** The folder must be there. The record is written first: what may have been started is never started again. */
  start({ command, env, ...pod }: ProcessStart): ProcessRecord {
    const folder = this.folder(pod.uid);
    const record: ProcessRecord = { ...pod, startedAt: kubernetesTime(new Date()) };
    this.#records.set(pod.uid, record);
    writeRecord(folder.record, record);
    const log = openSync(folder.log, "a");
    try {
      const child = spawn("/bin/sh", ["-c", wrapper, "krate-process-node", folder.exit, ...command], {
        cwd: folder.workspace,
        env: { ...env, KRATE_POD_UID: pod.uid },
        stdio: ["ignore", log, log],
        detached: true,
        ...this.#owner,
      });
      child.on("error", (error) => this.#finish(record, "ContainerCannotRun", cannotRunExitCode, error.message));
      child.on("exit", () => this.poll());
      child.unref();
      if (child.pid !== undefined) {
        record.pid = child.pid;
        record.startTime = startTimeOf(child.pid) ?? "gone";
        writeRecord(folder.record, record);
      }
    } catch (error) {
      // Such as E2BIG: the environment is too large.
      this.#finish(record, "ContainerCannotRun", cannotRunExitCode, (error as Error).message);
    } finally {
      closeSync(log);
    }
    return record;
  }

  /** A Pod that cannot be started, or whose process nobody knows any more, is a Pod that failed. */
  fail(pod: PodIdentity, reason: "ContainerCannotRun" | "Lost", message: string): ProcessRecord {
    const record: ProcessRecord = { ...pod, startedAt: kubernetesTime(new Date()) };
    this.#records.set(pod.uid, record);
    this.#finish(record, reason, reason === "Lost" ? killedExitCode : cannotRunExitCode, message);
    return record;
  }

  /** SIGTERM now, SIGKILL after the grace period; a later call can only make it shorter. */
  stop(uid: string, reason: StopReason, graceSeconds: number): void {
    const record = this.#records.get(uid);
    if (!record || record.end) return;
    if (record.stop && record.stop.graceSeconds <= graceSeconds) return;
    const first = record.stop === undefined;
    record.stop = {
      at: record.stop?.at ?? new Date().toISOString(),
      graceSeconds,
      reason: record.stop?.reason ?? reason,
    };
    writeRecord(this.folder(uid).record, record);
    if (first && record.pid !== undefined && this.#isAlive(record)) signalProcess(-record.pid, "SIGTERM");
    this.poll();
  }

  /** Kills whatever of the Pod still runs and removes its folder. */
  async remove(uid: string): Promise<void> {
    const record = this.#records.get(uid);
    if (record) this.#kill(record);
    for (const pid of processesOfPod(uid)) signalProcess(pid, "SIGKILL");
    this.#records.delete(uid);
    this.#logTimes.delete(uid);
    await rm(this.folder(uid).path, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Looks whether processes have ended, and kills those whose grace period is over. */
  poll(): void {
    for (const record of this.#records.values()) {
      if (record.end) continue;
      this.#observeLog(record.uid);
      if (!this.#isAlive(record)) this.#settle(record);
      else if (record.stop && Date.now() >= Date.parse(record.stop.at) + record.stop.graceSeconds * 1000) {
        if (!record.killed) writeRecord(this.folder(record.uid).record, Object.assign(record, { killed: true }));
        this.#kill(record);
      }
    }
  }

  #observeLog(uid: string): void {
    const status = statSync(this.folder(uid).log, { throwIfNoEntry: false });
    if (status) this.logTimes(uid).observe(status.size, Date.now());
  }

  #isAlive({ pid, startTime }: ProcessRecord): boolean {
    return pid !== undefined && startTimeOf(pid) === startTime;
  }

  #kill(record: ProcessRecord): void {
    if (record.pid !== undefined && this.#isAlive(record)) signalProcess(-record.pid, "SIGKILL");
  }

  /** The node died between starting a process and writing its pid. */
  #findStarted(record: ProcessRecord): void {
    const pid = processesOfPod(record.uid).toSorted((a, b) => a - b)[0];
    if (pid !== undefined) Object.assign(record, { pid, startTime: startTimeOf(pid) });
  }

  #settle(record: ProcessRecord): void {
    const folder = this.folder(record.uid);
    // What the command left running ends with it, as in a container.
    for (const pid of processesOfPod(record.uid)) signalProcess(pid, "SIGKILL");
    this.#observeLog(record.uid);
    const text = readHead(folder.exit, 16).trim();
    const message = readHead(folder.result, maximumMessageBytes);
    if (/^\d+$/.test(text)) {
      const exitCode = Number(text);
      const reason =
        record.stop?.reason === "DeadlineExceeded" ? "DeadlineExceeded" : exitCode === 0 ? "Completed" : "Error";
      this.#finish(record, reason, exitCode, message, statSync(folder.exit).mtime);
    } else if (record.killed) {
      const reason = record.stop?.reason === "DeadlineExceeded" ? "DeadlineExceeded" : "Error";
      this.#finish(record, reason, killedExitCode, message);
    } else this.#finish(record, "Lost", killedExitCode, message || "the process ended and nobody knows how");
  }

  #finish(
    record: ProcessRecord,
    reason: ProcessEnd["reason"],
    exitCode: number,
    message: string,
    at = new Date(),
  ): void {
    if (record.end) return;
    record.end = { exitCode, reason, message, finishedAt: kubernetesTime(at) };
    writeRecord(this.folder(record.uid).record, record);
    this.#onEnd(record);
  }
}
