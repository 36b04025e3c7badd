/**
 * `krate search`: code in all repositories one may read, as grep shows it. The token of the kubeconfig goes with the query, and the
 * search service decides what it may see.
 */
import { credentialsOf, loadKubeConfig } from "@krate/kube";
import { foundText } from "./found-text.ts";

export interface SearchOptions {
  query: string;
  searchUrl: string;
  namespace?: string;
  repo?: string;
  output: "text" | "json";
  /** Files at most. */
  limit: number;
  kubeconfig?: string;
  context?: string;
  /** Marks matches with colours. */
  colour: boolean;
  write(text: string): void;
  warn(text: string): void;
}

export interface FoundLine {
  number: number;
  text: string;
  ranges: [number, number][];
  skipped?: number;
}

export interface FoundFile {
  namespace: string;
  repository: string;
  path: string;
  branches: string[];
  commit: string;
  language?: string;
  pathRanges?: [number, number][];
  lines: FoundLine[];
  moreLines: boolean;
}

interface Page {
  files: FoundFile[];
  incomplete: boolean;
  continue?: string;
}

const pageFiles = 100;
const requestTimeoutMilliseconds = 30_000;

/** Searches and prints. Answers how many files were found. @throws Error saying what is wrong and what to do */
export async function search(options: SearchOptions): Promise<number> {
  const { limit, output, colour, write, warn } = options;
  const authorization = await authorizationOf(options);
  const files: FoundFile[] = [];
  let found = 0;
  let incomplete = false;
  let next: string | undefined;
  do {
    const page: Page = await ask(options, authorization, { limit: Math.min(pageFiles, limit - found), next });
    found += page.files.length;
    incomplete ||= page.incomplete;
    next = page.continue;
    if (output === "json") files.push(...page.files);
    else for (const file of page.files) write(foundText(file, { colour }));
    // A page whose time ran out may hold nothing and still not be the last.
  } while (next !== undefined && found < limit && !incomplete);
  if (output === "json") write(`${JSON.stringify({ files, incomplete, more: next !== undefined }, null, 2)}\n`);
  else if (incomplete)
    warn("not everything was searched: narrow the query with file:, lang: or --repo, or try again in a moment\n");
  else if (next !== undefined) warn(`there is more: --limit raises the ${limit} files that are shown\n`);
  return found;
}

async function authorizationOf({ kubeconfig, context }: SearchOptions): Promise<string> {
  const config = await loadKubeConfig(kubeconfig, context ? { context } : {});
  const authorization = await credentialsOf(config).authorization();
  if (authorization?.startsWith("Bearer ")) return authorization;
  throw new Error("the kubeconfig context has no bearer token: use a context with a token, tokenFile or exec plugin");
}

async function ask(
  { searchUrl, query, namespace, repo }: SearchOptions,
  authorization: string,
  { limit, next }: { limit: number; next: string | undefined },
): Promise<Page> {
  const url = new URL("search", `${searchUrl.replace(/\/+$/, "")}/`);
  const parameters = { q: query, namespace, repository: repo, limit: String(limit), continue: next };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  const signal = AbortSignal.timeout(requestTimeoutMilliseconds);
  const response = await fetch(url, { headers: { authorization }, redirect: "error", signal }).catch((cause: Error) => {
    throw new Error(`the code search at ${searchUrl} cannot be reached: is it running, is --search-url right?`, {
      cause,
    });
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Page;
  throw new Error(messageOf(text) ?? `the code search answered ${response.status}`);
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return undefined;
  }
}
