import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ObjectReader, runGit } from "@krate/git";
import { generateHistory } from "@krate/git/testing";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { parseChangedPaths } from "./facts.ts";
import { TreePaths, TreePathsGivenUpError } from "./tree-paths.ts";

let folder: TemporaryFolder;
let gitDir: string;
beforeAll(async () => {
  folder = await temporaryFolder("tree-paths");
  gitDir = join(folder.path, "repository.git");
  await runGit(["init", "-q", "--bare", "-b", "main", gitDir]);
});
afterAll(() => folder.remove());

const text = async (args: string[], stdin?: string | Buffer) =>
  (await runGit(args, { gitDir, ...(stdin === undefined ? {} : { stdin }) })).stdout.toString("utf8").trim();

async function tree(...entries: [mode: string, name: Buffer | string, id: string][]): Promise<string> {
  const parts = entries.map(([mode, name, id]) =>
    Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(id, "hex")]),
  );
  return text(["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], Buffer.concat(parts));
}

const commit = (of: string, ...parents: string[]) =>
  text([
    "-c",
    "user.name=a",
    "-c",
    "user.email=b",
    "commit-tree",
    ...parents.flatMap((id) => ["-p", id]),
    "-m",
    "x",
    of,
  ]);
const blob = (content: string) => text(["hash-object", "-w", "--stdin"], content);

async function ours(from: string | undefined, to: string): Promise<string[]> {
  const reader = new ObjectReader({ gitDir });
  try {
    return (await new TreePaths(reader).between(from, to)).toSorted();
  } finally {
    reader.close();
  }
}

test("finds what git finds, over a history with renames, deletions and merges", async () => {
  const seed = Number(process.env.KRATE_TEST_SEED ?? 11);
  await generateHistory(gitDir, { seed, commits: 400 });
  const list = await text(["rev-list", "--all", "--parents"]);
  const commits = list.split("\n").map((line) => line.split(" ") as [string, string?]);
  const { stdout } = await runGit(["diff-tree", "--stdin", "--root", "--always", "-r", "-z", "--raw", "--no-renames"], {
    gitDir,
    stdin: commits.map(([id, parent]) => `${id}${parent ? ` ${parent}` : ""}\n`).join(""),
  });
  const expected = parseChangedPaths(stdout);
  expect(expected.size).toBe(400);
  const reader = new ObjectReader({ gitDir });
  const trees = new TreePaths(reader);
  for (const [id, parent] of commits) {
    const found = await trees.between(parent, id);
    expect({ seed, id, paths: found.toSorted() }).toEqual({ seed, id, paths: expected.get(id)?.toSorted() });
  }
  reader.close();
});

test("a directory under an unusual mode is still a directory: nothing in it hides", async () => {
  const secret = await tree(["100644", "secret", await blob("one")]);
  const changed = await tree(["100644", "secret", await blob("two")]);
  const before = await commit(await tree(["40000", "docs", secret]));
  const after = await commit(await tree(["40755", "docs", changed]), before);
  expect(await ours(before, after)).toEqual(["docs/secret"]);
});

test("a file that becomes a directory is both gone and new", async () => {
  const file = await blob("x");
  const before = await commit(await tree(["100644", "a", file]));
  const after = await commit(await tree(["40000", "a", await tree(["100644", "b", file])]), before);
  expect(await ours(before, after)).toEqual(["a", "a/b"]);
});

test("names that are not UTF-8 are left to git, for they could stand for one another", async () => {
  const [one, two] = [await blob("1"), await blob("2")];
  const before = await commit(await tree(["100644", Buffer.from([0xfe]), one], ["100644", Buffer.from([0xff]), one]));
  const after = await commit(
    await tree(["100644", Buffer.from([0xfe]), two], ["100644", Buffer.from([0xff]), one]),
    before,
  );
  await expect(ours(before, after)).rejects.toThrow(TreePathsGivenUpError);
});
