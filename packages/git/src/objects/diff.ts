import { type GitStream, runGit, streamGit } from "../process/git-process.ts";
import type { ReadOptions } from "./revision.ts";

export type ChangeKind = "added" | "deleted" | "modified" | "renamed" | "copied" | "typechanged";

export interface ChangedFile {
  path: string;
  /** Where it was, for a rename or copy. */
  previousPath?: string;
  kind: ChangeKind;
  /** Absent for binary files. */
  additions?: number;
  deletions?: number;
  binary: boolean;
  oldId: string;
  newId: string;
  oldMode: string;
  newMode: string;
}

const changeKinds: Record<string, ChangeKind> = {
  A: "added",
  D: "deleted",
  M: "modified",
  R: "renamed",
  C: "copied",
  T: "typechanged",
};
/** Neither external programs nor text conversions of the repository's attributes may run on a server. */
const safeDiffArgs = [
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--find-renames=50%",
  "-l1000",
  "--submodule=short",
];

/** Files that differ between two trees or commits, in path order, with line counts. */
export async function changedFiles(
  from: string,
  to: string,
  read: ReadOptions & { maxOutputBytes?: number },
): Promise<ChangedFile[]> {
  const { stdout } = await runGit(
    ["diff-tree", "-r", "-z", "--raw", "--numstat", ...safeDiffArgs, from, to, "--"],
    read,
  );
  return parseRawNumstat(stdout.toString("utf8"));
}

/** Paths that differ, nothing else: half the price of `changedFiles`. */
export async function changedPaths(from: string, to: string, read: ReadOptions): Promise<string[]> {
  const { stdout } = await runGit(["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to, "--"], read);
  return stdout
    .toString("utf8")
    .split("\0")
    .filter((path) => path !== "");
}

/** Unified diff as git prints it, streamed. `contextLines` @defaultValue 3 */
export function streamDiff(
  from: string,
  to: string,
  options: { contextLines?: number; path?: string },
  read: ReadOptions,
): GitStream {
  const path = options.path ? [`:(literal,top)${options.path}`] : [];
  return streamGit(
    [
      "diff-tree",
      "-r",
      "--patch",
      "--full-index",
      `--unified=${options.contextLines ?? 3}`,
      ...safeDiffArgs,
      from,
      to,
      "--",
      ...path,
    ],
    read,
  );
}

/**
 * Reads `--raw --numstat -z`: first all raw records, then all numstat records.
 *
 *   raw     = ":" mode SP mode SP id SP id SP status[score] NUL path NUL [path NUL]     ; two paths for R and C
 *   numstat = added TAB deleted TAB ( path NUL / NUL path NUL path NUL )                ; "-" for binary
 */
export function parseRawNumstat(output: string): ChangedFile[] {
  const tokens = output.split("\0");
  const files = new Map<string, ChangedFile>();
  let at = 0;
  const next = (): string => tokens[at++] ?? "";
  while (at < tokens.length) {
    const token = next();
    if (token.startsWith(":")) {
      const [oldMode = "", newMode = "", oldId = "", newId = "", status = ""] = token.slice(1).split(" ");
      const kind = changeKinds[status[0] ?? ""] ?? "modified";
      const first = next();
      const moved = kind === "renamed" || kind === "copied";
      const path = moved ? next() : first;
      files.set(path, {
        path,
        ...(moved ? { previousPath: first } : {}),
        kind,
        binary: false,
        oldId,
        newId,
        oldMode,
        newMode,
      });
      continue;
    }
    const match = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(token);
    if (!match) continue;
    const [, added, deleted, inlinePath] = match as unknown as [string, string, string, string];
    if (inlinePath === "") next();
    const file = files.get(inlinePath === "" ? next() : inlinePath);
    if (!file) continue;
    if (added === "-") file.binary = true;
    else {
      file.additions = Number(added);
      file.deletions = Number(deleted);
    }
  }
  return [...files.values()];
}

/** The empty tree: what the first commit of a history is compared with. */
export const emptyTreeId = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
