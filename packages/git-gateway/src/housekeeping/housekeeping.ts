import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type BackendRepository, type GitBackend, type RepositoryIdentity, RepositoryMissingError } from "@krate/git";
import { tryFileLock } from "../receive-pack/repository-lock.ts";
import { type Chore, choresOf, doChore } from "./chores.ts";

export interface HousekeepingOptions {
  backend: GitBackend;
  onProblem(message: string, error: unknown): void;
  /** Hears what was done. */
  onDone?(identity: RepositoryIdentity, chore: Chore): void;
  /** How long a repository is left alone after a push, in milliseconds; many pushes are one reason. @defaultValue 2 s */
  settleMs?: number;
}

/** How often it is looked whether a repository has settled, in milliseconds. */
const lookEveryMs = 500;

/**
 * Keeps repositories quick to read, in the background, one at a time: no push waits for it. A push is only a reason to look; what is to be
 * done follows from what lies on disk, so nothing is lost with a process: the next one looks through all repositories. Of several processes
 * on one disk the holder of `<workDir>/housekeeping.lock` works.
 *
 * Nothing is ever pruned: what no ref reaches may be what a push in its quarantine builds on.
 */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #settleMs: number;
  readonly #due = new Map<string, { identity: RepositoryIdentity; atMs: number }>();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#settleMs = options.settleMs ?? 2_000;
  }

  /** Marks a repository as one to look at. */
  add(identity: RepositoryIdentity, afterMs = this.#settleMs): void {
    const key = `${identity.namespace}/${identity.name}`;
    // The first push of a row sets the time: one that never ends must not keep its repository from being tidied.
    if (!this.#due.has(key)) this.#due.set(key, { identity, atMs: performance.now() + afterMs });
  }

  /** Works until the signal fires: first through everything, then what is marked. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      for (const identity of await this.#options.backend.list()) this.add(identity, 0);
    } catch (error) {
      this.#options.onProblem("repositories cannot be listed for housekeeping", error);
    }
    while (!signal.aborted) {
      const next = [...this.#due].find(([, { atMs }]) => atMs <= performance.now());
      if (!next) {
        await delay(lookEveryMs, undefined, { signal }).catch(() => undefined);
        continue;
      }
      const [key, { identity }] = next;
      this.#due.delete(key);
      await this.#tidy(identity, signal).catch((error: unknown) => {
        // Deleted since it was marked.
        if (!signal.aborted && !(error instanceof RepositoryMissingError))
          this.#options.onProblem(`repository "${key}" could not be tidied; it is as readable as before`, error);
      });
    }
  }

  async #tidy(identity: RepositoryIdentity, signal: AbortSignal): Promise<void> {
    const repository = await this.#options.backend.open(identity);
    if ((await choresOf(repository)).length === 0) return;
    const unlock = await this.#lock(repository);
    // Somebody else is at it; should they die, the next push or the next process looks again.
    if (!unlock) return;
    try {
      for (const chore of await choresOf(repository)) {
        await doChore(chore, repository, signal);
        this.#options.onDone?.(identity, chore);
      }
    } finally {
      await unlock();
    }
  }

  async #lock({ workDir }: BackendRepository) {
    await mkdir(workDir, { recursive: true });
    return tryFileLock(join(workDir, "housekeeping.lock"));
  }
}
