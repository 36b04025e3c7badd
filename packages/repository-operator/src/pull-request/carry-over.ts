/**
 * When the base moves on, most pull requests merge as before: what the base got since touches nothing of theirs. Here is what has to hold
 * so that `git merge-tree` need not be asked again (pure; decisions/0107):
 *
 *   1  the old base is an ancestor of the new one, and none of the commits in between is one of the head's own: the merge base stays
 *   2  no path of the change is touched, is above or is below a touched one: every file of the change is merged from the same three as
 *      before
 *   3  no rename is paired in another way: no file of the change was deleted on the base's side since the merge base, no directory that the
 *      change adds to lost files there, and none that the change took files from got new ones (git moves files along with directories)
 *
 * Then the same files conflict, or none do.
 */
export interface ChangedPath {
  path: string;
  previousPath?: string;
  kind: "added" | "deleted" | "modified" | "renamed" | "copied" | "typechanged";
}

/** Paths with the directories above them. */
export class PathIndex {
  readonly size: number;
  readonly #paths: ReadonlySet<string>;
  readonly #directories = new Set<string>();

  constructor(paths: readonly string[]) {
    this.#paths = new Set(paths);
    this.size = this.#paths.size;
    for (const path of paths) for (const directory of directoriesAbove(path)) this.#directories.add(directory);
  }

  /** Whether the path, something above it or something below it is here. */
  overlaps(path: string): boolean {
    if (this.size === 0) return false;
    if (this.#paths.has(path) || this.#directories.has(path)) return true;
    return directoriesAbove(path).some((directory) => this.#paths.has(directory));
  }

  /** Whether something is here below any directory the path is in, the root aside. */
  sharesDirectory(path: string): boolean {
    return this.size > 0 && directoriesAbove(path).some((directory) => this.#directories.has(directory));
  }
}

function directoriesAbove(path: string): string[] {
  const found: string[] = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) found.push(path.slice(0, at));
  return found;
}

/** What a move of the base brought. */
export interface BaseStep {
  /** Commits the new base has and the old one has not; undefined when the old one is no ancestor, or there are too many. */
  commits?: ReadonlySet<string>;
  touched: PathIndex;
  added: PathIndex;
  deleted: PathIndex;
}

/** One change as far as its merge depends on it. */
export interface HeadChange {
  files: readonly ChangedPath[];
  /** Commits of the head since the merge base. */
  commits: ReadonlySet<string>;
  /** Paths the base's side deleted since the merge base: at first, and by each step since. */
  baseDeleted: readonly PathIndex[];
}

export function mergesAsBefore(change: HeadChange, step: BaseStep): boolean {
  if (!step.commits || isCommon(change.commits, step.commits)) return false;
  const deleted = [...change.baseDeleted, step.deleted];
  return change.files.every(({ path, previousPath, kind }) => {
    const paths = previousPath === undefined || kind === "copied" ? [path] : [path, previousPath];
    if (paths.some((one) => step.touched.overlaps(one) || deleted.some((index) => index.overlaps(one)))) return false;
    const adds = kind === "added" || kind === "copied" || kind === "renamed" || kind === "typechanged";
    if (adds && deleted.some((index) => index.sharesDirectory(path))) return false;
    const takes = kind === "renamed" ? previousPath : kind === "deleted" || kind === "typechanged" ? path : undefined;
    return takes === undefined || !step.added.sharesDirectory(takes);
  });
}

function isCommon(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  for (const id of small) if (large.has(id)) return true;
  return false;
}
