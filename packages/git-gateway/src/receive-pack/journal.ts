import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BackendRepository, type RefUpdate, syncDirectory } from "@krate/git";
import type { GitEventRecord } from "../ports.ts";

/**
 * One push that has been judged and is being carried out. It is on disk before anything of it can be seen, and goes away when
 * everything of it can: whatever happens in between, a replay finishes it.
 */
export interface JournalEntry {
  version: 1;
  pushId: string;
  atomic: boolean;
  /** Refs to move; empty when every ref was refused and only the events are left to write. */
  updates: RefUpdate[];
  /** One event per ref of the push, in its order. */
  events: GitEventRecord[];
}

/** A push id sorts by time and is part of object names: 9 characters of milliseconds, 8 of chance, base 36 and hexadecimal. */
export function newPushId(nowMs: number): string {
  return `${nowMs.toString(36).padStart(9, "0")}${randomBytes(4).toString("hex")}`;
}

function journalDir(repository: BackendRepository): string {
  return join(repository.workDir, "journal");
}

/** Makes the entry durable: contents, name and folder are on disk when this returns. */
export async function writeJournal(repository: BackendRepository, entry: JournalEntry): Promise<void> {
  const folder = journalDir(repository);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${entry.pushId}`);
  const file = await open(temporary, "w");
  try {
    await file.writeFile(JSON.stringify(entry));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, `${entry.pushId}.json`));
  await syncDirectory(folder);
}

/** Forgets a finished push. Not flushed: an entry that comes back after a power failure is replayed without effect. */
export async function removeJournal(repository: BackendRepository, pushId: string): Promise<void> {
  await rm(join(journalDir(repository), `${pushId}.json`), { force: true });
}

/** Unfinished pushes, oldest first. */
export async function readJournal(repository: BackendRepository): Promise<JournalEntry[]> {
  const folder = journalDir(repository);
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const entries: JournalEntry[] = [];
  for (const name of names.filter((name) => /^[0-9a-z]+\.json$/.test(name)).sort()) {
    entries.push(JSON.parse(await readFile(join(folder, name), "utf8")) as JournalEntry);
  }
  return entries;
}

/**
 * Sets an entry aside whose events the API refuses for good, so that it does not stand in the way of later pushes. It is kept
 * in `unrecorded/` for a person to look at.
 */
export async function setAside(repository: BackendRepository, pushId: string): Promise<void> {
  const folder = join(repository.workDir, "unrecorded");
  await mkdir(folder, { recursive: true });
  await rename(join(journalDir(repository), `${pushId}.json`), join(folder, `${pushId}.json`));
}
