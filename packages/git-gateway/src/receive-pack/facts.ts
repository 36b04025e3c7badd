import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  GitError,
  isZeroObjectId,
  ObjectReader,
  type ReadOptions,
  type RefCommand,
  runGit,
  streamGit,
} from "@krate/git";
import type { CommitFacts, CommitSignatures, ObjectFacts, ObjectSource, RefAction, RefUpdateFacts } from "../ports.ts";
import { splitSignature } from "../signatures/split-signature.ts";
import { judgedRefs, serverRefPrefixes } from "./advertise.ts";
import { maxNewCommits, type NewCommit, type NewHistory, newCommitsOf, readCommitsBetween } from "./new-history.ts";
import { PackRefusedError } from "./quarantine.ts";
import { TreePaths, TreePathsGivenUpError } from "./tree-paths.ts";

/** Most bytes of messages that are held for the rules of one push. */
const maxMessageBytes = 64 * 1024 * 1024;
/** A commit object above this size is refused when a rule looks at commits; nobody signs or words one that long. */
const maxCommitBytes = 1024 * 1024;

export interface PushFactsInput {
  namespace: string;
  defaultBranch: string;
  history: NewHistory;
  /** Other objects of a small push. */
  others?: readonly string[];
  read: ReadOptions;
  /** Object directory of the quarantine alone. */
  quarantineObjects: string;
  signatures: CommitSignatures;
}

/** What an update brings to its ref. */
interface Brought {
  commits: readonly NewCommit[];
  /** From where the ref starts, when another ref had some of the commits already: those came past the rules of this one. */
  base?: string;
}

/**
 * What the rules of one push may ask. Nothing is read before a rule asks; what is read is kept for all refs of the push. One
 * process serves all objects; `close` ends it.
 */
export class PushFactsReader implements ObjectSource {
  readonly #input: PushFactsInput;
  readonly #commits = new Map<string, Promise<CommitFacts>>();
  readonly #brought = new Map<string, Promise<Brought>>();
  #reader: ObjectReader | undefined;
  #paths: Promise<ReadonlyMap<string, string[]>> | undefined;
  #blobSizes: Promise<ReadonlyMap<string, number>> | undefined;
  #messageBytes = 0;

  constructor(input: PushFactsInput) {
    this.#input = input;
  }

  close(): void {
    this.#reader?.close();
  }

  /** Facts of one update. */
  of(command: RefCommand, known: { action: RefAction; isFastForward: boolean }): RefUpdateFacts {
    return {
      ref: command.ref,
      oldSha: command.oldId,
      newSha: command.newId,
      ...known,
      commits: () => this.#commitsOf(command),
      blobsLargerThan: (bytes) => this.#largeBlobs(command, bytes),
    };
  }

  async read(name: string, maxBytes: number): Promise<ObjectFacts | undefined> {
    const info = await this.#objects.info(name);
    if (!info) return undefined;
    const facts = { id: info.objectId, type: info.type, size: info.size };
    if (info.size > maxBytes) return facts;
    const object = await this.#objects.read(info.objectId);
    return object && { ...facts, content: object.content };
  }

