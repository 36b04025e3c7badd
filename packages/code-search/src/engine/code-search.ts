/** The contract of a search engine: what is indexed, and who finds what in it. One conformance suite (`testing/`) judges all. */
import type { QueryNode } from "../query/query.ts";

/** A repository, as the index knows it: a repository that is deleted and made again is another one. */
export interface IndexedRepository {
  uid: string;
  namespace: string;
  name: string;
}

/** A branch and the commit it is at; the first one of a repository is its default branch. */
export interface BranchTip {
  name: string;
  commit: string;
}

export interface IndexRequest {
  repository: IndexedRepository;
  /** All that shall be searchable. Empty: nothing. */
  branches: readonly BranchTip[];
  /** Bare repository that has the commits. */
  gitDir: string;
  signal: AbortSignal;
}

export interface IndexReport {
  documents: number;
  /** Documents that were read and indexed because they were not there before; absent where the engine does not say. */
  added?: number;
  /** Files found by path only: binary, too large, or over the limit of documents. */
  skipped: number;
}

export interface SearchRequest {
  query: QueryNode;
  /** Those the caller may read, and no others: nothing of any other has an influence on the answer. In order of the answer. */
  repositories: readonly IndexedRepository[];
  /** Files in the answer at most. */
  limit: number;
  /** The `next` of the answer before. */
  after?: Position | undefined;
  signal: AbortSignal;
}

/** A place in the order of results: repositories in the order of the request, then path, then object. */
export interface Position {
  uid: string;
  path: string;
  object: string;
}

export interface FoundLine {
  /** From 1. */
  number: number;
  /** At most `searchLimits.lineLength` characters around the first match. */
  text: string;
  /** UTF-16 offsets in `text`, end exclusive. */
  ranges: [number, number][];
  /** Characters left off before `text`; absent: none. */
  skipped?: number;
}

export interface FoundFile {
  repository: IndexedRepository;
  path: string;
  branches: string[];
  /** Commit of the first of `branches`. */
  commit: string;
  /** As Linguist calls it; absent: unknown. */
  language?: string;
  /** Matches in the path; absent: none. */
  pathRanges?: [number, number][];
  lines: FoundLine[];
  /** There are more lines than `searchLimits.linesPerFile`. */
  moreLines: boolean;
}

export interface SearchAnswer {
  files: FoundFile[];
  /** Where to go on; absent: that was all. */
  next?: Position;
  /** Not everything was looked at: time was up, or an index is being built anew. */
  incomplete: boolean;
}

export const searchLimits = {
  /** Files of one page at most. */
  files: 100,
  linesPerFile: 20,
  lineLength: 400,
  rangesPerLine: 20,
  /** A search that takes longer answers with what it has. */
  seconds: 4,
  /** Files larger than this are found by path only. */
  fileBytes: 1024 * 1024,
  /** Files of one repository that are indexed; the rest is not found. */
  documents: 300_000,
} as const;

export interface CodeSearch {
  /** Makes the index hold exactly these branches; what is searchable changes at once or not at all. @throws when it could not */
  index(request: IndexRequest): Promise<IndexReport>;
  /** What is searchable of a repository; undefined: nothing, or its index was damaged and is gone. */
  indexed(repository: IndexedRepository): Promise<BranchTip[] | undefined>;
  /** Forgets a repository; harmless when it is not known. */
  remove(uid: string): Promise<void>;
  /** Repositories that have an index. */
  known(): Promise<string[]>;
  /** @throws QueryError for what the engine does not understand, BusyError when too many are waiting */
  search(request: SearchRequest): Promise<SearchAnswer>;
  close(): Promise<void>;
}

/** Too much is asked at once; trying again later helps. */
export class BusyError extends Error {
  override readonly name = "BusyError";
}
