/**
 * A history that looks like a project's, the same for the same seed down to the last commit id: commits by several people, topic
 * branches merged into main, renames, deletions, binary files, tags. Written as one stream for `git fast-import`:
 *
 *   commit  = "commit" SP ref LF mark author committer data [from] [merge] *file LF
 *   file    = "M" SP mode SP "inline" SP path LF data / "D" SP path LF / "R" SP old SP new LF
 *   data    = "data" SP count LF raw
 */

import { runGit } from "../process/git-process.ts";
import { type Random, seededRandom } from "./random.ts";

export interface HistoryOptions {
  /** @defaultValue 1 */
  seed?: number;
  /** Commits on all branches, merges included. */
  commits: number;
  /** Files the project tends to have. @defaultValue 200 */
  files?: number;
  /** Where they lie; one folder makes a large one. @defaultValue a small tree of them */
  folders?: readonly string[];
}

/** What was generated, for tests to compare with. */
export interface HistorySummary {
  commits: number;
  merges: number;
  tags: number;
  branches: string[];
  renames: number;
  binaries: number;
}

const people = [
  "Ada Lovelace",
  "Alan Turing",
  "Barbara Liskov",
  "Edsger Dijkstra",
  "Grace Hopper",
  "Jürgen Müller",
  "李 明",
];
const defaultFolders = ["src", "src/api", "src/store", "src/ui", "docs", "docs/guides", "test", "assets", "deploy"];
const words = [
  "watch",
  "merge",
  "store",
  "queue",
  "index",
  "token",
  "lease",
  "branch",
  "review",
  "policy",
  "runner",
  "event",
  "cache",
  "graph",
];
const topics = ["fix", "feature", "refactor", "docs"];
const firstCommitSeconds = 1_700_000_000;

/**
 * Writes the history into an existing repository. 5,000 commits take about a second.
 * `main` ends at the newest commit; unmerged topic branches stay as branches.
 */
export async function generateHistory(gitDir: string, options: HistoryOptions): Promise<HistorySummary> {
  const writer = new HistoryWriter(options);
  await runGit(["fast-import", "--quiet", "--done", "--date-format=raw"], {
    gitDir,
    stdin: writer.stream(),
    timeoutMs: 10 * 60_000,
    config: { "core.fsync": "none" },
  });
  return writer.summary;
}

/** The same as text, for a test that wants to look at it. */
export async function* historyStream(options: HistoryOptions): AsyncGenerator<Buffer> {
  yield* new HistoryWriter(options).stream();
}

interface Branch {
  ref: string;
  tip: number;
  files: string[];
  /** Commits until it is merged. */
  left: number;
}

class HistoryWriter {
  readonly summary: HistorySummary = { commits: 0, merges: 0, tags: 0, branches: [], renames: 0, binaries: 0 };
  readonly #random: Random;
  readonly #commits: number;
  readonly #files: number;
  readonly #folders: readonly string[];
  readonly #main: Branch = { ref: "refs/heads/main", tip: 0, files: [], left: Number.POSITIVE_INFINITY };
  readonly #open: Branch[] = [];
  #mark = 0;
  #chunks: Buffer[] = [];

  constructor({ seed = 1, commits, files = 200, folders = defaultFolders }: HistoryOptions) {
    this.#random = seededRandom(seed);
    this.#commits = commits;
    this.#files = files;
    this.#folders = folders;
  }

  async *stream(): AsyncGenerator<Buffer> {
    while (this.#mark < this.#commits) {
      this.#step();
      if (this.#mark % 100 === 0) yield this.#flush();
    }
    this.summary.commits = this.#mark;
    this.summary.branches = [this.#main, ...this.#open].map(({ ref }) => ref.slice("refs/heads/".length)).sort();
    this.#text("done\n");
    yield this.#flush();
  }

  /** One commit: on main, on an open topic, or a merge of a finished one. */
  #step(): void {
    const finished = this.#open.findIndex(({ left }) => left <= 0);
    if (finished >= 0) {
      this.#merge(this.#open.splice(finished, 1)[0] as Branch);
      return;
    }
    if (this.#main.tip > 0 && this.#open.length < 4 && this.#random.next() < 0.08) this.#openTopic();
    const branch = this.#open.length > 0 && this.#random.next() < 0.6 ? this.#random.pick(this.#open) : this.#main;
    this.#commit(branch, this.#subject());
    this.#change(branch);
    branch.left--;
    if (branch === this.#main && this.#mark % 250 === 0) this.#tag();
  }

  #openTopic(): void {
    const name = `${this.#random.pick(topics)}/${this.#random.pick(words)}-${this.#mark}`;
    this.#open.push({
      ref: `refs/heads/${name}`,
      tip: this.#main.tip,
      files: [...this.#main.files],
      left: 2 + this.#random.below(6),
    });
  }

  /** Merges are by content main's own: the topic's changes come along as a change of the merge, which keeps every tree valid. */
  #merge(topic: Branch): void {
    const name = topic.ref.slice("refs/heads/".length);
    this.#commit(this.#main, `Merge branch '${name}'`, topic.tip);
    this.#change(this.#main);
    this.#text(`reset ${topic.ref}\nfrom ${"0".repeat(40)}\n\n`);
    this.summary.merges++;
  }

