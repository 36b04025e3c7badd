import { normalizePath, readDirectory, resolveCommit } from "@krate/git";
import { answerJson, isImmutable, revisionOf } from "./answer.ts";
import type { ContentRequest } from "./serve.ts";

/** Most entries in one answer; a directory of more is cut and says so. */
const maxEntries = 20_000;

/** `{ rev, commitSha, path, entries: [{name, path, kind, sha, size?}], total, truncated }`, directories first. */
export async function serveTree(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const path = request.query.get("path") ?? "";
  const commitSha = await resolveCommit(rev, request.reader);
  const { entries, total } = await readDirectory(request.reader, commitSha, path, { maxEntries });
  const shown = entries.map(({ name, path: full, kind, objectId, size }) => ({
    name,
    path: full,
    kind,
    sha: objectId,
    size,
  }));
  answerJson(
    request,
    { rev, commitSha, path: normalizePath(path), entries: shown, total, truncated: total > entries.length },
    { immutable: isImmutable(rev) },
  );
}
