import { type ObjectReader, parseTreeObject, type TreeEntry } from "@krate/git";

/** The comparison is not for this reader: git itself must do it. */
export class TreePathsGivenUpError extends Error {
  override readonly name = "TreePathsGivenUpError";
}

/** Trees that are read for one push at most. */
const maxTrees = 2_000;
const maxTreeBytes = 16 * 1024 * 1024;

/**
 * Paths that differ between two commits, as `git diff-tree -r --no-renames --name-only` lists them, read through an open reader: for the
 * few trees of a small push that costs a tenth of a process.
 */
export class TreePaths {
  readonly #reader: ObjectReader;
  readonly #trees = new Map<string, Promise<TreeEntry[]>>();

  constructor(reader: ObjectReader) {
    this.#reader = reader;
  }

  /** @param from a commit, or undefined for nothing @throws {TreePathsGivenUpError} */
  async between(from: string | undefined, to: string): Promise<string[]> {
    const [before, after] = await Promise.all([from && this.#treeOf(from), this.#treeOf(to)]);
    const paths: string[] = [];
    await this.#compare(before || undefined, after, "", paths);
    return paths;
  }

  async #treeOf(commit: string): Promise<string> {
    const tree = await this.#reader.info(`${commit}^{tree}`);
    if (!tree) throw new Error(`the tree of commit ${commit} cannot be read`);
    return tree.objectId;
  }

  async #compare(from: string | undefined, to: string | undefined, directory: string, paths: string[]): Promise<void> {
    if (from === to) return;
    const [before, after] = await Promise.all([this.#entries(from), this.#entries(to)]);
    const old = new Map(before.map((entry) => [entry.name, entry]));
    const names = new Set([...old.keys(), ...after.map(({ name }) => name)]);
    const current = new Map(after.map((entry) => [entry.name, entry]));
    for (const name of names) await this.#compareEntry(old.get(name), current.get(name), `${directory}${name}`, paths);
  }

  async #compareEntry(
    from: TreeEntry | undefined,
    to: TreeEntry | undefined,
    path: string,
    paths: string[],
  ): Promise<void> {
    if (from?.objectId === to?.objectId && from?.kind === to?.kind) return;
    const [isTreeBefore, isTreeAfter] = [from?.kind === "directory", to?.kind === "directory"];
    if ((from && !isTreeBefore) || (to && !isTreeAfter)) paths.push(path);
    if (isTreeBefore || isTreeAfter)
      await this.#compare(
        isTreeBefore ? from?.objectId : undefined,
        isTreeAfter ? to?.objectId : undefined,
        `${path}/`,
        paths,
      );
  }

  #entries(tree: string | undefined): Promise<TreeEntry[]> {
    if (tree === undefined) return Promise.resolve([]);
    const known = this.#trees.get(tree) ?? this.#read(tree);
    this.#trees.set(tree, known);
    return known;
  }

  async #read(tree: string): Promise<TreeEntry[]> {
    if (this.#trees.size >= maxTrees) throw new TreePathsGivenUpError(`more than ${maxTrees} trees differ`);
    const info = await this.#reader.info(tree);
    if (info && info.size > maxTreeBytes) throw new TreePathsGivenUpError(`tree ${tree} is too large`);
    const object = info && (await this.#reader.read(tree));
    if (!object) throw new Error(`tree ${tree} cannot be read`);
    const entries = parseTreeObject(object.content, "");
    // Names that are not UTF-8 may look alike once decoded, and a change could hide behind its neighbour.
    if (entries.some(({ name }) => name.includes("\ufffd")))
      throw new TreePathsGivenUpError(`tree ${tree} holds a name that is not UTF-8`);
    return entries;
  }
}
