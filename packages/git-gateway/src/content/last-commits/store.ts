import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BackendRepository, isObjectId } from "@krate/git";
import { BoundedMap } from "../bounded-map.ts";
import type { LastCommitIds } from "./assign.ts";

/** Names held in memory, over all folders and repositories: about 100 bytes each. */
const maxNamesInMemory = 400_000;
/** Answers of one folder, at different commits, that are held in memory. */
const maxPerFolder = 4;
/** Folders of a repository whose answers are kept on disk. */
const maxFiles = 128;
/** Smaller folders are found quickly anew. */
const minNamesOnDisk = 50;

/** What is known of one folder: the whole answer at some commits. */
type Known = Map<string, LastCommitIds>;

/**
 * What was found out about folders, by repository, path and commit. That never changes, so nothing is ever invalidated; a push makes new
 * commits, whose answers are derived from these. In memory the latest of many folders, in `<workDir>/last-commits/` the latest of each large
 * one, so that a restart does not look at the whole history again. A file that cannot be read counts as absent.
 */
export class LastCommitStore {
  readonly #folders = new BoundedMap<Known>(maxNamesInMemory);
  readonly #loading = new Map<string, Promise<Known>>();

  /** Everything known about a folder. */
  async folder(repository: BackendRepository, path: string): Promise<ReadonlyMap<string, LastCommitIds>> {
    const key = keyOf(repository, path);
    const known = this.#folders.get(key);
    if (known) return known;
    const loading =
      this.#loading.get(key) ??
      readKnown(repository, path).then((found) => {
        this.#loading.delete(key);
        this.#keep(key, found);
        return found;
      });
    this.#loading.set(key, loading);
    return loading;
  }

  /** Keeps the answer at `commitIds`, all of which have the same. */
  async add(
    repository: BackendRepository,
    path: string,
    commitIds: readonly string[],
    answer: LastCommitIds,
  ): Promise<void> {
    const key = keyOf(repository, path);
    const known: Known = new Map(await this.folder(repository, path));
    for (const commitId of commitIds) {
      known.delete(commitId);
      known.set(commitId, answer);
    }
    for (const oldest of known.keys()) {
      if (known.size <= maxPerFolder) break;
      known.delete(oldest);
    }
    this.#keep(key, known);
    if (answer.size >= minNamesOnDisk) await writeKnown(repository, path, commitIds, answer);
  }

  #keep(key: string, known: Known): void {
    const weight = [...new Set(known.values())].reduce((sum, { size }) => sum + size, 1);
    this.#folders.set(key, known, weight);
  }
}

const keyOf = ({ gitDir }: BackendRepository, path: string) => `${gitDir}\0${path}`;
const folderOf = ({ workDir }: BackendRepository) => join(workDir, "last-commits");
const fileOf = (path: string) => `${createHash("sha256").update(path, "latin1").digest("hex").slice(0, 32)}.json`;

/** A name refers to its commit by position. */
interface KnownFile {
  version: 1;
  path: string;
  at: string[];
  commits: string[];
  names: Record<string, number>;
}

async function readKnown(repository: BackendRepository, path: string): Promise<Known> {
  try {
    const file = JSON.parse(await readFile(join(folderOf(repository), fileOf(path)), "utf8")) as KnownFile;
    if (file.version !== 1 || file.path !== path || ![...file.at, ...file.commits].every(isObjectId)) return new Map();
    const answer = new Map(Object.entries(file.names).map(([name, index]) => [name, file.commits[index] as string]));
    if ([...answer.values()].some((commitId) => commitId === undefined)) return new Map();
    return new Map(file.at.map((commitId) => [commitId, answer]));
  } catch {
    // Absent or torn: it is only a shortcut.
    return new Map();
  }
}

async function writeKnown(
  repository: BackendRepository,
  path: string,
  at: readonly string[],
  answer: LastCommitIds,
): Promise<void> {
  const commits = [...new Set(answer.values())];
  const positions = new Map(commits.map((commitId, index) => [commitId, index]));
  const names = Object.fromEntries([...answer].map(([name, commitId]) => [name, positions.get(commitId) as number]));
  const content: KnownFile = { version: 1, path, at: [...at], commits, names };
  const folder = folderOf(repository);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomUUID()}`);
  await writeFile(temporary, JSON.stringify(content));
  await rename(temporary, join(folder, fileOf(path)));
  await removeOldest(folder);
}

async function removeOldest(folder: string): Promise<void> {
  const files = await readdir(folder);
  if (files.length <= maxFiles) return;
  const dated = await Promise.all(
    files.map(async (name) => ({
      name,
      at: await stat(join(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    })),
  );
  dated.sort((a, b) => a.at - b.at);
  for (const { name } of dated.slice(0, files.length - maxFiles)) await rm(join(folder, name), { force: true });
}
