/** Workflow files of a commit, read through git-gateway's content API as this program's own identity. */
import { maxWorkflowBytes } from "@krate/workflow";

export interface WorkflowFile {
  /** Path in the repository. */
  path: string;
  text: string;
}

export interface ContentOptions {
  gitUrl: string;
  /** Value of the Authorization header. */
  authorization(): Promise<string | undefined>;
}

export interface RepositoryContent {
  /** Files `*.yaml`, `*.yml` directly in one of the folders, by path. @throws Error when Git cannot be reached */
  workflowFiles(at: CommitRef, folders: readonly string[]): Promise<WorkflowFile[]>;
  /** One file; undefined when it is not there. */
  file(at: CommitRef, path: string): Promise<string | undefined>;
}

export interface CommitRef {
  namespace: string;
  repository: string;
  sha: string;
  signal: AbortSignal;
}

const timeoutMilliseconds = 20_000;
/** More files in a folder than this are not workflows. */
const maxFiles = 100;

export function gatewayContent({ gitUrl, authorization }: ContentOptions): RepositoryContent {
  const get = async (at: CommitRef, view: "tree" | "blob", path: string): Promise<Response | undefined> => {
    const url = `${gitUrl}/${at.namespace}/${at.repository}/-/${view}/${at.sha}?path=${encodeURIComponent(path)}`;
    const header = await authorization();
    const response = await fetch(url, {
      headers: header ? { authorization: header } : {},
      signal: AbortSignal.any([at.signal, AbortSignal.timeout(timeoutMilliseconds)]),
    });
    if (response.status === 404) return undefined;
    if (!response.ok)
      throw new Error(`cannot read ${path} of ${at.repository} at ${at.sha}: Git answered ${response.status}`);
    return response;
  };
  const file = async (at: CommitRef, path: string) => {
    const response = await get(at, "blob", path);
    if (!response) return undefined;
    return firstBytes(response, maxWorkflowBytes + 1);
  };
  return {
    file,
    async workflowFiles(at, folders) {
      const files: WorkflowFile[] = [];
      for (const folder of folders) {
        const tree = (await (await get(at, "tree", folder))?.json()) as
          | { entries?: { path: string; kind: string }[] }
          | undefined;
        const paths = (tree?.entries ?? [])
          .filter(({ path, kind }) => kind !== "directory" && /\.ya?ml$/.test(path))
          .map(({ path }) => path);
        for (const path of paths.slice(0, maxFiles)) {
          const text = await file(at, path);
          if (text !== undefined) files.push({ path, text });
        }
      }
      return files;
    },
  };
}

/** The beginning of a file. One byte more than allowed is enough for the parser to say that it is too large. */
async function firstBytes({ body }: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit).toString("utf8");
}
