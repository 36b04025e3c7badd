import { type ReadOptions, streamGit } from "@krate/git";
import { outputOf } from "../git-output.ts";
import { pathspecArguments, type RepositoryPath } from "../repository-path.ts";

/** One commit of a folder's history. Names are bytes, as latin1. */
export interface FolderChange {
  commitId: string;
  /** Rewritten to commits of the same history; what lies between does not touch the folder. */
  parents: readonly string[];
  /** Names directly in the folder that differ from each parent, or, for a commit without parents, from nothing. */
  changed: readonly ReadonlySet<string>[];
}

/** Longest a walk may take: the time to look at some hundred thousand large trees. */
const walkTimeoutMs = 10 * 60_000;

/**
 * The history of a folder, parents after their children, read lazily: ending the iteration ends git. With a commit-graph the first
 * commit comes at once; its Bloom filters spare the trees of commits that do not touch the folder.
 *
 * Reads `git log --oneline -z --raw -m`:
 *
 *   history = *( header NUL *( raw NUL path NUL ) )
 *   header  = id *( SP parent ) [ " (from " parent ")" ] SP subject     ; a merge repeats it for each parent it differs from
 *   raw     = ":" mode SP mode SP id SP id SP status                    ; a header never begins with ":"
 */
export async function* walkFolder(
  start: string,
  folder: RepositoryPath,
  read: ReadOptions,
): AsyncGenerator<FolderChange> {
  const { args, stdin } = pathspecArguments(folder);
  const stream = streamGit(
    [
      "log",
      "--parents",
      "--full-history",
      "--date-order",
      "-m",
      "--raw",
      "--no-renames",
      "--no-abbrev",
      "--pretty=oneline",
      "--no-abbrev-commit",
      "--no-decorate",
      "--no-show-signature",
      "--no-color",
      "-z",
      start,
      ...args,
    ],
    { ...read, timeoutMs: walkTimeoutMs, ...(stdin && { stdin }) },
  );
  yield* outputOf(stream, (output) => changesOf(tokensOf(output), folder.bytes));
}

const headerPattern = /^([0-9a-f]{40})((?: [0-9a-f]{40})*)(?: \(from ([0-9a-f]{40})\))? /;

async function* changesOf(tokens: AsyncIterable<string>, folder: string): AsyncGenerator<FolderChange> {
  const prefix = folder === "" ? "" : `${folder}/`;
  let current: { commitId: string; parents: string[]; changed: Set<string>[] } | undefined;
  let names: Set<string> | undefined;
  let isPath = false;
  for await (const token of tokens) {
    if (isPath) {
      isPath = false;
      if (!token.startsWith(prefix)) continue;
      const slash = token.indexOf("/", prefix.length);
      names?.add(token.slice(prefix.length, slash < 0 ? undefined : slash));
    } else if (token.startsWith(":")) isPath = true;
    else {
      const match = headerPattern.exec(`${token} `);
      if (!match) continue;
      const [, commitId = "", list = "", from] = match;
      if (current?.commitId !== commitId) {
        if (current) yield current;
        const parents = list === "" ? [] : list.slice(1).split(" ");
        current = { commitId, parents, changed: Array.from({ length: Math.max(parents.length, 1) }, () => new Set()) };
      }
      names = current.changed[from === undefined ? 0 : current.parents.indexOf(from)];
    }
  }
  if (current) yield current;
}

async function* tokensOf(output: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of output) {
    const tokens = (rest + chunk.toString("latin1")).split("\0");
    rest = tokens.pop() ?? "";
    yield* tokens;
  }
  if (rest !== "") yield rest;
}
