/** Whom containers run as. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Owner } from "./pods/pod-folder.ts";

const unprivileged = "nobody";

/** uid and gid of a user in the text of /etc/passwd. */
export function userIn(passwd: string, name: string): Owner | undefined {
  const fields = passwd
    .split("\n")
    .map((line) => line.split(":"))
    .find(([user]) => user === name);
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/**
 * `nobody` when the node is root and `nobody` can reach the node's folder and read every file in `needed`; otherwise
 * undefined: containers run as the node does.
 */
export function containerUser(root: string, needed: readonly string[]): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = userIn(readFileSync("/etc/passwd", "utf8"), unprivileged);
  if (!owner) return undefined;
  const script = 'cd "$1" && shift && for file; do test -r "$file" || exit 1; done';
  const { status } = spawnSync("/bin/sh", ["-c", script, "sh", root, ...needed], { ...owner, cwd: "/", env: {} });
  return status === 0 ? owner : undefined;
}
