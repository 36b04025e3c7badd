/** Answers a query from index files, one repository after another, until the page is full or time is up. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { inflateRawSync } from "node:zlib";
import {
  type FoundFile,
  type IndexedRepository,
  type Position,
  type SearchAnswer,
  searchLimits,
} from "../engine/code-search.ts";
import { linesOf } from "../engine/lines.ts";
import type { QueryNode } from "../query/query.ts";
import { compileQuery, type Document, type DocumentBranch, type RepositoryQuery } from "./evaluate.ts";
import { isDamage, openForSearching } from "./schema.ts";
import { candidatesOf } from "./trigrams.ts";

export interface RepositoryFile {
  repository: IndexedRepository;
  file: string;
}

export interface RepositoriesQuery {
  query: QueryNode;
  files: readonly RepositoryFile[];
  limit: number;
  after?: Position | undefined;
  seconds: number;
}

export interface RepositoriesAnswer extends SearchAnswer {
  /** Uids of repositories whose index is damaged. */
  damaged: string[];
}

interface Row {
  id: number;
  path: string;
  object: string;
  language: string | null;
}

/** `isCancelled` is asked between documents. */
export function searchRepositories(
  request: RepositoriesQuery,
  handles: Handles,
  isCancelled: () => boolean,
): RepositoriesAnswer {
  const deadline = performance.now() + request.seconds * 1000;
  const compiled = compileQuery(request.query);
  const answer: RepositoriesAnswer = { files: [], incomplete: false, damaged: [] };
  const first = request.after ? request.files.findIndex(({ repository }) => repository.uid === request.after?.uid) : 0;
  // A repository that is gone since the page before: the order after it is not known any more.
  if (first < 0) return { ...answer, incomplete: true };
  for (const [index, { repository, file }] of request.files.slice(first).entries()) {
    const query = compiled.forRepository(`${repository.namespace}/${repository.name}`);
    if (!query) continue;
    try {
      const after = index === 0 ? request.after : undefined;
      const found = new RepositorySearch(handles.get(file), repository, query).find(after, {
        limit: request.limit - answer.files.length,
        isOver: () => isCancelled() || performance.now() > deadline,
      });
      answer.files.push(...found.files);
      if (found.stopped)
        return { ...answer, next: found.last, incomplete: answer.incomplete || found.stopped === "time" };
    } catch (error) {
      if (!isDamage(error)) throw error;
      handles.close(file);
      answer.damaged.push(repository.uid);
      answer.incomplete = true;
    }
  }
  return answer;
}

interface FindOptions {
  limit: number;
  isOver(): boolean;
}

class RepositorySearch {
  readonly #database: DatabaseSync;
  readonly #repository: IndexedRepository;
  readonly #query: RepositoryQuery;
  readonly #content: StatementSync;
  readonly #branches: StatementSync;
  #commits = new Map<string, string>();

  constructor(database: DatabaseSync, repository: IndexedRepository, query: RepositoryQuery) {
    this.#database = database;
    this.#repository = repository;
    this.#query = query;
    this.#content = database.prepare("SELECT content FROM document WHERE id = ?");
    this.#branches = database.prepare(
      "SELECT b.name, b.position FROM document_branch d JOIN branch b ON b.id = d.branch WHERE d.document = ? ORDER BY b.position",
    );
  }

  find(after: Position | undefined, { limit, isOver }: FindOptions) {
    const files: FoundFile[] = [];
    let last: Position = after ?? { uid: this.#repository.uid, path: "", object: "" };
    // One moment for everything that is read: an index job may commit meanwhile.
    this.#database.exec("BEGIN");
    try {
      for (const { name, commit } of this.#database.prepare('SELECT name, "commit" FROM branch').all() as {
        name: string;
        commit: string;
      }[])
        this.#commits.set(name, commit);
      for (const row of this.#candidates(after)) {
        if (isOver()) return { files, last, stopped: "time" } as const;
        const document = this.#document(row);
        if (this.#query.matches(document)) {
          if (files.length === limit) return { files, last, stopped: "full" } as const;
          files.push(this.#found(document));
        }
        last = { uid: this.#repository.uid, path: row.path, object: row.object };
      }
      return { files, last, stopped: undefined };
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  #candidates(after: Position | undefined): Iterable<Row> {
    const filter = candidatesOf(this.#query.node);
    const where = [
      ...(filter === undefined ? [] : ["id IN (SELECT rowid FROM document_text WHERE document_text MATCH ?)"]),
      ...(after ? ["(path, object) > (?, ?)"] : []),
    ];
    const sql = `SELECT id, path, object, language FROM document ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""} ORDER BY path, object`;
    const values = [...(filter === undefined ? [] : [filter]), ...(after ? [after.path, after.object] : [])];
    return this.#database.prepare(sql).iterate(...values) as unknown as Iterable<Row>;
  }

  #document({ id, path, language }: Row): Document {
    let content: { text: string | undefined } | undefined;
    let branches: DocumentBranch[] | undefined;
    return {
      path,
      language: language ?? undefined,
      content: () => {
        content ??= { text: this.#text(id) };
        return content.text;
      },
      branches: () => {
        branches ??= (this.#branches.all(id) as { name: string; position: number }[]).map(({ name, position }) => ({
          name,
          isDefault: position === 0,
        }));
        return branches;
      },
    };
  }

  #text(id: number): string | undefined {
    const row = this.#content.get(id) as { content: Uint8Array | null } | undefined;
    return row?.content ? inflateRawSync(row.content).toString("utf8") : undefined;
  }

  #found(document: Document): FoundFile {
    const { linesPerFile, rangesPerLine } = searchLimits;
    const limit = (linesPerFile + 1) * rangesPerLine;
    const lines = linesOf(document.content() ?? "", this.#query.ranges(document, "content", limit));
    const pathRanges = lines.length > 0 ? [] : this.#query.ranges(document, "path", rangesPerLine);
    const branches = document
      .branches()
      .filter((branch) => this.#query.wantsBranch(branch))
      .map(({ name }) => name);
    return {
      repository: this.#repository,
      path: document.path,
      branches,
      commit: this.#commits.get(branches[0] ?? "") ?? "",
      ...(document.language !== undefined && { language: document.language }),
      ...(pathRanges.length > 0 && { pathRanges }),
      lines: lines.slice(0, linesPerFile),
      moreLines: lines.length > linesPerFile,
    };
  }
}

/** Open index files, the least recently used closed first. */
export class Handles {
  readonly #max: number;
  readonly #open = new Map<string, DatabaseSync>();

  constructor(max: number) {
    this.#max = max;
  }

  get(file: string): DatabaseSync {
    const database = this.#open.get(file) ?? openForSearching(file);
    this.#open.delete(file);
    this.#open.set(file, database);
    if (this.#open.size > this.#max) this.close(this.#open.keys().next().value as string);
    return database;
  }

  close(file: string): void {
    const database = this.#open.get(file);
    this.#open.delete(file);
    try {
      database?.close();
    } catch {
      // A damaged file may not even close; the handle is not used again.
    }
  }
}
