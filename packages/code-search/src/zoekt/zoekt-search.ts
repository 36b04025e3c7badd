/**
 * Code search by Zoekt: zoekt-git-index writes shards into a folder, zoekt-webserver serves that folder to us alone, because it
 * checks nobody. A repository is named by its uid there; it is searched by the number `repositoryId` makes of that.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runGit } from "@krate/git";
import type { Background } from "../background/jobs.ts";
import {
  type BranchTip,
  type CodeSearch,
  type IndexedRepository,
  type IndexReport,
  type IndexRequest,
  type Position,
  type SearchAnswer,
  type SearchRequest,
  searchLimits,
} from "../engine/code-search.ts";
import { forRepository } from "../query/for-repository.ts";
import type { QueryNode } from "../query/query.ts";
import { foundFile } from "./found-file.ts";
import { ZoektApi, type ZoektFile } from "./zoekt-api.ts";
import { zoektQuery } from "./zoekt-query.ts";

export interface ZoektSearchOptions {
  /** zoekt-webserver. */
  url: string;
  /** Folder of the shards, which zoekt-webserver reads. */
  indexFolder: string;
  /** zoekt-git-index. */
  indexCommand: string;
  background: Background;
}

const indexTimeoutMs = 30 * 60_000;
/** zoekt-webserver looks at its folder when the file system says so. */
const loadedTimeoutMs = 60_000;
const pollMs = 50;
/** Zoekt answers by rank, not page by page: this many files are put in order, and there are no more pages behind them. */
const maxDocuments = 2_000;

export class ZoektSearch implements CodeSearch {
  readonly #options: ZoektSearchOptions;
  readonly #api: ZoektApi;

  constructor(options: ZoektSearchOptions) {
    this.#options = options;
    this.#api = new ZoektApi(options.url);
    mkdirSync(options.indexFolder, { recursive: true, mode: 0o700 });
  }

