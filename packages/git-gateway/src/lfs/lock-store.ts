import { createHash, randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BackendRepository, syncDirectory } from "@krate/git";
import { withRepositoryLock } from "../receive-pack/repository-lock.ts";
import { lfsFolder } from "./file-store.ts";
import type { LockQuery } from "./protocol.ts";

/** A lock as clients see it. */
export interface LfsLock {
  id: string;
  path: string;
  /** RFC 3339. */
  locked_at: string;
  /** The Kubernetes user. */
  owner: { name: string };
}

export type LockOutcome = { created: LfsLock } | { existing: LfsLock } | { full: number };

export interface LockPage {
  locks: LfsLock[];
  /** Where the next page begins; absent on the last. */
  next?: string;
}

/** Locks one repository may hold: a page of them is read for every push. */
const maxLocks = 10_000;
const nameForm = /^[0-9a-f]{40}$/;
const idForm = /^([0-9a-f]{40})-[0-9a-f]{16}$/;

/**
 * Locks of one repository, on the disk that all gateways share:
 *
 *   <repository>/krate/lfs/locks/<40 hex of SHA-256 of the path>    one lock, JSON
 *
 * A lock comes into being by link(2), which fails where there is one already: of two gateways that lock the same path one wins,
 * without either knowing of the other. It goes only while its remover holds the lock file of this folder, so that nobody removes
 * a lock that was made since they looked.
 */
export class LfsLocks {
  readonly #folder: string;
  readonly #now: () => Date;

  constructor(repository: BackendRepository, now: () => Date = () => new Date()) {
    this.#folder = join(lfsFolder(repository), "locks");
    this.#now = now;
  }

  async create(path: string, owner: string): Promise<LockOutcome> {
    await mkdir(this.#folder, { recursive: true });
    const name = nameOf(path);
    const existing = await this.#read(name);
    if (existing) return { existing };
    if ((await this.#names()).length >= maxLocks) return { full: maxLocks };
    const id = `${name}-${randomBytes(8).toString("hex")}`;
    const lock: LfsLock = { id, path, locked_at: this.#now().toISOString(), owner: { name: owner } };
    if (await this.#add(name, lock)) return { created: lock };
    const winner = await this.#read(name);
    // The winner may have unlocked already: then it is ours to try once more.
    return winner ? { existing: winner } : this.create(path, owner);
  }

  /** Removes a lock when `mayRemove` says so; answers it, or undefined when there is none of that id. */
  async remove(id: string, mayRemove: (lock: LfsLock) => void | Promise<void>): Promise<LfsLock | undefined> {
    const name = idForm.exec(id)?.[1];
    const seen = name === undefined ? undefined : await this.#read(name);
    if (!name || seen?.id !== id) return undefined;
    await mayRemove(seen);
    return withRepositoryLock(this.#folder, async () => {
      const lock = await this.#read(name);
      if (lock?.id !== id) return undefined;
      await rm(join(this.#folder, name));
      await syncDirectory(this.#folder);
      return lock;
    });
  }

  /** A page of locks, in an order that stays the same. */
  async list({ path, id, cursor, limit }: LockQuery): Promise<LockPage> {
    if (path !== undefined || id !== undefined) {
      const name = path === undefined ? idForm.exec(id ?? "")?.[1] : nameOf(path);
      const lock = name === undefined ? undefined : await this.#read(name);
      return { locks: lock && (id === undefined || lock.id === id) ? [lock] : [] };
    }
    const names = (await this.#names()).filter((name) => cursor === undefined || name >= cursor).sort();
    const locks: LfsLock[] = [];
    for (const name of names.slice(0, limit)) {
      const lock = await this.#read(name);
      if (lock) locks.push(lock);
    }
    const next = names[limit];
    return next === undefined ? { locks } : { locks, next };
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => nameForm.test(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  async #read(name: string): Promise<LfsLock | undefined> {
    try {
      return JSON.parse(await readFile(join(this.#folder, name), "utf8")) as LfsLock;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Makes a lock, whole and durable, unless there is one. */
  async #add(name: string, lock: LfsLock): Promise<boolean> {
    const temporary = join(this.#folder, `.${randomUUID()}`);
    try {
      const file = await open(temporary, "wx", 0o600);
      try {
        await file.writeFile(`${JSON.stringify(lock)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await link(temporary, join(this.#folder, name));
      await syncDirectory(this.#folder);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

function nameOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 40);
}
