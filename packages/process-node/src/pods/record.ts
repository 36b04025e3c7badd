/** What the node must know about a Pod's process after a crash of its own: `process.json`. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export type StopReason = "Deleted" | "DeadlineExceeded";

export interface ProcessEnd {
  exitCode: number;
  reason: "Completed" | "Error" | "DeadlineExceeded" | "Lost" | "ContainerCannotRun";
  message: string;
  /** RFC 3339, whole seconds. */
  finishedAt: string;
}

export interface ProcessRecord {
  uid: string;
  namespace: string;
  name: string;
  container: string;
  startedAt: string;
  /** Leader of the process group; absent while it is being started. */
  pid?: number;
  /** Boot and start time of `pid`: a pid alone may be somebody else's by now. */
  startTime?: string;
  /** Asked to end: SIGTERM was sent at `at`, SIGKILL follows after the grace period. */
  stop?: { at: string; graceSeconds: number; reason: StopReason };
  killed?: boolean;
  end?: ProcessEnd;
}

/** Milliseconds never appear in Kubernetes times. */
export function kubernetesTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

export function writeRecord(file: string, record: ProcessRecord): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 });
  writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Undefined when there is none (the node died before it wrote one), or it is none (the machine lost power). */
export function readRecord(file: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
