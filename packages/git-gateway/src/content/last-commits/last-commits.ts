import type { BackendRepository } from "@krate/git";
import type { RepositoryPath } from "../repository-path.ts";
import type { WorkSlots } from "../work-slots.ts";
import { assignLastCommits } from "./assign.ts";
import { walkFolder } from "./history-walk.ts";
import { Lookup } from "./lookup.ts";
import { LastCommitStore } from "./store.ts";

export interface FolderAt {
  repository: BackendRepository;
  commitId: string;
  path: RepositoryPath;
  /** Names in the folder, as bytes. */
  names: readonly string[];
}

/**
 * Which commit last changed each entry of a folder, as `git log -1 <commit> -- <entry>` says it. The first time the history is walked
 * until every entry has met its commit, seconds for a large folder of a long history; readers get what is known meanwhile. Answers are kept
 * (`LastCommitStore`), and a later commit's is derived from an earlier one's in the time it takes to look at the commits between.
 */
export class LastCommits {
  readonly #store = new LastCommitStore();
  readonly #running = new Map<string, Lookup>();
  readonly #closing = new AbortController();
  readonly #slots: WorkSlots;
  readonly #onProblem: (message: string, error: unknown) => void;

  /**
   * @param slots how many searches run at once; they go on when their readers leave, for the next one.
   * @param onProblem hears that an answer could not be kept on disk, which costs time later and nothing else.
   */
  constructor(slots: WorkSlots, onProblem: (message: string, error: unknown) => void) {
    this.#slots = slots;
    this.#onProblem = onProblem;
  }

  /** The search for a folder at a commit: over already when the answer is known, shared when one is under way. @throws {GatewayError} 429 */
  async find(folder: FolderAt): Promise<Lookup> {
    const key = `${folder.repository.gitDir}\0${folder.path.bytes}\0${folder.commitId}`;
    const running = this.#running.get(key);
    if (running) return running;
    const known = await this.#store.folder(folder.repository, folder.path.bytes);
    const answer = known.get(folder.commitId);
    if (answer) return answered(folder.names, answer);
    return this.#running.get(key) ?? this.#start(key, folder, known);
  }

  #start(key: string, folder: FolderAt, known: Awaited<ReturnType<LastCommitStore["folder"]>>): Lookup {
    const lookup = new Lookup();
    const work = this.#slots.run(`repository "${nameOf(folder)}"`, () => this.#search(folder, known, lookup));
    this.#running.set(key, lookup);
    work.catch((error: unknown) => lookup.end(error)).finally(() => this.#running.delete(key));
    return lookup;
  }

  async #search(
    { repository, commitId, path, names }: FolderAt,
    known: Awaited<ReturnType<LastCommitStore["folder"]>>,
    lookup: Lookup,
  ): Promise<void> {
    const first = await assignLastCommits({
      names,
      history: walkFolder(commitId, path, { gitDir: repository.gitDir, signal: this.#closing.signal }),
      known: (id) => known.get(id),
      onAssigned: (id, found) => lookup.add({ commitId: id, names: found }),
    });
    lookup.end();
    const at = first === undefined ? [commitId] : [...new Set([first, commitId])];
    await this.#store
      .add(repository, path.bytes, at, lookup.found)
      .catch((error: unknown) => this.#onProblem("the last commits of a folder cannot be kept", error));
  }

  /** Ends what runs. */
  close(): void {
    this.#closing.abort(new Error("the gateway is stopping"));
  }
}

const nameOf = ({ repository: { identity } }: FolderAt) => `${identity.namespace}/${identity.name}`;

function answered(names: readonly string[], answer: ReadonlyMap<string, string>): Lookup {
  const lookup = new Lookup();
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const commitId = answer.get(name);
    if (commitId === undefined) continue;
    const group = groups.get(commitId);
    if (group) group.push(name);
    else groups.set(commitId, [name]);
  }
  for (const [commitId, group] of groups) lookup.add({ commitId, names: group });
  lookup.end();
  return lookup;
}
