import {
  GitError,
  mergeBase,
  type RangeDiffEntry,
  RangeTooLongError,
  type ReadOptions,
  rangeDiff,
  resolveCommit,
} from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { answerJson, isImmutable, rangeOf } from "./answer.ts";
import type { ContentRequest } from "./serve.ts";

/**
 * `GET /-/rangediff/<old>...<new>`: what became of each commit between two versions of a series, such as two patch sets of a pull
 * request (`refs/pull/7/patchsets/1...refs/pull/7/patchsets/2`, or their commits).
 *
 * Each series begins where it left `base` (a revision); `oldBase` and `newBase` name the two places themselves, as PatchSets do by
 * `mergeBaseSha`. Without any, both begin at the merge base of old and new.
 *
 * `{ old: { sha, base }, new: { sha, base }, commits: [{ state: same | changed | removed | added, old?, new?, subject, diff? }] }`
 */
export async function serveRangeDiff(request: ContentRequest): Promise<void> {
  const { base: oldRevision, head: newRevision } = rangeOf(request);
  const { reader, query } = request;
  const [oldSha, newSha] = await Promise.all([resolveCommit(oldRevision, reader), resolveCommit(newRevision, reader)]);
  const read = { gitDir: request.repository.gitDir, signal: request.signal };
  const given = await Promise.all(
    (["oldBase", "newBase", "base"] as const).map(async (name) => {
      const revision = query.get(name);
      return revision ? await resolveCommit(revision, reader) : undefined;
    }),
  );
  const [oldBase, newBase, base] = given;
  const before = { sha: oldSha, base: oldBase ?? (await startOf(oldSha, base ?? newSha, read)) };
  const after = { sha: newSha, base: newBase ?? (await startOf(newSha, base ?? oldSha, read)) };
  const commits = await compare(before, after, read);
  const immutable =
    isImmutable(oldRevision) &&
    isImmutable(newRevision) &&
    ["oldBase", "newBase", "base"].every((name) => isImmutable(query.get(name) ?? oldSha));
  answerJson(request, { old: before, new: after, commits }, { immutable });
}

async function startOf(head: string, other: string, read: ReadOptions): Promise<string> {
  const found = await mergeBase(head, other, read);
  if (found) return found;
  throw new GatewayError(
    422,
    `${head} and ${other} share no history: name where each series begins by oldBase and newBase`,
  );
}

interface Series {
  sha: string;
  base: string;
}

/** @throws {GatewayError} 422 for what is too long or too large to compare. */
async function compare(before: Series, after: Series, read: ReadOptions): Promise<RangeDiffEntry[]> {
  const range = ({ sha, base }: Series) => ({ base, head: sha });
  try {
    return await rangeDiff(range(before), range(after), { patches: true }, read);
  } catch (error) {
    if (error instanceof RangeTooLongError) throw new GatewayError(422, error.message);
    if (error instanceof GitError && (error.failure === "timeout" || error.failure === "output-limit"))
      throw new GatewayError(
        422,
        "the two series differ too much to be compared commit by commit: compare their heads",
      );
    throw error;
  }
}
