import { gitText, type RunGitOptions, runGit } from "../process/git-process.ts";
import { isObjectId } from "../wire/object-id.ts";
import type { ObjectReader } from "./object-reader.ts";

/** Where to read: a repository, optionally with a quarantine in `env`. */
export type ReadOptions = Pick<RunGitOptions, "gitDir" | "env" | "signal" | "timeoutMs" | "config"> & {
  gitDir: string;
};

/** A revision, path or range that names nothing in the repository. The text is safe to show. */
export class UnknownRevisionError extends Error {
  override readonly name = "UnknownRevisionError";
}

const maxRevisionLength = 1100;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
const unsafeRevision = /[\x00-\x1f\x7f]|^-|\.\.|:|\s|@\{|\^\{\//;

/**
 * Whether `text` may be given to git as a revision: a ref name, an object id, or one with ~n / ^n. Ranges, paths, searches
 * (`:/text`), reflogs (`@{...}`) and anything that could be read as an option are not.
 */
export function isSafeRevision(text: string): boolean {
  return text.length > 0 && text.length <= maxRevisionLength && !unsafeRevision.test(text);
}

/**
 * The object id `revision` names, peeled to `type`. A branch wins over a tag of the same short name, as a forge shows branches first.
 * @throws {UnknownRevisionError} when it names nothing.
 */
export async function resolveRevision(
  revision: string,
  read: ReadOptions,
  type: "commit" | "tree" | "object" = "commit",
): Promise<string> {
  if (!isSafeRevision(revision))
    throw new UnknownRevisionError(`${JSON.stringify(revision.slice(0, 200))} is not a revision`);
  const candidates =
    isObjectId(revision) || revision.startsWith("refs/") ? [revision] : [`refs/heads/${revision}`, revision];
  for (const candidate of candidates) {
    const result = await runGit(["rev-parse", "--verify", "--quiet", "--end-of-options", `${candidate}^{${type}}`], {
      ...read,
      okExitCodes: [0, 1, 128],
    });
    const id = result.stdout.toString("latin1").trim();
    if (result.exitCode === 0 && isObjectId(id)) return id;
  }
  throw new UnknownRevisionError(`revision ${JSON.stringify(revision)} does not exist in this repository`);
}

/**
 * As `resolveRevision` for a commit, through an open reader: no process is started.
 * @throws {UnknownRevisionError} when it names nothing.
 */
export async function resolveCommit(revision: string, reader: ObjectReader): Promise<string> {
  if (!isSafeRevision(revision))
    throw new UnknownRevisionError(`${JSON.stringify(revision.slice(0, 200))} is not a revision`);
  for (const candidate of candidatesOf(revision)) {
    const info = await reader.info(`${candidate}^{commit}`);
    if (info?.type === "commit") return info.objectId;
  }
  throw new UnknownRevisionError(`revision ${JSON.stringify(revision)} does not exist in this repository`);
}

function candidatesOf(revision: string): string[] {
  if (isObjectId(revision) || revision.startsWith("refs/") || revision === "HEAD") return [revision];
  return [`refs/heads/${revision}`, revision];
}

/** The best common ancestor of two commits, or undefined when they share no history. */
export async function mergeBase(one: string, other: string, read: ReadOptions): Promise<string | undefined> {
  const result = await runGit(["merge-base", one, other], { ...read, okExitCodes: [0, 1] });
  return result.exitCode === 0 ? result.stdout.toString("latin1").trim().split("\n")[0] : undefined;
}

/** Whether `ancestor` is reachable from `descendant` (a commit is its own ancestor). */
export async function isAncestor(ancestor: string, descendant: string, read: ReadOptions): Promise<boolean> {
  if (ancestor === descendant) return true;
  const result = await runGit(["merge-base", "--is-ancestor", ancestor, descendant], { ...read, okExitCodes: [0, 1] });
  return result.exitCode === 0;
}

/** How many commits `include` reaches and `exclude` does not; counting stops at `limit`. */
export async function countCommits(
  range: { include: string[]; exclude?: string[]; limit?: number },
  read: ReadOptions,
): Promise<number> {
  const exclude = (range.exclude ?? []).map((id) => `^${id}`);
  const limit = range.limit === undefined ? [] : [`--max-count=${range.limit}`];
  return Number(await gitText(["rev-list", "--count", ...limit, ...range.include, ...exclude, "--"], read));
}

/** Ids of the commits `include` reaches and `exclude` does not, newest first, at most `limit`. */
export async function listCommitIds(
  range: { include: string[]; exclude?: string[]; limit: number; oldestFirst?: boolean },
  read: ReadOptions,
): Promise<string[]> {
  const order = range.oldestFirst ? ["--reverse"] : [];
  const input = [...range.include, ...(range.exclude ?? []).map((id) => `^${id}`)].join("\n");
  const text = await gitText(["rev-list", "--topo-order", `--max-count=${range.limit}`, ...order, "--stdin"], {
    ...read,
    stdin: `${input}\n`,
  } as RunGitOptions);
  return text === "" ? [] : text.split("\n");
}
