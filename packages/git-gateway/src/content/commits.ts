import {
  type ChangedFile,
  type Commit,
  changedFiles,
  emptyTreeId,
  isObjectId,
  log,
  readCommit,
  resolveCommit,
} from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import type { CommitSignature } from "../ports.ts";
import { splitSignature } from "../signatures/split-signature.ts";
import { answerJson, flagOf, isImmutable, numberOf, revisionOf } from "./answer.ts";
import { pathspecArguments } from "./repository-path.ts";
import type { ContentRequest } from "./serve.ts";

const maxFiles = 3_000;
/** A larger commit object is a file in a message. */
const maxSignedBytes = 1024 * 1024;
/** History further back than this is not paged to: each page walks over what it skips. */
const maxSkip = 1_000_000;

/** Longest a page may take, in milliseconds: an author who wrote nothing is looked for in the whole history. */
const pageTimeoutMs = 30_000;
const maxAuthorLength = 200;

/**
 * `{ rev, commits: [...], next? }`: `limit` (1 to 200, default 30) commits in topological order; `next` is what to give as `after`
 * for the next page. Pages belong to the commit the first one started from, however the branch moves meanwhile. `path` and `author` (part
 * of name or address) narrow them; with `follow=true` the history of one file goes on under its former names.
 */
export async function serveCommits(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const { query, path, reader, repository, signal } = request;
  const limit = numberOf(query, "limit", { min: 1, max: 200, default: 30 });
  const after = query.get("after");
  const follow = flagOf(query, "follow");
  if (follow && path.bytes === "") throw new GatewayError(400, "follow=true needs the path of a file");
  const author = authorOf(query);
  const { start, skip } = after ? parseCursor(after) : { start: await resolveCommit(rev, reader), skip: 0 };
  // A cursor may be made by hand: what it names must be a commit.
  if (after) await resolveCommit(start, reader);
  const { stdin } = pathspecArguments(path);
  const found = await log(
    {
      include: [start],
      limit: limit + 1,
      skip,
      follow,
      author,
      ...(stdin ? { stdin } : { path: path.text || undefined }),
    },
    { gitDir: repository.gitDir, signal, timeoutMs: pageTimeoutMs },
  );
  const more = found.length > limit;
  answerJson(
    request,
    { rev, commits: found.slice(0, limit).map(shownCommit), ...(more ? { next: `${start}+${skip + limit}` } : {}) },
    { immutable: isImmutable(rev) },
  );
}

function authorOf(query: URLSearchParams): string | undefined {
  const text = query.get("author");
  if (!text) return undefined;
  if (text.length <= maxAuthorLength && !/\p{Cc}/u.test(text)) return text;
  throw new GatewayError(
    400,
    `author must be part of a name or address, at most ${maxAuthorLength} characters of one line`,
  );
}

function parseCursor(after: string): { start: string; skip: number } {
  const [start = "", offset = ""] = after.split("+");
  const skip = Number(offset);
  if (isObjectId(start) && Number.isInteger(skip) && skip > 0 && skip <= maxSkip) return { start, skip };
  throw new GatewayError(400, "after must be the value of next of an earlier page");
}

/**
 * `{ ...commit, signature, files: [...], filesTotal, additions, deletions, truncated }`, compared with the first parent. `signature` is
 * `{ state: "none" | "verified" | "unverified", signer?, reason? }` by the keys registered in the namespace now.
 */
export async function serveCommit(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const sha = await resolveCommit(rev, request.reader);
  const read = { gitDir: request.repository.gitDir, signal: request.signal };
  const commit = await readCommit(sha, read);
  const [files, signature] = await Promise.all([
    changedFiles(commit.parents[0] ?? emptyTreeId, sha, read),
    signatureOf(request, sha),
  ]);
  answerJson(request, { ...shownCommit(commit), signature, ...shownFiles(files) });
}

async function signatureOf({ reader, signatures, repository }: ContentRequest, sha: string): Promise<CommitSignature> {
  const info = await reader.info(sha);
  if (!info || info.size > maxSignedBytes) return { state: "unverified", reason: "the commit is too large to verify" };
  const signed = splitSignature((await reader.read(sha))?.content ?? Buffer.alloc(0));
  return signed ? signatures.verify(repository.identity.namespace, signed) : { state: "none" };
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