  async index({ repository: { uid }, branches, gitDir, signal }: IndexRequest): Promise<IndexReport> {
    if (branches.length === 0) {
      await this.remove(uid);
      return { documents: 0, added: 0, skipped: 0 };
    }
    const { indexFolder, indexCommand, background } = this.#options;
    const taken = (await this.#api.list()).find(({ Name, ID }) => ID === repositoryId(uid) && Name !== uid);
    if (taken)
      throw new Error(`repositories ${taken.Name} and ${uid} have the same number in Zoekt: make one of them anew`);
    for (const [key, value] of [
      ["name", uid],
      ["repoid", String(repositoryId(uid))],
    ] as const)
      await runGit(["config", "--file", join(gitDir, "config"), `zoekt.${key}`, value]);
    const flags = ["-index", indexFolder, "-submodules=false", "-disable_ctags", "-parallelism", "1"];
    const args = [...flags, "-shard_prefix_override", uid, "-file_limit", String(searchLimits.fileBytes)];
    args.push("-branches", branches.map(({ name }) => name).join(","), gitDir);
    await background.run(indexCommand, args, { timeoutMs: indexTimeoutMs, signal });
    await this.#until((found) => sameTips(found, branches), uid, signal);
    return { documents: 0, skipped: 0 };
  }

  async indexed({ uid }: IndexedRepository): Promise<BranchTip[] | undefined> {
    return tipsOf(await this.#api.list(), uid);
  }

  async remove(uid: string): Promise<void> {
    const { indexFolder } = this.#options;
    const shards = readdirSync(indexFolder).filter((name) => name.startsWith(`${uid}_v`));
    if (shards.length === 0) return;
    for (const shard of shards) rmSync(join(indexFolder, shard), { force: true });
    await this.#until((found) => found === undefined, uid, AbortSignal.timeout(loadedTimeoutMs));
  }

  async known(): Promise<string[]> {
    return (await this.#api.list()).map(({ Name }) => Name);
  }

  async search(request: SearchRequest): Promise<SearchAnswer> {
    const { repositories, limit, after, signal } = request;
    const order = new Map(repositories.map(({ uid }, at) => [uid, at]));
    const byUid = new Map(repositories.map((repository) => [repository.uid, repository]));
    const answer: SearchAnswer = { files: [], incomplete: false };
    const found: { position: Position; file: ZoektFile; showMatches: boolean }[] = [];
    for (const { node, uids } of groupsOf(request)) {
      const result = await this.#api.search(zoektQuery(node), {
        repositoryIds: uids.map(repositoryId),
        seconds: searchLimits.seconds,
        documents: maxDocuments,
        signal,
      });
      const { Files, Crashes = 0, FilesSkipped = 0, ShardsSkipped = 0 } = result;
      answer.incomplete ||= Crashes + FilesSkipped + ShardsSkipped > 0 || (Files?.length ?? 0) >= maxDocuments;
      // Believed only as far as was asked: the number of a repository could be that of another one.
      for (const file of Files ?? [])
        if (order.has(file.Repository)) found.push({ position: positionOf(file), file, showMatches: node !== true });
    }
    const compare = comparePositions(order);
    const sorted = found.toSorted((a, b) => compare(a.position, b.position));
    const rest = after ? sorted.filter(({ position }) => compare(position, after) > 0) : sorted;
    const page = rest.slice(0, Math.min(limit, searchLimits.files));
    answer.files = page.map(({ file, showMatches }) =>
      foundFile(file, byUid.get(file.Repository) as IndexedRepository, showMatches),
    );
    const last = page.at(-1);
    if (rest.length > page.length && last) answer.next = last.position;
    return answer;
  }

  async close(): Promise<void> {
    // Nothing is held: the web server is somebody else's.
  }

  async #until(isThere: (tips: BranchTip[] | undefined) => boolean, uid: string, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + loadedTimeoutMs;
    while (!isThere(tipsOf(await this.#api.list(), uid))) {
      signal.throwIfAborted();
      if (performance.now() > deadline)
        throw new Error(
          `zoekt-webserver does not show what is in ${this.#options.indexFolder}: is -index the same folder?`,
        );
      await sleep(pollMs, undefined, { signal });
    }
  }
}

/** Zoekt filters by numbers of 32 bits. Two repositories with the same one are refused when the second is indexed. */
export function repositoryId(uid: string): number {
  return createHash("sha256").update(uid).digest().readUInt32BE(0) || 1;
}

/** Repositories for which the query comes to the same are searched together. */
function groupsOf({ query, repositories }: SearchRequest): { node: QueryNode | true; uids: string[] }[] {
  const decide = forRepository(query);
  const groups = new Map<string, { node: QueryNode | true; uids: string[] }>();
  for (const { uid, namespace, name } of repositories) {
    const node = decide(`${namespace}/${name}`);
    if (node === false) continue;
    const key = JSON.stringify(node);
    const group = groups.get(key) ?? { node, uids: [] };
    group.uids.push(uid);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function tipsOf(list: Awaited<ReturnType<ZoektApi["list"]>>, uid: string): BranchTip[] | undefined {
  const found = list.find(({ Name }) => Name === uid);
  return found && (found.Branches ?? []).map(({ Name, Version }) => ({ name: Name, commit: Version }));
}

function sameTips(found: BranchTip[] | undefined, wanted: readonly BranchTip[]): boolean {
  return (
    found?.length === wanted.length &&
    wanted.every(({ name, commit }, at) => found[at]?.name === name && found[at]?.commit === commit)
  );
}

function positionOf({ Repository, FileName, Branches, Checksum }: ZoektFile): Position {
  return { uid: Repository, path: FileName, object: `${Checksum} ${Branches?.join(" ")}` };
}

function comparePositions(order: ReadonlyMap<string, number>): (a: Position, b: Position) => number {
  const text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return (a, b) =>
    (order.get(a.uid) ?? -1) - (order.get(b.uid) ?? -1) || text(a.path, b.path) || text(a.object, b.object);
}
