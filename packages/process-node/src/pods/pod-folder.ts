/**
 * The folder of one Pod. The folder itself belongs to the node, so that a container cannot put a link to somebody else's
 * file where the node reads (`log`, `exit`) or writes (`volumes`); what is inside belongs to the container's user.
 */
import { chownSync, closeSync, constants, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Owner {
  uid: number;
  gid: number;
}

export type PodFolder = ReturnType<typeof podFolder>;

/** Where everything of one Pod is. */
export function podFolder(root: string, uid: string) {
  const path = join(root, "pods", uid);
  return {
    path,
    workspace: join(path, "workspace"),
    tmp: join(path, "tmp"),
    home: join(path, "home"),
    volumes: join(path, "volumes"),
    log: join(path, "log"),
    /** When which part of the log was written. */
    logTimes: join(path, "log.times"),
    /** Termination message, in a folder of the container's, so that it may be replaced in one step. */
    report: join(path, "report"),
    result: join(path, "report", "result"),
    /** Exit code as text; empty while the command runs. */
    exit: join(path, "exit"),
    record: join(path, "process.json"),
  };
}

export interface Volumes {
  /** Folders the container may do with as it likes. */
  own: readonly string[];
  /** Folders only the node writes to. */
  given: readonly string[];
}

export function makePodFolder(folder: PodFolder, volumes: Volumes, owner: Owner | undefined): void {
  const given = volumes.given.map((name) => join(folder.volumes, name));
  for (const path of [folder.path, folder.volumes, ...given]) mkdirSync(path, { recursive: true, mode: 0o711 });
  const folders = [
    folder.workspace,
    folder.tmp,
    folder.home,
    folder.report,
    ...volumes.own.map((name) => join(folder.volumes, name)),
  ];
  for (const path of folders) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    give(path, owner);
  }
  for (const path of [folder.log, folder.exit, folder.result]) {
    writeFileSync(path, "", { flag: "a", mode: 0o600 });
    give(path, owner);
  }
}

export function give(path: string, owner: Owner | undefined): void {
  if (owner) chownSync(path, owner.uid, owner.gid);
}

/** The first bytes of a regular file as text; empty when there is none, or only a link to somebody else's. */
export function readHead(path: string, maximumBytes: number): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (["ENOENT", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile() || status.nlink !== 1) return "";
    const buffer = Buffer.alloc(maximumBytes);
    return buffer.subarray(0, readSync(fd, buffer, 0, maximumBytes, 0)).toString("utf8");
  } finally {
    closeSync(fd);
  }
}
