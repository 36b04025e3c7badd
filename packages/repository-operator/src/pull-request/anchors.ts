/** Finds the lines of a review comment in another commit: through pushes, force pushes and renames. */

import type { ObjectOf, ReviewComment } from "@krate/kinds";
import type { Branches } from "../git/branches.ts";
import { Memo } from "../memo.ts";
import type { OperatorPorts } from "../ports.ts";
import type { LocatedPullRequest } from "./locate.ts";
import { type Hunk, type Lines, linesOf, readHunks, readRenames, relocate } from "./outdated.ts";

export interface Anchor {
  commitSha: string;
  path: string;
  /** Absent for a comment on the file. */
  lines?: Lines;
}

/** Where a comment was made. */
export function anchorOf({ spec: { commitSha, path, line, startLine } }: ObjectOf<typeof ReviewComment>): Anchor {
  return { commitSha, path, ...(line !== undefined && { lines: { first: startLine ?? line, last: line } }) };
}

/** The pull request's own repository keeps former heads; a fork has the newest one first. */
export async function repositoryWith(
  commits: readonly string[],
  { base, head }: LocatedPullRequest,
  { backend, branches }: Pick<OperatorPorts, "backend" | "branches">,
): Promise<string | undefined> {
  for (const gitDir of new Set([backend.gitDir(base.repository), backend.gitDir(head.repository)])) {
    const found = await branches.refs(gitDir, commits);
    if (found.every((commit) => commit !== undefined)) return gitDir;
  }
  return undefined;
}

/** Files above this size have lines that only shift: moved ones are not looked for. */
const maxFileBytes = 4 * 1024 * 1024;

/** Answers are kept for the comments that share them. */
export class Anchors {
  readonly #branches: Branches;
  readonly #hunks = new Memo<Hunk[]>(1000);
  readonly #renames = new Memo<Map<string, string>>(200);

  constructor(branches: Branches) {
    this.#branches = branches;
  }

  /** The same place in `commitSha`; undefined when the lines changed or their file is gone. Both commits must be in the repository. */
  async find(anchor: Anchor, commitSha: string, gitDir: string): Promise<Anchor | undefined> {
    if (anchor.commitSha === commitSha) return anchor;
    const [then, now] = await this.#branches.blobs(gitDir, anchor.path, [anchor.commitSha, commitSha]);
    if (then === undefined) return undefined;
    if (now !== undefined) return this.#inFile(anchor, { commitSha, path: anchor.path, then, now }, gitDir);
    const key = [gitDir, anchor.commitSha, commitSha].join("\0");
    const renames = await this.#renames.get(key, () => readRenames(anchor.commitSha, commitSha, { gitDir }));
    const path = renames.get(anchor.path);
    const [renamed] = path === undefined ? [] : await this.#branches.blobs(gitDir, path, [commitSha]);
    if (path === undefined || renamed === undefined) return undefined;
    return this.#inFile(anchor, { commitSha, path, then, now: renamed }, gitDir);
  }

  async #inFile(
    { lines }: Anchor,
    { commitSha, path, then, now }: { commitSha: string; path: string; then: string; now: string },
    gitDir: string,
  ): Promise<Anchor | undefined> {
    if (!lines || then === now) return { commitSha, path, ...(lines && { lines }) };
    const hunks = await this.#hunks.get([gitDir, then, now].join("\0"), () => readHunks(then, now, { gitDir }));
    const [before, after] = await Promise.all(
      [then, now].map((blob) => this.#branches.content(gitDir, blob, maxFileBytes)),
    );
    const texts = before && after ? { before: linesOf(before), after: linesOf(after) } : undefined;
    const found = relocate(lines, { hunks, ...texts });
    return found && { commitSha, path, lines: found };
  }
}
