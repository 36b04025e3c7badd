/**
 * The content API: what a repository holds, as JSON or raw bytes. Access has been decided before (read of the repository).
 *
 *   GET /-/refs                                  branches and tags
 *   GET /-/tree/<rev>?path=&lastCommits=&wait=   one directory
 *   GET /-/lastcommits/<rev>?path=               which commit last changed each entry of a directory, as it is found
 *   GET /-/branches, /-/tags                     the same page by page, with commits and distances
 *   GET /-/blob/<rev>?path=                      the bytes of one file, for pages and scripts
 *   GET /-/raw/<rev>?path=                       the bytes of one file, for people who follow a link
 *   GET /-/blame/<rev>?path=                     who last changed each line, as it is found
 *   GET /-/commits/<rev>?limit=&after=&path=     history, page by page
 *   GET /-/commit/<rev>                          one commit with its signature and the files it changed
 *   GET /-/compare/<base>...<head>               what head has that base has not, since their merge base
 *   GET /-/diff/<base>...<head>?path=&context=   the same as a unified diff, streamed
 *   GET /-/archive/<rev>?format=&prefix=&path=   all files in one, streamed
 *   GET /-/rangediff/<old>...<new>?base=         two versions of a series, commit by commit
 *
 * <rev> is a branch, tag, full ref or object id, URL-encoded as one component ("feature%2Fx"). Failures are Kubernetes Status objects.
 */
import {
  type BackendRepository,
  type GitBackend,
  GitError,
  type ObjectReader,
  ObjectReaderPool,
  RepositoryMissingError,
  UnknownRevisionError,
} from "@krate/git";
import type { Access } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { Exchange } from "../http/git-handlers.ts";
import type { Route } from "../http/route.ts";
import type { CommitSignatures } from "../ports.ts";
import { serveArchive } from "./archive.ts";
import { serveBlame } from "./blame.ts";
import { serveBlob, serveRaw } from "./blob.ts";
import { BoundedMap } from "./bounded-map.ts";
import { CommitBriefs } from "./commit-briefs.ts";
import { serveCommit, serveCommits } from "./commits.ts";
import { serveCompare, serveDiff } from "./compare.ts";
import { LastCommits } from "./last-commits/last-commits.ts";
import { serveRangeDiff } from "./range-diff.ts";
import { type Distance, serveBranches, serveTags } from "./ref-pages.ts";
import { serveRefs } from "./refs.ts";
import { pathOf, type RepositoryPath } from "./repository-path.ts";
import { serveLastCommits, serveTree } from "./tree.ts";
import { Trees } from "./trees.ts";
import { WorkSlots } from "./work-slots.ts";

export interface ContentOptions {
  backend: GitBackend;
  /** Whose signature of a commit counts. */
  signatures: CommitSignatures;
  /** Hears of what did not work and costs no answer. */
  onProblem(message: string, error: unknown): void;
}

/** What the views of all requests share. */
interface Shared {
  signatures: CommitSignatures;
  trees: Trees;
  distances: BoundedMap<Distance>;
  briefs: CommitBriefs;
  lastCommits: LastCommits;
}

/** One content request with its repository open. */
export interface ContentRequest extends Exchange, Shared {
  repository: BackendRepository;
  /** An open reader of the repository. Asked for anew by what takes long: one that is not used is closed. */
  readonly reader: ObjectReader;
  /** What stands behind the view name, decoded. */
  argument: string;
  /** Of the query; the root without one. */
  path: RepositoryPath;
  query: URLSearchParams;
}

interface View {
  serve(request: ContentRequest): Promise<void>;
  /** What it costs: nothing but reads of open objects, a git process or some, or one as long as the client reads. */
  cost: "reads" | "process" | "stream";
}