  get #objects(): ObjectReader {
    this.#reader ??= new ObjectReader(this.#input.read);
    return this.#reader;
  }

  async #commitsOf(command: RefCommand): Promise<CommitFacts[]> {
    const { commits, base } = await this.#broughtBy(command);
    if (commits.length > maxNewCommits)
      throw new PackRefusedError(
        `the push brings more than ${maxNewCommits} new commits, and rules judge every one: push them in smaller steps`,
      );
    // Those of the push share one look at their paths; what other refs had is looked at by itself.
    const paths = base === undefined ? () => this.#pathsOfPush() : once(() => this.#changedPathsByGit(commits));
    return Promise.all(commits.map(({ id, parents }) => this.#commit(id, parents, paths)));
  }

  #broughtBy(command: RefCommand): Promise<Brought> {
    const key = `${command.newId} ${command.oldId}`;
    const known = this.#brought.get(key) ?? this.#findBrought(command);
    this.#brought.set(key, known);
    return known;
  }

  /**
   * A ref brings what it did not reach before; a new one, what the default branch does not. Commits that another ref reaches are no
   * exception, or a rule for one branch could be passed by way of another.
   */
  async #findBrought({ newId, oldId }: RefCommand): Promise<Brought> {
    if (isZeroObjectId(newId)) return { commits: [] };
    const { defaultBranch, history, read } = this.#input;
    // An annotated tag stands for the commit it names.
    const tip = history.has(newId) ? newId : await this.#commitId(newId);
    if (tip === undefined) return { commits: [] };
    const walked = newCommitsOf(tip, history);
    const base = await this.#commitId(isZeroObjectId(oldId) ? `refs/heads/${defaultBranch}` : oldId);
    const ids = new Set(walked.map(({ id }) => id));
    const before = walked.length === 0 ? [tip] : walked.flatMap(({ parents }) => parents.filter((id) => !ids.has(id)));
    if (base === undefined || before.every((id) => id === base)) return { commits: walked };
    const commits = await readCommitsBetween(base, tip, read);
    return commits.every(({ id }) => ids.has(id)) ? { commits } : { commits, base };
  }

  async #commitId(name: string): Promise<string | undefined> {
    return (await this.#objects.info(`${name}^{commit}`))?.objectId;
  }

  #commit(id: string, parents: readonly string[], paths: ChangedPaths): Promise<CommitFacts> {
    const known = this.#commits.get(id) ?? this.#readCommit(id, parents, paths);
    this.#commits.set(id, known);
    return known;
  }

  async #readCommit(id: string, parents: readonly string[], changedPaths: ChangedPaths): Promise<CommitFacts> {
    const content = await this.#commitContent(id);
    const message = messageOf(content);
    this.#messageBytes += message.length;
    if (this.#messageBytes > maxMessageBytes)
      throw new PackRefusedError("the push brings more than 64 MiB of commit messages: push them in smaller steps");
    return {
      sha: id,
      parents: [...parents],
      message,
      signature: async () => {
        const signed = splitSignature(await this.#commitContent(id));
        return signed ? this.#input.signatures.verify(this.#input.namespace, signed) : { state: "none" };
      },
      paths: async () => {
        const paths = (await changedPaths()).get(id);
        if (!paths) throw new Error(`git diff-tree did not answer for commit ${id}`);
        return paths;
      },
    };
  }

  async #commitContent(id: string): Promise<Buffer> {
    const info = await this.#objects.info(id);
    if (info && info.size > maxCommitBytes)
      throw new PackRefusedError(
        `commit ${id} has ${info.size} bytes; rules look at commits of at most ${maxCommitBytes}`,
      );
    const object = info && (await this.#objects.read(id));
    if (!object) throw new Error(`commit ${id} cannot be read`);
    return object.content;
  }

  #pathsOfPush(): Promise<ReadonlyMap<string, string[]>> {
    this.#paths ??= this.#changedPaths();
    return this.#paths;
  }

  /** Changed paths of every new commit against its first parent. */
  async #changedPaths(): Promise<ReadonlyMap<string, string[]>> {
    const { history, others } = this.#input;
    const commits = [...history.values()];
    if (!others) return this.#changedPathsByGit(commits);
    const trees = new TreePaths(this.#objects);
    try {
      const paths = commits.map(async ({ id, parents: [parent] }) => [id, await trees.between(parent, id)] as const);
      return new Map(await Promise.all(paths));
    } catch (error) {
      if (!(error instanceof TreePathsGivenUpError)) throw error;
      return this.#changedPathsByGit(commits);
    }
  }

  async #changedPathsByGit(commits: readonly NewCommit[]): Promise<ReadonlyMap<string, string[]>> {
    // "commit parent" compares with that parent alone; "commit" is a root, compared with nothing (--root).
    const lines = commits.map(({ id, parents: [parent] }) => `${id}${parent ? ` ${parent}` : ""}\n`);
    try {
      const { stdout } = await runGit(
        ["diff-tree", "--stdin", "--root", "--always", "-r", "-z", "--raw", "--no-renames"],
        { ...this.#input.read, stdin: lines.join("") },
      );
      return parseChangedPaths(stdout);
    } catch (error) {
      if (!(error instanceof GitError) || error.failure !== "output-limit") throw error;
      throw new PackRefusedError("the push changes more paths than rules can look at: push in smaller steps", {
        cause: error,
      });
    }
  }

  /** Sizes of the blobs the push brought, by the open process when they are few. */
  async #sizesOfBlobs(): Promise<ReadonlyMap<string, number>> {
    const { others } = this.#input;
    if (!others) return sizesOfBlobs(this.#input);
    const found = await Promise.all(others.map((id) => this.#objects.info(id)));
    const sizes = new Map<string, number>();
    for (const info of found) if (info?.type === "blob") sizes.set(info.objectId, info.size);
    return sizes;
  }

  async #largeBlobs(command: RefCommand, bytes: number) {
    const { newId } = command;
    if (isZeroObjectId(newId)) return [];
    const { base } = await this.#broughtBy(command);
    this.#blobSizes ??= this.#sizesOfBlobs();
    const { others, quarantineObjects, read } = this.#input;
    const large = new Map([...(await this.#blobSizes)].filter(([, size]) => size > bytes));
    // What came with the push: a small one lies loose in its quarantine, of a large one only that was listed.
    const brought = new Set(
      [...large.keys()].filter((id) => !others || existsSync(looseObject(quarantineObjects, id))),
    );
    const mayReachUnjudged = large.size > brought.size || !others;
    if (mayReachUnjudged && (await hasPullRequests(read))) await this.#addUnjudged(large, { brought, newId, bytes });
    else for (const id of large.keys()) if (!brought.has(id)) large.delete(id);
    const start = base === undefined ? ["--not", ...judgedRefs] : [`^${base}`];
    if (base !== undefined)
      for (const id of await blobsAbove(bytes, [newId, ...start], read))
        large.set(id, (await this.#objects.info(id))?.size ?? bytes + 1);
    if (large.size === 0) return [];
    const paths = await pathsOfBlobs(large, [newId, ...start], read);
    return [...large].filter(([sha]) => paths.has(sha)).map(([sha, size]) => ({ sha, size, path: paths.get(sha) }));
  }

  /** What was there before, such as a file that comes back, is not new, unless only pull requests reach it: those were not judged. */
  async #addUnjudged(
    large: Map<string, number>,
    { brought, newId, bytes }: { brought: ReadonlySet<string>; newId: string; bytes: number },
  ): Promise<void> {
    const { read } = this.#input;
    for (const id of await blobsAbove(bytes, [newId, "--not", ...judgedRefs], read))
      if (!large.has(id)) large.set(id, (await this.#objects.info(id))?.size ?? bytes + 1);
    if (large.size === brought.size) return;
    const judged = await blobsAbove(bytes, [...judgedRefs], read);
    for (const id of [...large.keys()]) if (!brought.has(id) && judged.has(id)) large.delete(id);
  }
}

type ChangedPaths = () => Promise<ReadonlyMap<string, string[]>>;

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The message of a commit object: what follows the first empty line. */
function messageOf(content: Buffer): string {
  const split = content.indexOf("\n\n");
  return split < 0 ? "" : content.toString("utf8", split + 2);
}

/**
 * Output of `diff-tree --stdin --always -z --raw`:
 *
 *   output = *( commit NUL *( ":" modes-and-ids NUL path NUL ) )
 *
 * A path comes only after a ":" field, so that none can pass for the beginning of another commit.
 */
export function parseChangedPaths(output: Buffer): Map<string, string[]> {
  const paths = new Map<string, string[]>();
  let changed: string[] = [];
  let at = 0;
  const field = () => {
    const end = output.indexOf(0, at);
    if (end < 0) throw new Error("git diff-tree ended in the middle of a field");
    const text = output.toString("utf8", at, end);
    at = end + 1;
    return text;
  };
  while (at < output.length) {
    const text = field();
    if (text.startsWith(":")) changed.push(field());
    else {
      changed = [];
      paths.set(text, changed);
    }
  }
  return paths;
}

function looseObject(objects: string, id: string): string {
  return join(objects, id.slice(0, 2), id.slice(2));
}

/** Sizes of the blobs the push brought. Listing only the quarantine bounds the work by the push, not by the repository. */
async function sizesOfBlobs({ quarantineObjects, read }: PushFactsInput): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await runGit(
    [
      "cat-file",
      "--batch-all-objects",
      "--unordered",
      "--buffer",
      "--batch-check=%(objecttype) %(objectsize) %(objectname)",
    ],
    { gitDir: read.gitDir, env: { GIT_OBJECT_DIRECTORY: quarantineObjects } },
  );
  const sizes = new Map<string, number>();
  for (const line of stdout.toString("latin1").split("\n")) {
    const [type, size, sha] = line.split(" ");
    if (type === "blob" && sha) sizes.set(sha, Number(size));
  }
  return sizes;
}

async function hasPullRequests(read: ReadOptions): Promise<boolean> {
  const { stdout } = await runGit(["for-each-ref", "--count=1", "--format=1", ...serverRefPrefixes], read);
  return stdout.length > 0;
}

/** Blobs above a size that a walk reaches: what git leaves out of it, `"~" object-id LF` each among the others. */
async function blobsAbove(bytes: number, revisions: readonly string[], read: ReadOptions): Promise<Set<string>> {
  const filter = ["--objects", `--filter=blob:limit=${bytes + 1}`, "--filter-print-omitted"];
  const walk = streamGit(["rev-list", ...filter, ...revisions], read);
  const found = new Set<string>();
  for await (const line of createInterface({ input: walk.stdout }))
    if (line.startsWith("~")) found.add(line.slice(1, 41));
  await walk.finished;
  return found;
}

/** Where the blobs stand in what an update brings; a blob it does not reach belongs to another ref of the push. */
async function pathsOfBlobs(
  blobs: ReadonlyMap<string, number>,
  revisions: readonly string[],
  read: ReadOptions,
): Promise<Map<string, string>> {
  const { stdout } = await runGit(["rev-list", "--objects", ...revisions], read);
  const paths = new Map<string, string>();
  for (const line of stdout.toString("utf8").split("\n")) {
    const sha = line.slice(0, 40);
    if (blobs.has(sha) && !paths.has(sha)) paths.set(sha, line.slice(41));
  }
  return paths;
}
