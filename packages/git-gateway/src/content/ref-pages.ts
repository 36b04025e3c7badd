import {
  countCommits,
  GitError,
  listRefs,
  type ReadOptions,
  type RefDetail,
  readDefaultBranch,
  resolveCommit,
} from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { answerJson, flagOf, numberOf } from "./answer.ts";
import type { ContentRequest } from "./serve.ts";

const maxPage = 100;
/** Commits that are counted on each side; a branch further away says so. */
const maxCounted = 10_000;
/** Time for all counts of a page, in milliseconds; what is not counted by then is left out. */
const countingMs = 5_000;
const countedAtOnce = 4;

/** How far two commits are apart, which never changes. */
export interface Distance {
  ahead: number;
  behind: number;
}

/**
 * `{ defaultBranch, branches: [{name, sha, isDefault, commit, ahead?, behind?}], total, next? }`, by name. `limit` (1 to 100, default 30),
 * `after` (`next` of the page before, a name), `search` (part of the name, in any case). With `aheadBehind=true` each is compared with
 * `base` (default: the default branch), as far as that can be counted within 5 s; a count of 10,000 may be more.
 */
export async function serveBranches(request: ContentRequest): Promise<void> {
  const read = { gitDir: request.repository.gitDir, signal: request.signal };
  const [defaultBranch, refs] = await Promise.all([readDefaultBranch(read), listRefs(read, ["refs/heads"])]);
  const page = pageOf(request, refs, "refs/heads/");
  const commits = await commitsOf(request, page.refs);
  const distance = await distancesOf(request, page.refs, defaultBranch ?? "main", read);
  answerJson(request, {
    defaultBranch: defaultBranch ?? "main",
    branches: page.refs.map(({ name, objectId }) => ({
      name,
      sha: objectId,
      isDefault: name === defaultBranch,
      commit: commits.get(objectId),
      ...distance.get(objectId),
    })),
    total: page.total,
    next: page.next,
  });
}

/** `{ tags: [{name, sha, commitSha, annotated, commit?}], total, next? }`, by name; pages as of branches. */
export async function serveTags(request: ContentRequest): Promise<void> {
  const read = { gitDir: request.repository.gitDir, signal: request.signal };
  const page = pageOf(request, await listRefs(read, ["refs/tags"]), "refs/tags/");
  const commits = await commitsOf(request, page.refs);
  answerJson(request, {
    tags: page.refs.map(({ name, objectId, peeledId, type }) => ({
      name,
      sha: objectId,
      commitSha: peeledId ?? objectId,
      annotated: type === "tag",
      commit: commits.get(peeledId ?? objectId),
    })),
    total: page.total,
    next: page.next,
  });
}

function pageOf({ query }: ContentRequest, refs: readonly RefDetail[], prefix: string) {
  const limit = numberOf(query, "limit", { min: 1, max: maxPage, default: 30 });
  const after = query.get("after") ?? "";
  const search = (query.get("search") ?? "").toLowerCase();
  if (after.length > 1000 || search.length > 1000) throw new GatewayError(400, "after and search are names, not texts");
  const named = refs.map((ref) => ({ ...ref, name: ref.name.slice(prefix.length) }));
  const found = search === "" ? named : named.filter(({ name }) => name.toLowerCase().includes(search));
  // Sorted by bytes, as git lists them: the page goes on behind a name even when that is gone.
  const start =
    after === "" ? 0 : found.findIndex(({ name }) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0);
  const page = start < 0 ? [] : found.slice(start, start + limit);
  const isLast = start < 0 || start + limit >= found.length;
  return { refs: page, total: found.length, next: isLast ? undefined : page.at(-1)?.name };
}

async function commitsOf({ briefs, reader }: ContentRequest, refs: readonly RefDetail[]) {
  const ids = [...new Set(refs.map(({ objectId, peeledId }) => peeledId ?? objectId))];
  return new Map((await briefs.read(reader, ids)).map((brief) => [brief.sha, brief]));
}

async function distancesOf(
  request: ContentRequest,
  refs: readonly RefDetail[],
  defaultBranch: string,
  read: ReadOptions,
): Promise<Map<string, Distance>> {
  const found = new Map<string, Distance>();
  if (!flagOf(request.query, "aheadBehind") || refs.length === 0) return found;
  const base = await resolveCommit(request.query.get("base") || `refs/heads/${defaultBranch}`, request.reader);
  const deadline = performance.now() + countingMs;
  const open = [...refs];
  const work = async () => {
    for (let ref = open.pop(); ref; ref = open.pop()) {
      const left = deadline - performance.now();
      if (left <= 0) return;
      const distance = await distanceOf(request, ref.objectId, base, { ...read, timeoutMs: left });
      if (distance) found.set(ref.objectId, distance);
    }
  };
  await Promise.all(Array.from({ length: countedAtOnce }, work));
  return found;
}

async function distanceOf(
  { distances }: ContentRequest,
  tip: string,
  base: string,
  read: ReadOptions,
): Promise<Distance | undefined> {
  const key = `${tip} ${base}`;
  const known = distances.get(key);
  if (known) return known;
  const count = (include: string, exclude: string) =>
    countCommits({ include: [include], exclude: [exclude], limit: maxCounted }, read);
  try {
    const [ahead, behind] = await Promise.all([count(tip, base), count(base, tip)]);
    distances.set(key, { ahead, behind });
    return { ahead, behind };
  } catch (error) {
    // Not a commit, or no time: the branch is listed without a distance, as is promised.
    if (error instanceof GitError && !read.signal?.aborted) return undefined;
    throw error;
  }
}
