import { resolveCommit, type TreeEntry } from "@krate/git";
import { answerJson, flagOf, isImmutable, numberOf, revisionOf } from "./answer.ts";
import { streamLines } from "./lines.ts";
import { percentEncode, type RepositoryPath } from "./repository-path.ts";
import type { ContentRequest } from "./serve.ts";
import { nameBytes } from "./trees.ts";

/** Most entries in one answer; a directory of more is cut and says so. */
const maxEntries = 20_000;

interface OpenDirectory {
  rev: string;
  commitSha: string;
  path: RepositoryPath;
  treeSha: string;
  /** Not cut. */
  names: string[];
}

async function openDirectory(request: ContentRequest): Promise<OpenDirectory> {
  const rev = revisionOf(request);
  const { path, reader, trees } = request;
  const commitSha = await resolveCommit(rev, reader);
  const treeSha = await trees.directory(reader, commitSha, path);
  return { rev, commitSha, path, treeSha, names: (await trees.entries(reader, treeSha)).map(nameBytes) };
}

/**
 * `{ rev, commitSha, treeSha, path, entries: [{name, path, kind, sha, size?, lastCommit?}], total, truncated, lastCommits? }`, directories
 * first. With `lastCommits=true` entries carry the commit that last changed them as far as it is known within `wait` milliseconds (0 to
 * 10,000, default 200), and `lastCommits` is `{ complete, commits: {<sha>: {sha, subject, author, committer}} }`; what is
 * missing is being looked for, and `/-/lastcommits` tells it as it is found. A name that is not UTF-8 comes with `rawPath`, the value to
 * give as `path`.
 */
export async function serveTree(request: ContentRequest): Promise<void> {
  const directory = await openDirectory(request);
  const { rev, commitSha, path, treeSha, names } = directory;
  const entries = await request.trees.sizedEntries(request.reader, treeSha, maxEntries);
  const last = flagOf(request.query, "lastCommits") ? await lastCommitsOf(request, directory) : undefined;
  answerJson(
    request,
    {
      rev,
      commitSha,
      treeSha,
      path: path.text,
      entries: entries.map((entry) => ({ ...shownEntry(entry, path), lastCommit: last?.found.get(nameBytes(entry)) })),
      total: names.length,
      truncated: names.length > entries.length,
      lastCommits: last && { complete: last.complete, commits: last.commits },
    },
    { immutable: isImmutable(rev) && last?.complete !== false },
  );
}

function shownEntry(entry: TreeEntry, directory: RepositoryPath) {
  const join = (parent: string, name: string) => (parent === "" ? name : `${parent}/${name}`);
  const raw = join(directory.bytes, nameBytes(entry));
  return {
    name: entry.name,
    path: join(directory.text, entry.name),
    rawPath: entry.nameBytes === undefined && directory.isText ? undefined : percentEncode(raw),
    kind: entry.kind,
    sha: entry.objectId,
    size: entry.size,
  };
}

async function lastCommitsOf(request: ContentRequest, { commitSha, path, names }: OpenDirectory) {
  const wait = numberOf(request.query, "wait", { min: 0, max: 10_000, default: 200 });
  const lookup = await request.lastCommits.find({ repository: request.repository, commitId: commitSha, path, names });
  await lookup.settled(wait);
  const complete = lookup.isComplete;
  const found = new Map(lookup.found);
  const briefs = await request.briefs.read(request.reader, [...new Set(found.values())]);
  return { complete, found, commits: Object.fromEntries(briefs.map((brief) => [brief.sha, brief])) };
}

/** Commits told in one line of an answer, at most. */
const maxNamesInLine = 1000;

/**
 * The commit that last changed each entry of a directory, told as it is found, one JSON object a line:
 *
 *   {"rev", "commitSha", "path", "total"}                                  first
 *   {"commit": {sha, subject, author, committer}, "names": ["a", …]}       any number of times; names as in `entries[].name`
 *   {"complete": true}                                                     last; without it the answer is not whole
 */
export async function serveLastCommits(request: ContentRequest): Promise<void> {
  const { rev, commitSha, path, names } = await openDirectory(request);
  const { repository, briefs, signal } = request;
  const lookup = await request.lastCommits.find({ repository, commitId: commitSha, path, names });
  await streamLines(request, { immutable: isImmutable(rev) && lookup.isComplete }, async function* () {
    yield { rev, commitSha, path: path.text, total: names.length };
    for await (const { commitId, names: found } of lookup.steps(signal)) {
      const [commit] = await briefs.read(request.reader, [commitId]);
      const shown = found.map((bytes) => Buffer.from(bytes, "latin1").toString("utf8"));
      for (let at = 0; at < shown.length; at += maxNamesInLine)
        yield { commit, names: shown.slice(at, at + maxNamesInLine) };
    }
    yield { complete: true };
  });
}
