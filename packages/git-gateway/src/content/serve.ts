/**
 * The content API: what a repository holds, as JSON or raw bytes. Access has been decided before (read of the repository).
 *
 *   GET /-/refs                                  branches and tags
 *   GET /-/tree/<rev>?path=                      one directory
 *   GET /-/blob/<rev>?path=                      one file, raw
 *   GET /-/commits/<rev>?limit=&after=&path=     history, page by page
 *   GET /-/commit/<rev>                          one commit with the files it changed
 *   GET /-/compare/<base>...<head>               what head has that base has not, since their merge base
 *   GET /-/diff/<base>...<head>?path=&context=   the same as a unified diff, streamed
 *   GET /-/rangediff/<old>...<new>?base=         two versions of a series, commit by commit
 *
 * <rev> is a branch, tag, full ref or object id, URL-encoded as one component ("feature%2Fx"). Failures are Kubernetes Status objects.
 */
import {
  type BackendRepository,
  type GitBackend,
  type ObjectReader,
  type ObjectReaderPool,
  RepositoryMissingError,
  UnknownRevisionError,
} from "@krate/git";
import type { Access } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { Exchange } from "../http/git-handlers.ts";
import type { Route } from "../http/route.ts";
import { serveBlob } from "./blob.ts";
import { serveCommit, serveCommits } from "./commits.ts";
import { serveCompare, serveDiff } from "./compare.ts";
import { serveRangeDiff } from "./range-diff.ts";
import { serveRefs } from "./refs.ts";
import { serveTree } from "./tree.ts";

export interface ContentOptions {
  backend: GitBackend;
  readers: ObjectReaderPool;
}

/** One content request with its repository open. */
export interface ContentRequest extends Exchange {
  repository: BackendRepository;
  /** An open reader of the repository. */
  reader: ObjectReader;
  /** What stands behind the view name, decoded. */
  argument: string;
  query: URLSearchParams;
}

const views: Readonly<Record<string, (request: ContentRequest) => Promise<void>>> = {
  refs: serveRefs,
  tree: serveTree,
  blob: serveBlob,
  commits: serveCommits,
  commit: serveCommit,
  compare: serveCompare,
  diff: serveDiff,
  rangediff: serveRangeDiff,
};

/** @throws {GatewayError} 404 for what does not exist, 400 for a bad parameter. */
export async function serveContent(
  route: Extract<Route, { kind: "content" }>,
  access: Access,
  exchange: Exchange,
  { backend, readers }: ContentOptions,
): Promise<void> {
  const view = Object.hasOwn(views, route.view) ? views[route.view] : undefined;
  if (!view)
    throw new GatewayError(404, `the content API has no view "${route.view}": it has ${Object.keys(views).join(", ")}`);
  const { namespace, name, uid } = access.view;
  try {
    const repository = await backend.open({ namespace, name, uid });
    const { argument, query } = route;
    await view({ ...exchange, repository, reader: readers.of(repository.gitDir), argument, query });
  } catch (error) {
    if (error instanceof UnknownRevisionError) throw new GatewayError(404, error.message);
    if (error instanceof RepositoryMissingError) {
      throw new GatewayError(503, `repository "${namespace}/${name}" is not provisioned yet; try again in a moment`, {
        "retry-after": "2",
      });
    }
    throw error;
  }
}
