import { type GitBackend, ObjectReaderPool } from "@krate/git";

export interface ResolvedBranch {
  gitDir: string;
  /** Absent when the branch does not exist. */
  sha?: string;
}

/** Tells where branches are, through git processes that stay open: a push to a busy base asks this for every open pull request. */
export class Branches {
  readonly #backend: GitBackend;
  readonly #readers = new ObjectReaderPool();

  constructor(backend: GitBackend) {
    this.#backend = backend;
  }

  /** `ref` is a full name. @throws {RepositoryMissingError} while the repository is not provisioned */
  async resolve({
    repository,
    ref,
  }: {
    repository: { namespace: string; name: string };
    ref: string;
  }): Promise<ResolvedBranch> {
    const { gitDir } = await this.#backend.open(repository);
    const found = await this.#readers.of(gitDir).info(`${ref}^{commit}`);
    return { gitDir, ...(found && { sha: found.objectId }) };
  }

  /** Ids of the file at `path` in each of the commits; undefined where there is none. */
  async blobs(gitDir: string, path: string, commits: readonly string[]): Promise<(string | undefined)[]> {
    const reader = this.#readers.of(gitDir);
    const found = await Promise.all(commits.map((commit) => reader.info(`${commit}:${path}`)));
    return found.map((info) => info?.objectId);
  }

  /** Bytes of a blob; undefined for one that is larger than `maxBytes`. */
  async content(gitDir: string, blob: string, maxBytes: number): Promise<Buffer | undefined> {
    const reader = this.#readers.of(gitDir);
    const info = await reader.info(blob);
    if (!info || info.size > maxBytes) return undefined;
    return (await reader.read(info.objectId))?.content;
  }

  /** Commits that refs of a repository are at; undefined where there is none. */
  async refs(gitDir: string, names: readonly string[]): Promise<(string | undefined)[]> {
    const reader = this.#readers.of(gitDir);
    const found = await Promise.all(names.map((name) => reader.info(`${name}^{commit}`)));
    return found.map((info) => info?.objectId);
  }

  close(): void {
    this.#readers.close();
  }
}
