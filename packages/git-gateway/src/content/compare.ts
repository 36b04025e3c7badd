import { pipeline } from "node:stream/promises";
import {
  changedFiles,
  countCommits,
  emptyTreeId,
  log,
  mergeBase,
  normalizePath,
  resolveCommit,
  streamDiff,
} from "@krate/git";
import { answerJson, isImmutable, numberOf, rangeOf } from "./answer.ts";
import { shownCommit, shownFiles } from "./commits.ts";
import type { ContentRequest } from "./serve.ts";

/** Commits a comparison lists; `ahead` counts all of them. */
const maxCommits = 250;
/** Counting stops here: "more than 100,000 commits behind" is as good. */
const maxCounted = 100_000;

/** Both sides resolved, with the commit they are compared from: the merge base, or the empty tree for unrelated histories. */
async function resolveRange(request: ContentRequest) {
  const { base, head } = rangeOf(request);
  const [baseSha, headSha] = await Promise.all([
    resolveCommit(base, request.reader),
    resolveCommit(head, request.reader),
  ]);
  const read = { gitDir: request.repository.gitDir, signal: request.signal };
  const mergeBaseSha = await mergeBase(baseSha, headSha, read);
  return {
    baseSha,
    headSha,
    mergeBaseSha,
    from: mergeBaseSha ?? emptyTreeId,
    read,
    immutable: isImmutable(base) && isImmutable(head),
  };
}

/** `{ baseSha, headSha, mergeBaseSha?, ahead, behind, commits (newest 250), files, filesTotal, additions, deletions, truncated }`. */
export async function serveCompare(request: ContentRequest): Promise<void> {
  const { baseSha, headSha, mergeBaseSha, from, read, immutable } = await resolveRange(request);
  const [ahead, behind, commits, files] = await Promise.all([
    countCommits({ include: [headSha], exclude: [baseSha], limit: maxCounted }, read),
    countCommits({ include: [baseSha], exclude: [headSha], limit: maxCounted }, read),
    log({ include: [headSha], exclude: [baseSha], limit: maxCommits }, read),
    changedFiles(from, headSha, read),
  ]);
  answerJson(
    request,
    { baseSha, headSha, mergeBaseSha, ahead, behind, commits: commits.map(shownCommit), ...shownFiles(files) },
    { immutable },
  );
}

/** A unified diff from the merge base to head, streamed: any size at constant memory. `path` limits it to one file or folder. */
export async function serveDiff(request: ContentRequest): Promise<void> {
  const { response } = request;
  const contextLines = numberOf(request.query, "context", { min: 0, max: 1000, default: 3 });
  const path = normalizePath(request.query.get("path") ?? "") || undefined;
  const { headSha, from, read, immutable } = await resolveRange(request);
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("x-krate-commit", headSha);
  response.setHeader("cache-control", immutable ? "private, max-age=31536000, immutable" : "private, no-cache");
  response.setHeader("vary", "authorization");
  if (request.request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = streamDiff(from, headSha, { contextLines, path }, { ...read, timeoutMs: 5 * 60_000 });
  await pipeline(stream.stdout, response);
  await stream.finished;
}
