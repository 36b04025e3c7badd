import { gitText, runGit } from "../process/git-process.ts";
import type { Ref } from "../wire/ref-advertisement.ts";
import type { ReadOptions } from "./revision.ts";

export interface RefDetail extends Ref {
  /** Type of the object the ref points at. */
  type: "commit" | "tag" | "tree" | "blob";
  /** What an annotated tag points at in the end. */
  peeledId?: string;
}

/** All refs below the prefixes (all of them without any), sorted by name. */
export async function listRefs(read: ReadOptions, prefixes: readonly string[] = []): Promise<RefDetail[]> {
  const format = "%(objectname) %(objecttype) %(*objectname) %(refname)";
  const { stdout } = await runGit(["for-each-ref", `--format=${format}`, ...prefixes], read);
  const refs: RefDetail[] = [];
  for (const line of stdout.toString("utf8").split("\n")) {
    const match = /^([0-9a-f]{40}) (\w+) ([0-9a-f]{40})? ?(refs\/.+)$/.exec(line);
    if (!match) continue;
    const [, objectId, type, peeledId, name] = match as unknown as [string, string, string, string | undefined, string];
    refs.push({ name, objectId, type: type as RefDetail["type"], ...(peeledId ? { peeledId } : {}) });
  }
  return refs;
}

/** Object ids of the named refs; refs that do not exist are absent from the answer. */
export async function readRefs(names: readonly string[], read: ReadOptions): Promise<Map<string, string>> {
  const wanted = new Set(names);
  const found = new Map<string, string>();
  if (names.length === 0) return found;
  // for-each-ref takes a name as a prefix of whole components, so refs below it are sorted out here; names hold no globs.
  const prefixes = names.length > 200 ? [] : names;
  const text = await gitText(["for-each-ref", "--format=%(objectname) %(refname)", ...prefixes], read);
  for (const line of text.split("\n")) {
    const name = line.slice(41);
    if (wanted.has(name)) found.set(name, line.slice(0, 40));
  }
  return found;
}

/** The branch HEAD points at, whether it exists or not; undefined when HEAD is detached. */
export async function readDefaultBranch(read: ReadOptions): Promise<string | undefined> {
  const result = await runGit(["symbolic-ref", "--quiet", "HEAD"], { ...read, okExitCodes: [0, 1] });
  const ref = result.stdout.toString("utf8").trim();
  return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}

/** How many refs a repository has; counting stops at `max`. */
export async function countRefs(read: ReadOptions, max: number): Promise<number> {
  const { stdout } = await runGit(["for-each-ref", `--count=${max}`, "--format=%(objecttype)"], {
    ...read,
    maxOutputBytes: 16 * max + 1024,
  });
  return stdout.length === 0 ? 0 : stdout.toString("latin1").split("\n").length - 1;
}
