import { createInterface } from "node:readline";
import { isObjectId, resolveCommit, streamGit } from "@krate/git";
import { GatewayError } from "../access/gateway-error.ts";
import { flagOf, isImmutable, revisionOf } from "./answer.ts";
import { outputOf } from "./git-output.ts";
import { streamLines } from "./lines.ts";
import { repositoryPath, textPath } from "./repository-path.ts";
import type { ContentRequest } from "./serve.ts";

/** Larger files are not blamed: git would hold many versions of them in memory. */
const maxBytes = 4 * 1024 * 1024;
const timeoutMs = 2 * 60_000;
/** Commits of a file of ignored revisions that count. */
const maxIgnored = 1000;
const ignoreFile = ".git-blame-ignore-revs";

/**
 * Who last changed each line, told as it is found (`git blame --incremental`), one JSON object a line:
 *
 *   {"rev", "commitSha", "path", "ignored"}                                          first; how many commits are looked through
 *   {"line", "count", "sha", "originalLine", "originalPath", "commit"?}              lines from `line`, counted from 1; `commit`
 *                                                                                    the first time one is named
 *   {"complete": true}                                                               last; without it the answer is not whole
 *
 * `lines=<first>,<last>` limits it. Commits that `.git-blame-ignore-revs` names at that revision are looked through (`ignoreRevs=false`
 * turns that off).
 */
export async function serveBlame(request: ContentRequest): Promise<void> {
  const rev = revisionOf(request);
  const path = textPath(request.path);
  const { reader, repository, briefs, signal } = request;
  const commitSha = await resolveCommit(rev, reader);
  const file = await request.trees.file(reader, commitSha, request.path);
  if (file.size > maxBytes)
    throw new GatewayError(422, `file ${JSON.stringify(path)} has ${file.size} bytes; up to ${maxBytes} can be blamed`);
  const lines = linesOf(request.query, await lineCount(request, file.objectId));
  const ignored =
    request.query.has("ignoreRevs") && !flagOf(request.query, "ignoreRevs")
      ? []
      : await ignoredCommits(request, commitSha);
  await streamLines(request, { immutable: isImmutable(rev) }, async function* () {
    yield { rev, commitSha, path, ignored: ignored.length };
    const stream = streamGit(
      ["blame", "--incremental", ...lines, ...ignored.map((id) => `--ignore-rev=${id}`), commitSha, "--", path],
      { gitDir: repository.gitDir, signal, timeoutMs },
    );
    const told = new Set<string>();
    for await (const { sha, ...group } of outputOf(stream, groupsOf)) {
      const [commit] = told.has(sha) ? [] : await briefs.read(request.reader, [sha]);
      told.add(sha);
      yield { ...group, sha, commit };
    }
    yield { complete: true };
  });
}

async function lineCount({ reader, query }: ContentRequest, objectId: string): Promise<number> {
  if (!query.has("lines")) return 0;
  const content = (await reader.read(objectId))?.content ?? Buffer.alloc(0);
  let count = content.length > 0 && content.at(-1) !== 0x0a ? 1 : 0;
  for (let at = content.indexOf(0x0a); at >= 0; at = content.indexOf(0x0a, at + 1)) count++;
  return count;
}

function linesOf(query: URLSearchParams, count: number): string[] {
  const text = query.get("lines");
  if (!text) return [];
  const match = /^([1-9]\d{0,8}),([1-9]\d{0,8})$/.exec(text);
  if (!match || Number(match[1]) > Number(match[2]))
    throw new GatewayError(
      400,
      `lines must be <first>,<last>, such as 10,20, not ${JSON.stringify(text.slice(0, 40))}`,
    );
  if (Number(match[1]) > count)
    throw new GatewayError(400, `lines=${text} lies behind the end: the file has ${count} lines`);
  return [`-L${match[1]},${Math.min(Number(match[2]), count)}`];
}

/** Commits the repository wants to be looked through; what else the file holds is left out, so that it cannot break the view. */
async function ignoredCommits({ reader, trees }: ContentRequest, commitSha: string): Promise<string[]> {
  const found = await trees.find(reader, commitSha, repositoryPath(Buffer.from(ignoreFile)));
  const info = found && (await reader.info(found.objectId));
  if (info?.type !== "blob" || info.size > 1024 * 1024) return [];
  const text = (await reader.read(info.objectId))?.content.toString("latin1") ?? "";
  const ids = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  const named = [...new Set(ids.filter(isObjectId))].slice(0, maxIgnored);
  const known = await Promise.all(named.map((id) => reader.info(id)));
  return named.filter((_, index) => known[index]?.type === "commit");
}

interface BlameGroup {
  line: number;
  count: number;
  sha: string;
  originalLine: number;
  originalPath: string;
}

/** Reads `id SP original-line SP line SP count LF *( header LF ) "filename" SP path LF`. */
async function* groupsOf(output: NodeJS.ReadableStream): AsyncGenerator<BlameGroup> {
  let group: Omit<BlameGroup, "originalPath"> | undefined;
  for await (const line of createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY })) {
    const match = /^([0-9a-f]{40}) (\d+) (\d+) (\d+)$/.exec(line);
    if (match) {
      const [, sha = "", original, result, count] = match;
      group = { line: Number(result), count: Number(count), sha, originalLine: Number(original) };
    } else if (group && line.startsWith("filename ")) {
      yield { ...group, originalPath: line.slice("filename ".length) };
      group = undefined;
    }
  }
}
