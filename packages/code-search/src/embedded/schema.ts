/**
 * One SQLite file per repository: what a caller may not read is not even opened, a damaged index costs one repository, and a deleted
 * repository is a deleted file.
 *
 *   branch            what is searchable; position 0 is the default branch
 *   document          a path and an object; the same file on ten branches is one document
 *   document_branch   which branches have it
 *   document_text     FTS5 trigrams of path and content, without the content and without positions
 */
import { DatabaseSync } from "node:sqlite";

/** Another number is another layout: such a file is built anew. */
export const layoutVersion = 1;

const layout = `
  CREATE TABLE branch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, "commit" TEXT NOT NULL);
  CREATE TABLE document (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, object TEXT NOT NULL, language TEXT, content BLOB, UNIQUE (path, object)
  );
  CREATE TABLE document_branch (document INTEGER NOT NULL, branch INTEGER NOT NULL, PRIMARY KEY (document, branch)) WITHOUT ROWID;
  CREATE INDEX document_of_branch ON document_branch (branch);
  CREATE VIRTUAL TABLE document_text USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='trigram');
  PRAGMA user_version = ${layoutVersion};
`;

/** A job that nobody waits for any more may still be writing. */
const lockTimeoutMs = 60_000;

/** For the one writer. Nothing here is worth a flush: what a power failure damages is built anew. */
export function openForIndexing(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: lockTimeoutMs });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;");
  const version = versionOf(database);
  if (version === 0) database.exec(`BEGIN; ${layout} COMMIT;`);
  else if (version !== layoutVersion) throw new DamagedIndexError(file, `it has layout ${version}`);
  return database;
}

/** For searches: they see what was indexed before they began. */
export function openForSearching(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true });
  database.exec("PRAGMA query_only = ON; PRAGMA cache_size = -4000; PRAGMA mmap_size = 67108864;");
  if (versionOf(database) !== layoutVersion) throw new DamagedIndexError(file, "it has another layout");
  return database;
}

function versionOf(database: DatabaseSync): number {
  return (database.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

/** The file is no index of this version. It is worth nothing: it is derived. */
export class DamagedIndexError extends Error {
  override readonly name = "DamagedIndexError";
  constructor(file: string, why: string, options: { cause?: unknown } = {}) {
    super(`the index ${file} cannot be used: ${why}`, options);
  }
}

/** SQLite's result codes for a file that is damaged or none of its own: CORRUPT, NOTADB, and what a file cut short gives. */
const damageCodes = [10, 11, 26];

export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedIndexError) return true;
  const { code, errcode } = error as { code?: string; errcode?: number };
  if (code !== "ERR_SQLITE_ERROR" || errcode === undefined) return false;
  // A file that vanished or lacks its tables is as good as damaged.
  return (
    damageCodes.includes(errcode & 0xff) || (errcode & 0xff) === 14 || /no such table/.test((error as Error).message)
  );
}