  #commit(branch: Branch, subject: string, merge?: number): void {
    const from = branch.tip;
    this.#mark++;
    const person = this.#random.pick(people);
    const email = `${
      person
        .normalize("NFD")
        .replace(/[^A-Za-z]/g, "")
        .toLowerCase() || "person"
    }@example.org`;
    const at = `${firstCommitSeconds + this.#mark * 600} +0100`;
    this.#text(
      `commit ${branch.ref}\nmark :${this.#mark}\nauthor ${person} <${email}> ${at}\ncommitter ${person} <${email}> ${at}\n`,
    );
    this.#data(`${subject}\n\nGenerated as commit ${this.#mark}.\n`);
    if (from > 0) this.#text(`from :${from}\n`);
    if (merge !== undefined) this.#text(`merge :${merge}\n`);
    branch.tip = this.#mark;
  }

  #change(branch: Branch): void {
    const chance = this.#random.next();
    if (branch.files.length > 10 && chance < 0.05) this.#rename(branch);
    else if (branch.files.length > this.#files && chance < 0.12) this.#delete(branch);
    else if (chance > 0.96)
      this.#write(branch, `assets/image-${this.#mark}.bin`, this.#bytes(200 + this.#random.below(2000)));
    else this.#edit(branch);
    this.#text("\n");
  }

  #edit(branch: Branch): void {
    const isNew = branch.files.length < 5 || (branch.files.length < this.#files && this.#random.next() < 0.3);
    const path = isNew
      ? `${this.#random.pick(this.#folders)}/${this.#random.pick(words)}-${this.#mark}.ts`
      : this.#random.pick(branch.files);
    if (path.endsWith(".bin")) {
      this.#write(branch, path, this.#bytes(200 + this.#random.below(2000)));
      return;
    }
    const lines = Array.from(
      { length: 5 + this.#random.below(60) },
      (_, line) => `export const ${this.#random.pick(words)}${line} = ${this.#random.below(1000)};`,
    );
    this.#write(branch, path, Buffer.from(`// ${path}, commit ${this.#mark}\n${lines.join("\n")}\n`));
  }

  #write(branch: Branch, path: string, content: Buffer): void {
    if (!branch.files.includes(path)) branch.files.push(path);
    if (path.endsWith(".bin")) this.summary.binaries++;
    this.#text(`M 100644 inline ${path}\n`);
    this.#data(content);
  }

  #rename(branch: Branch): void {
    const at = this.#random.below(branch.files.length);
    const old = branch.files[at] as string;
    const renamed = `${this.#random.pick(this.#folders)}/renamed-${this.#mark}${old.slice(old.lastIndexOf("."))}`;
    branch.files[at] = renamed;
    this.summary.renames++;
    this.#text(`R ${old} ${renamed}\n`);
  }

  #delete(branch: Branch): void {
    const [path] = branch.files.splice(this.#random.below(branch.files.length), 1);
    this.#text(`D ${path}\n`);
  }

  #tag(): void {
    this.summary.tags++;
    this.#text(
      `tag v0.${this.summary.tags}\nfrom :${this.#main.tip}\ntagger ${people[0]} <ada@example.org> ${firstCommitSeconds + this.#mark * 600} +0000\n`,
    );
    this.#data(`Version 0.${this.summary.tags}\n`);
  }

  #subject(): string {
    return `${this.#random.pick(topics)}: ${this.#random.pick(words)} ${this.#random.pick(words)} ${this.#random.below(1000)}`;
  }

  #bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 4; at < length; at++) bytes[at] = this.#random.below(256);
    return bytes;
  }

  #text(text: string): void {
    this.#chunks.push(Buffer.from(text));
  }

  #data(content: string | Buffer): void {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    this.#chunks.push(Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n"));
  }

  #flush(): Buffer {
    const chunk = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return chunk;
  }
}
