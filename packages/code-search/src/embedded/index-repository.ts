/** Makes an index hold exactly the given branches. Only files that were not there before are read. */
import type { DatabaseSync } from "node:sqlite";
import { deflateRawSync } from "node:zlib";
import { ObjectReader, streamGit } from "@krate/git";
import type { BranchTip, IndexReport } from "../engine/code-search.ts";
import { languageOf } from "./languages.ts";
import { openForIndexing } from "./schema.ts";

export interface IndexLimits {
  fileBytes: number;
  documents: number;
}

interface WantedDocument {
  path: string;
  object: string;
  size: number;
  /** Positions of the branches that have it. */
  branches: number[];
}

/** Objects asked for before the first one is written: reading and indexing overlap, memory stays bounded (32 × 1 MiB). */
const readAhead = 32;

export async function indexRepository(
  file: string,
  { gitDir, branches, limits }: { gitDir: string; branches: readonly BranchTip[]; limits: IndexLimits },
): Promise<IndexReport> {
  const { wanted, left } = await wantedDocuments(gitDir, branches, limits);
  const database = openForIndexing(file);
  try {
    database.exec("BEGIN IMMEDIATE");
    const report = await write(database, { gitDir, branches, wanted, limits });
    database.exec("COMMIT");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return { ...report, skipped: report.skipped + left };
  } finally {
    // Without a COMMIT nothing has changed.
    database.close();
  }
}

const keyOf = (path: string, object: string) => `${object} ${path}`;

/** Every regular file of every branch once. `left`: how many are over the limit. */
async function wantedDocuments(gitDir: string, branches: readonly BranchTip[], limits: IndexLimits) {
  const wanted = new Map<string, WantedDocument>();
  let left = 0;
  for (const [position, { commit }] of branches.entries()) {
    for await (const entry of treeEntries(gitDir, commit)) {
      const key = keyOf(entry.path, entry.object);
      const known = wanted.get(key);
      if (known) known.branches.push(position);
      else if (wanted.size < limits.documents) wanted.set(key, { ...entry, branches: [position] });
      else left++;
    }
  }
  return { wanted, left };
}

/** `git ls-tree -r -z -l`: mode SP type SP object SP+ size TAB path NUL. Links and submodules hold no text of this repository. */
async function* treeEntries(gitDir: string, commit: string): AsyncGenerator<Omit<WantedDocument, "branches">> {
  const stream = streamGit(["ls-tree", "-r", "-z", "-l", "--full-tree", commit], { gitDir, timeoutMs: 10 * 60_000 });
  let rest = "";
  for await (const chunk of stream.stdout.setEncoding("utf8")) {
    const records = (rest + (chunk as string)).split("\0");
    rest = records.pop() ?? "";
    for (const record of records) {
      const match = /^100(?:644|755) blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(record);
      if (match) yield { object: match[1] as string, size: Number(match[2]), path: match[3] as string };
    }
  }
  await stream.finished;
}

interface WriteOptions {
  gitDir: string;
  branches: readonly BranchTip[];
  wanted: Map<string, WantedDocument>;
  limits: IndexLimits;
}

async function write(database: DatabaseSync, { gitDir, branches, wanted, limits }: WriteOptions): Promise<IndexReport> {
  const existing = database.prepare("SELECT id, path, object, content IS NULL AS skipped FROM document").all() as {
    id: number;
    path: string;
    object: string;
    skipped: number;
  }[];
  const removeText = database.prepare("DELETE FROM document_text WHERE rowid = ?");
  const removeDocument = database.prepare("DELETE FROM document WHERE id = ?");
  let skipped = 0;
  const ids = new Map<string, number>();
  for (const { id, path, object, skipped: noContent } of existing) {
    const key = keyOf(path, object);
    if (wanted.has(key)) {
      ids.set(key, id);
      skipped += noContent;
    } else {
      removeText.run(id);
      removeDocument.run(id);
    }
  }
  const fresh = [...wanted].filter(([key]) => !ids.has(key));
  const insertDocument = database.prepare("INSERT INTO document (path, object, language, content) VALUES (?, ?, ?, ?)");
  const insertText = database.prepare("INSERT INTO document_text (rowid, text) VALUES (?, ?)");
  for await (const [key, { path, object }, text] of contents(gitDir, fresh, limits)) {
    const content = text === undefined ? null : deflateRawSync(text, { level: 3 });
    const { lastInsertRowid } = insertDocument.run(path, object, languageOf(path) ?? null, content);
    insertText.run(lastInsertRowid, text === undefined ? path : `${path}\n${text}`);
    ids.set(key, Number(lastInsertRowid));
    if (text === undefined) skipped++;
  }
  writeBranches(database, branches, wanted, ids);
  return { documents: wanted.size, added: fresh.length, skipped };
}

function writeBranches(
  database: DatabaseSync,
  branches: readonly BranchTip[],
  wanted: Map<string, WantedDocument>,
  ids: Map<string, number>,
): void {
  database.exec("DELETE FROM document_branch; DELETE FROM branch;");
  const insertBranch = database.prepare('INSERT INTO branch (id, name, position, "commit") VALUES (?, ?, ?, ?)');
  for (const [position, { name, commit }] of branches.entries()) insertBranch.run(position + 1, name, position, commit);
  const insert = database.prepare("INSERT INTO document_branch (document, branch) VALUES (?, ?)");
  for (const [key, document] of wanted)
    for (const position of document.branches) insert.run(ids.get(key) as number, position + 1);
}

/** The text of each document, in order; undefined where there is none to search: binary or too large. */
async function* contents(
  gitDir: string,
  documents: readonly [string, WantedDocument][],
  { fileBytes }: IndexLimits,
): AsyncGenerator<[key: string, WantedDocument, text: string | undefined]> {
  const reader = new ObjectReader({ gitDir });
  const read = async (document: WantedDocument): Promise<string | undefined> => {
    if (document.size > fileBytes) return undefined;
    const found = await reader.read(document.object);
    if (!found) throw new Error(`object ${document.object} of ${document.path} is not in the mirror`);
    return found.content.includes(0) ? undefined : found.content.toString("utf8");
  };
  try {
    const ahead: Promise<string | undefined>[] = [];
    for (const [at, [key, document]] of documents.entries()) {
      while (ahead.length < readAhead && at + ahead.length < documents.length) {
        const next = read((documents[at + ahead.length] as [string, WantedDocument])[1]);
        next.catch(() => undefined);
        ahead.push(next);
      }
      yield [key, document, await ahead.shift()];
    }
  } finally {
    reader.close();
  }
}
