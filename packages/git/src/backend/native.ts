import { randomUUID } from "node:crypto";
import { access, constants, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gitText, runGit } from "../process/git-process.ts";
import { exists, namesIn } from "./folders.ts";
import {
  type BackendHealth,
  type BackendRepository,
  type DeletionPolicy,
  type EnsureOptions,
  type EnsureResult,
  type GitBackend,
  type RepositoryIdentity,
  RepositoryMissingError,
} from "./git-backend.ts";
import { claim, nameParts, readOwner, requireBranchName, requireNames, writeOwner } from "./owner.ts";
import { beginNativeRefTransaction } from "./ref-transaction.ts";

export interface NativeBackendOptions {
  /** Folder that holds everything; on an RWX volume when several programs serve it. Created when missing. */
  root: string;
  /** Name in status.backend.name. @defaultValue native */
  name?: string;
}

/**
 * Bare repositories on disk:
 *
 *   <root>/<namespace>/<name>.git           the repository; krate/owner.json in it says whose
 *   <root>/.tmp/<random>                    repositories being created or deleted
 *
 * A repository appears and disappears by one rename, so a crash leaves either all of it or none; what is left under .tmp is
 * swept by `sweep`, which the program that owns the root calls at its start.
 */
export class NativeGitBackend implements GitBackend {
  readonly kind = "native";
  readonly name: string;
  readonly #root: string;

  constructor(options: NativeBackendOptions) {
    this.#root = options.root;
    this.name = options.name ?? "native";
  }

  async ensure(identity: RepositoryIdentity, options: EnsureOptions = {}): Promise<EnsureResult> {
    const gitDir = this.gitDir(identity);
    const id = `${identity.namespace}/${identity.name}`;
    const owner = await readOwner(gitDir);
    if (owner) return { outcome: await claim(gitDir, identity, owner), id };
    if (await exists(join(gitDir, "HEAD"))) {
      await writeOwner(gitDir, { uid: identity.uid });
      return { outcome: "AdoptedExisting", id };
    }
    await this.#create(gitDir, identity, options.defaultBranch ?? "main");
    return { outcome: "Created", id };
  }

  async #create(gitDir: string, identity: RepositoryIdentity, defaultBranch: string): Promise<void> {
    requireBranchName(defaultBranch);
    const temporary = join(this.#root, ".tmp", `${identity.name}-${randomUUID()}`);
    await mkdir(join(this.#root, ".tmp"), { recursive: true });
    await mkdir(join(this.#root, identity.namespace), { recursive: true });
    try {
      await runGit([
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--object-format=sha1",
        `--initial-branch=${defaultBranch}`,
        temporary,
      ]);
      await writeFile(join(temporary, "config"), repositoryConfig);
      await writeOwner(temporary, { uid: identity.uid });
      await rename(temporary, gitDir);
      await syncDirectory(join(this.#root, identity.namespace));
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      const code = (error as NodeJS.ErrnoException).code;
      // Somebody else created it between our look and our rename: theirs stands, and is judged as any existing one.
      if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      const owner = await readOwner(gitDir);
      if (owner) await claim(gitDir, identity, owner);
    }
  }

  async setDefaultBranch(identity: RepositoryIdentity, branch: string): Promise<void> {
    requireBranchName(branch);
    const { gitDir } = await this.open(identity);
    const ref = `refs/heads/${branch}`;
    if ((await gitText(["symbolic-ref", "HEAD"], { gitDir, okExitCodes: [0, 1, 128] })) === ref) return;
    await runGit(["symbolic-ref", "HEAD", ref], { gitDir });
  }

  async open(identity: RepositoryIdentity): Promise<BackendRepository> {
    const gitDir = this.gitDir(identity);
    if (!(await exists(join(gitDir, "HEAD")))) throw new RepositoryMissingError(identity);
    return {
      identity,
      gitDir,
      workDir: join(gitDir, "krate"),
      beginRefTransaction: (updates, options) => beginNativeRefTransaction(gitDir, updates, options?.reason),
    };
  }

  async remove(identity: RepositoryIdentity, policy: DeletionPolicy): Promise<void> {
    const gitDir = this.gitDir(identity);
    const owner = await readOwner(gitDir);
    if (!owner && !(await exists(join(gitDir, "HEAD")))) return;
    // A late deletion of the former holder of the name must not take the new one's data.
    if (owner?.uid !== undefined && identity.uid !== undefined && owner.uid !== identity.uid) return;
    if (policy === "Retain") {
      await writeOwner(gitDir, { uid: owner?.uid ?? identity.uid, retained: true });
      return;
    }
    const doomed = join(this.#root, ".tmp", `${identity.name}-${randomUUID()}`);
    await mkdir(join(this.#root, ".tmp"), { recursive: true });
    await rename(gitDir, doomed);
    await syncDirectory(join(this.#root, identity.namespace));
    await rm(doomed, { recursive: true, force: true });
  }

  async health(identity?: RepositoryIdentity): Promise<BackendHealth> {
    try {
      await mkdir(this.#root, { recursive: true });
      await access(this.#root, constants.R_OK | constants.W_OK | constants.X_OK);
      if (identity) {
        const { gitDir } = await this.open(identity);
        await readdir(join(gitDir, "objects"));
        await gitText(["rev-parse", "--git-dir"], { gitDir, timeoutMs: 10_000 });
      }
      return { state: "Healthy" };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof RepositoryMissingError) return { state: "Degraded", reason: "RepositoryMissing", message };
      return { state: identity ? "Degraded" : "Unreachable", reason: "StorageDegraded", message };
    }
  }

  async list(): Promise<RepositoryIdentity[]> {
    const found: RepositoryIdentity[] = [];
    for (const namespace of await namesIn(this.#root)) {
      if (!nameParts.test(namespace)) continue;
      for (const folder of await namesIn(join(this.#root, namespace))) {
        const name = folder.replace(/\.git$/, "");
        if (folder.endsWith(".git") && nameParts.test(name)) found.push({ namespace, name });
      }
    }
    return found;
  }

  /** Removes what crashed creations and deletions left. Call when no other program is creating repositories under this root. */
  async sweep(): Promise<void> {
    await rm(join(this.#root, ".tmp"), { recursive: true, force: true });
  }

  async watch(): Promise<void> {
    // A folder has no servers.
  }

  url(): undefined {
    return undefined;
  }

  /** Where a repository lies. @throws {TypeError} when a name is not DNS-1123 and so could leave the root. */
  gitDir(identity: RepositoryIdentity): string {
    requireNames(identity);
    return join(this.#root, identity.namespace, `${identity.name}.git`);
  }
}

/** Settings a repository carries for whoever opens it by hand; the environment of our own processes repeats what matters. */
const repositoryConfig = `[core]
\trepositoryformatversion = 0
\tbare = true
\tlogAllRefUpdates = always
\thooksPath = /dev/null
[gc]
\tauto = 0
\tpruneExpire = 2.weeks.ago
[receive]
\tdenyCurrentBranch = ignore
\tfsckObjects = true
`;

/** Makes renames into `path` survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
