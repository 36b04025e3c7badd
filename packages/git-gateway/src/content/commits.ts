import {
  type ChangedFile,
  type Commit,
  changedFiles,
  emptyTreeId,
  isObjectId,
  log,
  normalizePath,
  readCommit,
  resolveCommit,
} from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { answerJson, isImmutable, numberOf, revisionOf } from "./answer.ts";
import type { ContentRequest } from "./serve.ts";

const maxFiles = 3_000;
/** History further back than this is not paged to: each page walks over what it skips. */
const maxSkip = 1_000_000;

/**
 * `{ rev, commits: [...], next? }`: `limit` (1 to 200, default 30) commits in topological order; `next` is what to give as `after`
 * for the next page. Pages belong to the commit the first one started from, however the branch moves meanwhile.
 */
export async function serveCommits(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const limit = numberOf(request.query, "limit", { min: 1, max: 200, default: 30 });
  const after = request.query.get("after");
  const { start, skip } = after ? parseCursor(after) : { start: await resolveCommit(rev, request.reader), skip: 0 };
  const path = normalizePath(request.query.get("path") ?? "");
  const found = await log(
    { include: [start], limit: limit + 1, skip, path: path || undefined },
    { gitDir: request.repository.gitDir, signal: request.signal },
  );
  const more = found.length > limit;
  answerJson(request, {
    rev,
    commits: found.slice(0, limit).map(shownCommit),
    ...(more ? { next: `${start}+${skip + limit}` } : {}),
  });
}

function parseCursor(after: string): { start: string; skip: number } {
  const [start = "", offset = ""] = after.split("+");
  const skip = Number(offset);
  if (isObjectId(start) && Number.isInteger(skip) && skip > 0 && skip <= maxSkip) return { start, skip };
  throw new GatewayError(400, "after must be the value of next of an earlier page");
}

/** `{ ...commit, files: [...], filesTotal, additions, deletions, truncated }`, compared with the first parent. */
export async function serveCommit(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const sha = await resolveCommit(rev, request.reader);
  const read = { gitDir: request.repository.gitDir, signal: request.signal };
  const commit = await readCommit(sha, read);
  const files = await changedFiles(commit.parents[0] ?? emptyTreeId, sha, read);
  answerJson(request, { ...shownCommit(commit), ...shownFiles(files) }, { immutable: isImmutable(rev) });
}

/** A commit as the API shows it. */
export function shownCommit({ id, treeId, parents, author, committer, subject, message }: Commit) {
  return { sha: id, treeSha: treeId, parents, author, committer, subject, message };
}

/** Changed files with their sums; the sums count all files, also those that are cut. */
export function shownFiles(files: ChangedFile[]) {
  const sum = (count: (file: ChangedFile) => number | undefined) =>
    files.reduce((total, file) => total + (count(file) ?? 0), 0);
  return {
    files: files.slice(0, maxFiles).map(({ path, previousPath, kind, additions, deletions, binary, oldId, newId }) => ({
      path,
      previousPath,
      kind,
      additions,
      deletions,
      binary,
      oldSha: oldId,
      newSha: newId,
    })),
    filesTotal: files.length,
    additions: sum((file) => file.additions),
    deletions: sum((file) => file.deletions),
    truncated: files.length > maxFiles,
  };
}
