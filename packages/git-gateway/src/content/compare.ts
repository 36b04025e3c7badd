import { pipeline } from "node:stream/promises";
import { changedFiles, countCommits, emptyTreeId, log, mergeBase, resolveCommit, streamDiff } from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { answerJson, comparisonOf, isImmutable, notModified, numberOf } from "./answer.ts";
import { shownCommit, shownFiles } from "./commits.ts";
import { filePatches } from "./file-patches.ts";
import { outputOf } from "./git-output.ts";
import { streamLines } from "./lines.ts";
import { textPath } from "./repository-path.ts";
import type { ContentRequest } from "./serve.ts";

/** Commits a comparison lists; `ahead` counts all of them. */
const maxCommits = 250;
/** Counting stops here: "more than 100,000 commits behind" is as good. */
const maxCounted = 100_000;

/** Both sides resolved, with what head is compared with: the merge base (the empty tree for unrelated histories), or base itself. */
async function resolveRange(request: ContentRequest) {
  const { base, head, dots } = comparisonOf(request);
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
    from: dots === ".." ? baseSha : (mergeBaseSha ?? emptyTreeId),
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

const diffTimeoutMs = 30 * 60_000;

/**
 * A unified diff to head, streamed: any size at constant memory, no faster than the client reads. `path` limits it to one file or folder,
 * `context` (0 to 1000, default 3) is the lines around a change. With `format=ndjson` one JSON object per file:
 *
 *   {"path", "previousPath"?, "kind", "binary", "patch"}      a file; "patch" as in the unified diff
 *   {"path", …, "patch": …, "more": true}                     a part of a long one; the next object goes on with the same file
 *   {"complete": true}                                        last; without it the answer is not whole
 */
export async function serveDiff(request: ContentRequest): Promise<void> {
  const { response, query } = request;
  const contextLines = numberOf(query, "context", { min: 0, max: 1000, default: 3 });
  const format = query.get("format") || "patch";
  if (format !== "patch" && format !== "ndjson")
    throw new GatewayError(400, `format must be patch or ndjson, not ${JSON.stringify(format.slice(0, 40))}`);
  const path = textPath(request.path) || undefined;
  const { headSha, from, read, immutable } = await resolveRange(request);
  response.setHeader("x-krate-commit", headSha);
  const key = Buffer.from(JSON.stringify([format, contextLines, path])).toString("base64url");
  if (notModified(request, `"${from}-${headSha}-${key}"`, { immutable })) return;
  const start = () => streamDiff(from, headSha, { contextLines, path }, { ...read, timeoutMs: diffTimeoutMs });
  if (format === "ndjson") {
    await streamLines(request, { immutable }, async function* () {
      yield* outputOf(start(), filePatches);
      yield { complete: true };
    });
    return;
  }
  response.setHeader("content-type", "text/plain; charset=utf-8");
  if (request.request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = start();
  await pipeline(stream.stdout, response);
  await stream.finished;
}
