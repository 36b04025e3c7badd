/** Keeps the index of each repository at what its branches are. Only Git and the index are compared: a restart loses nothing. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Controller, defineController, equalJson, type ReconcileResult } from "@krate/controller";
import { findCondition, type ObjectOf, Repository } from "@krate/kinds";
import type { ObjectKey } from "@krate/kube";
import type { Background } from "../background/jobs.ts";
import type { BranchTip, CodeSearch, IndexedRepository } from "../engine/code-search.ts";
import type { Pushes } from "../pushes.ts";
import { wantedBranches } from "./wanted-branches.ts";

type RepositoryObject = ObjectOf<typeof Repository>;
type Result = ReconcileResult<NonNullable<RepositoryObject["status"]>>;

export interface RepositoriesOptions {
  engine: CodeSearch;
  background: Background;
  pushes: Pushes;
  /** Folder of the mirrors; one for each repository, named by uid. */
  mirrors: string;
  gitUrl: string;
  gitCaFile: string | undefined;
  authorization(): Promise<string | undefined>;
  /** An index took in a push: so long after it was received. */
  onIndexed?(lagSeconds: number): void;
}

/** Fetches at once; indexing shares the background threads. */
const concurrency = 2;
const fetchTimeoutMs = 20 * 60_000;
const timeoutSeconds = 60 * 60;
const arrivalSeconds = 0.3;
const retrySeconds = 10;

export function repositories(options: RepositoriesOptions): Controller {
  return defineController({
    name: "code-search",
    for: Repository,
    triggers: [options.pushes.repositories],
    concurrency,
    timeoutSeconds,
    predicate: (object, old) => !old || !equalJson(relevant(object), relevant(old)),
    async reconcile(repository, { signal, log, lister }) {
      await forgetGone(options, lister(Repository).list());
      const key = keyOf(repository);
      if (wantedBranches(repository).length === 0) return switchedOff(options, repository);
      if (!isProvisioned(repository)) return {};
      try {
        return await bringUpToDate(options, repository, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        log.warn({ err: error, repository: key }, "a repository could not be indexed; it is tried again");
        return lagging(error, options.pushes.lagSeconds(key));
      }
    },
    forgotten: (key) => options.pushes.settled(key),
  });
}

/** What decides about the index; status changes of others do not lead to a fetch. */
function relevant(repository: RepositoryObject): unknown {
  const { uid, deletionTimestamp } = repository.metadata;
  return [uid, deletionTimestamp ?? null, wantedBranches(repository), isProvisioned(repository)];
}

function isProvisioned(repository: RepositoryObject): boolean {
  return findCondition(repository, "Provisioned")?.status === "True";
}

function keyOf({ metadata }: RepositoryObject): ObjectKey & { namespace: string } {
  return { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
}

export function indexedRepositoryOf({ metadata }: RepositoryObject): IndexedRepository {
  return { uid: metadata.uid ?? "", namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
}

/** Indexes of repositories that are deleted. They are not searched any more already: searches begin at the Repositories there are. */
export async function forgetGone(
  { engine, mirrors }: Pick<RepositoriesOptions, "engine" | "mirrors">,
  present: readonly RepositoryObject[],
) {
  const uids = new Set(present.map(({ metadata }) => metadata.uid));
  for (const uid of await engine.known()) {
    if (uids.has(uid)) continue;
    await engine.remove(uid);
    await removeMirror(mirrors, uid);
  }
}

function removeMirror(mirrors: string, uid: string): Promise<void> {
  return rm(mirrorOf(mirrors, uid), { recursive: true, force: true });
}

function mirrorOf(mirrors: string, uid: string): string {
  return join(mirrors, `${uid}.git`);
}

async function switchedOff(
  { engine, mirrors, pushes }: RepositoriesOptions,
  repository: RepositoryObject,
): Promise<Result> {
  const { uid } = indexedRepositoryOf(repository);
  await engine.remove(uid);
  await removeMirror(mirrors, uid);
  pushes.settled(keyOf(repository));
  return {
    status: { search: { phase: "Disabled" } },
    conditions: [
      { type: "SearchIndexed", status: "False", reason: "Disabled", message: "spec.search.enabled is false" },
    ],
  };
}

async function bringUpToDate(
  options: RepositoriesOptions,
  repository: RepositoryObject,
  signal: AbortSignal,
): Promise<Result> {
  const { engine, background, pushes, mirrors, gitUrl, gitCaFile } = options;
  const key = keyOf(repository);
  const target = indexedRepositoryOf(repository);
  const gitDir = mirrorOf(mirrors, target.uid);
  const tips = await background.fetch(
    {
      gitDir,
      url: `${gitUrl}/${key.namespace}/${key.name}.git`,
      branches: wantedBranches(repository),
      authorization: await options.authorization(),
      caFile: gitCaFile,
      timeoutMs: fetchTimeoutMs,
    },
    { timeoutMs: 3 * fetchTimeoutMs, signal },
  );
  if (pushes.arePending(key, tips)) return { requeueAfterSeconds: arrivalSeconds };
  const before = await engine.indexed(target);
  if (equalJson(before ?? [], tips)) {
    pushes.settled(key);
    return upToDate(tips);
  }
  await engine.index({ repository: target, branches: tips, gitDir, signal });
  const lagSeconds = pushes.lagSeconds(key);
  if (before && lagSeconds !== undefined) options.onIndexed?.(lagSeconds);
  pushes.settled(key);
  return upToDate(tips);
}

function upToDate(tips: readonly BranchTip[]): Result {
  const [first] = tips;
  const message = first
    ? tips.map(({ name, commit }) => `${name} at ${commit.slice(0, 12)}`).join(", ")
    : "there is nothing to index yet";
  return {
    status: { search: { phase: "Indexed", lagSeconds: 0, ...(first && { indexedSha: first.commit }) } },
    conditions: [{ type: "SearchIndexed", status: "True", reason: "Indexed", message }],
  };
}

function lagging(error: unknown, lagSeconds: number | undefined): Result {
  const message = error instanceof Error ? error.message : String(error);
  return {
    status: { search: { phase: "Lagging", ...(lagSeconds !== undefined && { lagSeconds: Math.round(lagSeconds) }) } },
    conditions: [{ type: "SearchIndexed", status: "False", reason: "Lagging", message: message.slice(0, 1000) }],
    requeueAfterSeconds: retrySeconds,
  };
}
