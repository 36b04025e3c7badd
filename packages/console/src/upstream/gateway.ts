/** The content API of the Git gateway, as the signed-in user. Shapes: packages/git-gateway/src/content. */
import "server-only";
import { ApiError } from "@krate/kinds";
import { requireSession } from "../session/current.ts";
import { settings } from "../settings.ts";

export interface Person {
  name: string;
  email: string;
  at: string;
}

export interface CommitView {
  sha: string;
  parents: string[];
  author: Person;
  committer: Person;
  subject: string;
  message: string;
}

export interface RefsView {
  defaultBranch: string;
  headSha?: string;
  branches: { name: string; sha: string }[];
  tags: { name: string; sha: string; commitSha: string }[];
  truncated: boolean;
}

export interface TreeEntry {
  name: string;
  path: string;
  kind: string;
  sha: string;
  size?: number;
  /** Absent while it is being looked for. */
  lastCommit?: string;
}

/** What a list shows of a commit. */
export type CommitBrief = Pick<CommitView, "sha" | "subject" | "author" | "committer">;

export interface TreeView {
  rev: string;
  commitSha: string;
  path: string;
  entries: TreeEntry[];
  total: number;
  truncated: boolean;
  lastCommits: { complete: boolean; commits: Record<string, CommitBrief> };
}

export interface RepositoryRef {
  namespace: string;
  repository: string;
}

export interface ContentRequest extends RepositoryRef {
  view: "refs" | "tree" | "blob" | "commits" | "commit" | "compare" | "diff";
  /** Revision or range; encoded here. */
  argument?: string;
  query?: Record<string, string | undefined>;
  signal?: AbortSignal;
}

/**
 * One content request, answered as a stream.
 * @throws ApiError with the gateway's reason and sentence.
 */
export async function content(request: ContentRequest): Promise<Response> {
  const { token } = await requireSession();
  const { namespace, repository, view, argument, query = {}, signal } = request;
  const url = new URL(
    `${settings().config.gitUrl}/${encodeURIComponent(namespace)}/${encodeURIComponent(repository)}/-/${view}`,
  );
  if (argument !== undefined) url.pathname += `/${encodeURIComponent(argument)}`;
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  const response = await send(url, token, signal);
  if (response.ok) return response;
  const text = await response.text();
  throw ApiError.fromStatus(statusOf(text), response.status);
}

async function send(url: URL, token: string, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      cache: "no-store",
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("ServiceUnavailable", "the Git gateway cannot be reached", { cause: error });
  }
}

function statusOf(text: string): { message?: string } {
  try {
    return JSON.parse(text) as { message?: string };
  } catch {
    return { message: text.slice(0, 500) };
  }
}

const json = async <T>(request: ContentRequest): Promise<T> => (await (await content(request)).json()) as T;

export const refs = (of: RepositoryRef) => json<RefsView>({ ...of, view: "refs" });
/** A directory with the last commits of its entries, as far as the gateway knows them at once. */
export const tree = (of: RepositoryRef, rev: string, path = "") =>
  json<TreeView>({ ...of, view: "tree", argument: rev, query: { path, lastCommits: "true" } });
export const commits = (of: RepositoryRef, rev: string, query: { path?: string; limit?: string } = {}) =>
  json<{ commits: CommitView[]; next?: string }>({ ...of, view: "commits", argument: rev, query });

/** A file as text, up to a limit; undefined for binary files and larger ones. */
export async function textFile(
  of: RepositoryRef,
  rev: string,
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  const response = await content({ ...of, view: "blob", argument: rev, query: { path } });
  const isText = response.headers.get("content-type")?.startsWith("text/plain") ?? false;
  if (isText && Number(response.headers.get("content-length")) <= maxBytes) return response.text();
  await response.body?.cancel();
  return undefined;
}