const views: Readonly<Record<string, View>> = {
  refs: { serve: serveRefs, cost: "process" },
  tree: { serve: serveTree, cost: "reads" },
  lastcommits: { serve: serveLastCommits, cost: "reads" },
  branches: { serve: serveBranches, cost: "process" },
  tags: { serve: serveTags, cost: "process" },
  raw: { serve: serveRaw, cost: "stream" },
  blame: { serve: serveBlame, cost: "stream" },
  archive: { serve: serveArchive, cost: "stream" },
  blob: { serve: serveBlob, cost: "stream" },
  commits: { serve: serveCommits, cost: "process" },
  commit: { serve: serveCommit, cost: "process" },
  compare: { serve: serveCompare, cost: "process" },
  diff: { serve: serveDiff, cost: "stream" },
  rangediff: { serve: serveRangeDiff, cost: "process" },
};

/** All of them, for the reference. */
export const viewNames: readonly string[] = Object.keys(views);

/** Distances between two commits that are kept. */
const maxDistances = 20_000;
/** Longest a request waits for its turn, in milliseconds. */
const waitMs = 10_000;
/** Requests of one kind that run at once, over all repositories. */
const limits = {
  process: { running: 16, waiting: 200, perOwner: 64, waitMs },
  stream: { running: 64, waiting: 200, perOwner: 32, waitMs },
  search: { running: 2, waiting: 200, perOwner: 32 },
};

/** The content API of every repository of a backend. */
export class ContentApi {
  readonly #options: ContentOptions;
  readonly #readers = new ObjectReaderPool();
  readonly #slots = { process: new WorkSlots(limits.process), stream: new WorkSlots(limits.stream) };
  readonly #shared: Shared;

  constructor(options: ContentOptions) {
    this.#options = options;
    this.#shared = {
      signatures: options.signatures,
      trees: new Trees(),
      distances: new BoundedMap(maxDistances),
      briefs: new CommitBriefs(),
      lastCommits: new LastCommits(new WorkSlots(limits.search), options.onProblem),
    };
  }

  /** @throws {GatewayError} 404 for what does not exist, 400 for a bad parameter, 429 when too much runs, 504 when git took too long. */
  async serve(route: Extract<Route, { kind: "content" }>, access: Access, exchange: Exchange): Promise<void> {
    const view = Object.hasOwn(views, route.view) ? views[route.view] : undefined;
    if (!view)
      throw new GatewayError(404, `the content API has no view "${route.view}": it has ${viewNames.join(", ")}`);
    const { namespace, name } = access.view;
    try {
      const request = await this.#open(route, access, exchange);
      if (view.cost === "reads") await view.serve(request);
      else
        await this.#slots[view.cost].run(
          `repository "${namespace}/${name}"`,
          () => view.serve(request),
          exchange.signal,
        );
    } catch (error) {
      throw gatewayErrorOf(error, `repository "${namespace}/${name}"`);
    }
  }

  async #open(
    { argument, query }: Extract<Route, { kind: "content" }>,
    { view: { namespace, name, uid } }: Access,
    exchange: Exchange,
  ): Promise<ContentRequest> {
    const readers = this.#readers;
    const path = pathOf(exchange.request.url ?? "");
    const repository = await this.#options.backend.open({ namespace, name, uid });
    return {
      ...exchange,
      ...this.#shared,
      repository,
      get reader() {
        return readers.of(repository.gitDir);
      },
      argument,
      query,
      path,
    };
  }

  /** Ends what runs for nobody. */
  close(): void {
    this.#shared.lastCommits.close();
    this.#readers.close();
  }
}

function gatewayErrorOf(error: unknown, repository: string): unknown {
  if (error instanceof UnknownRevisionError) return new GatewayError(404, error.message);
  if (error instanceof RepositoryMissingError)
    return new GatewayError(503, `${repository} is not provisioned yet; try again in a moment`, { "retry-after": "2" });
  if (error instanceof GitError && error.failure === "timeout")
    return new GatewayError(504, `${error.message}; ask for less, such as one path`);
  if (error instanceof GitError && error.failure === "output-limit")
    return new GatewayError(422, `${error.message}; ask for less, such as one path`);
  return error;
}
