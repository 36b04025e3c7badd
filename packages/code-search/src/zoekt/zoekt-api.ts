/** The JSON API of zoekt-webserver (zoekt `internal/json/json.go`): what is asked of it, and what is believed. */
import { JobError } from "../engine/thread-pool.ts";

/** zoekt `api.go`; only what is used. Bytes are base64. */
export interface ZoektFile {
  FileName: string;
  Repository: string;
  RepositoryID?: number;
  Version?: string;
  Language?: string;
  Branches?: string[];
  Checksum?: string;
  LineMatches?: {
    Line: string;
    LineNumber: number;
    FileName: boolean;
    LineFragments: { LineOffset: number; MatchLength: number }[];
  }[];
}

export interface ZoektResult {
  Files?: ZoektFile[] | null;
  Crashes?: number;
  FilesSkipped?: number;
  ShardsSkipped?: number;
}

export interface ZoektRepository {
  Name: string;
  ID: number;
  Branches?: { Name: string; Version: string }[] | null;
}

const answerLimitBytes = 64 * 1024 * 1024;
const listTimeoutMs = 10_000;

export class ZoektApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async search(
    query: string,
    options: { repositoryIds: readonly number[]; seconds: number; documents: number; signal: AbortSignal },
  ): Promise<ZoektResult> {
    const { repositoryIds, seconds, documents, signal } = options;
    const answer = await this.#post(
      "search",
      {
        Q: query,
        RepoIDs: repositoryIds,
        Opts: {
          MaxWallTime: seconds * 1e9,
          MaxDocDisplayCount: documents,
          // Per match, not per file: a file with many must not hide the others.
          ShardMaxMatchCount: documents * 100,
          TotalMaxMatchCount: documents * 100,
        },
      },
      signal,
    );
    return (answer as { Result?: ZoektResult }).Result ?? {};
  }

  /** The repositories that are searchable now. */
  async list(): Promise<ZoektRepository[]> {
    const answer = await this.#post("list", { Q: 'repo:"."' }, AbortSignal.timeout(listTimeoutMs));
    const { Repos } = (answer as { List?: { Repos?: { Repository: ZoektRepository }[] | null } }).List ?? {};
    return (Repos ?? []).map(({ Repository }) => Repository);
  }

  async #post(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}/api/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        redirect: "error",
        signal,
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw new Error(`zoekt-webserver at ${this.#url} cannot be reached`, { cause });
    }
    const text = await boundedText(response);
    if (response.ok) return JSON.parse(text) as unknown;
    throw new Error(`zoekt-webserver answered ${response.status}: ${text.slice(0, 500)}`);
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > answerLimitBytes) throw new JobError("Memory", "zoekt-webserver answered with more than is read");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
