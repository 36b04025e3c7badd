import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gitText, runGit } from "../process/git-process.ts";
import { log, parseCommits, readCommit } from "./commits.ts";
import { changedFiles, emptyTreeId, parseRawNumstat } from "./diff.ts";
import { cherryPick, commitTree, mergeTree } from "./merge.ts";
import { ObjectReader, ObjectReaderPool } from "./object-reader.ts";
import { listRefs, readDefaultBranch, readRefs } from "./refs.ts";
import {
  countCommits,
  isAncestor,
  isSafeRevision,
  listCommitIds,
  mergeBase,
  resolveCommit,
  resolveRevision,
  UnknownRevisionError,
} from "./revision.ts";
import { findEntry } from "./tree.ts";
import { parseTreeObject } from "./tree-object.ts";

const person = { name: "Zoë", email: "zoe@example.org", at: "2026-01-02T03:04:05+01:00" };
let folder: string;
let gitDir: string;
const read = () => ({ gitDir });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "krate-objects-"));
  gitDir = join(folder, "r.git");
  await runGit(["init", "-q", "--bare", "-b", "main", gitDir]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A commit whose tree holds exactly these files. */
async function commit(files: Record<string, string>, message: string, ...parents: string[]): Promise<string> {
  const index = join(folder, `index-${Math.random()}`);
  for (const [path, content] of Object.entries(files)) {
    const blob = await gitText(["hash-object", "-w", "--stdin"], { gitDir, stdin: content });
    await runGit(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`], {
      gitDir,
      env: { GIT_INDEX_FILE: index },
    });
  }
  const treeId = await gitText(["write-tree"], { gitDir, env: { GIT_INDEX_FILE: index } });
  return commitTree({ treeId, parents, message, author: person, committer: person }, read());
}

const base = "one\ntwo\nthree\nfour\nfive\n";

describe("merging without a work tree", () => {
  test("changes to different lines merge, and the tree holds both", async () => {
    const root = await commit({ f: base }, "root");
    const ours = await commit({ f: base.replace("one", "ONE") }, "ours", root);
    const theirs = await commit({ f: base.replace("five", "FIVE"), g: "new\n" }, "theirs", root);
    const merged = await mergeTree(ours, theirs, read());
    expect(merged.clean).toBe(true);
    expect(await gitText(["cat-file", "blob", `${merged.treeId}:f`], read())).toBe("ONE\ntwo\nthree\nfour\nFIVE");
    expect(await gitText(["cat-file", "blob", `${merged.treeId}:g`], read())).toBe("new");
  });

  test("changes to one line conflict, and the file is named with a message", async () => {
    const root = await commit({ "dir/ünï f": base, g: "g\n" }, "root");
    const ours = await commit({ "dir/ünï f": base.replace("two", "2"), g: "g\n" }, "ours", root);
    const theirs = await commit({ "dir/ünï f": base.replace("two", "zwei") }, "theirs", root);
    const merged = await mergeTree(ours, theirs, read());
    expect(merged).toMatchObject({ clean: false, conflicts: ["dir/ünï f"] });
    expect(merged.clean === false && merged.messages.some((text) => text.includes("CONFLICT (content)"))).toBe(true);
  });

  test("a file changed here and deleted there conflicts", async () => {
    const root = await commit({ f: base, g: "g\n" }, "root");
    const ours = await commit({ f: base.replace("two", "2"), g: "g\n" }, "ours", root);
    const theirs = await commit({ g: "g\n" }, "theirs", root);
    expect(await mergeTree(ours, theirs, read())).toMatchObject({ clean: false, conflicts: ["f"] });
  });

  test("a picked commit keeps author and message and sits on its new parent", async () => {
    const root = await commit({ f: base }, "root");
    const target = await commit({ f: base.replace("one", "ONE") }, "target", root);
    const first = await commit({ f: base.replace("five", "FIVE") }, "first\n\nwith a body", root);
    const second = await commit({ f: base.replace("five", "FIVE").replace("three", "3") }, "second", first);
    const committer = { name: "Merge Bot", email: "bot@example.org", at: "2026-05-06T07:08:09Z" };
    const picked = await cherryPick(first, target, committer, read());
    const onTop = picked.clean ? await cherryPick(second, picked.commitId, committer, read()) : picked;
    expect(onTop.clean).toBe(true);
    if (!onTop.clean) return;
    const [newest, older] = await log({ include: [onTop.commitId], limit: 2 }, read());
    expect(newest).toMatchObject({
      subject: "second",
      parents: [older?.id],
      author: { name: "Zoë" },
      committer: { name: "Merge Bot" },
    });
    expect(older).toMatchObject({ message: "first\n\nwith a body\n", parents: [target] });
    expect(await gitText(["cat-file", "blob", `${onTop.commitId}:f`], read())).toBe("ONE\ntwo\n3\nfour\nFIVE");
  });

  test("picking what is already there changes nothing; a conflicting pick says where", async () => {
    const root = await commit({ f: base }, "root");
    const change = await commit({ f: base.replace("one", "ONE") }, "change", root);
    const same = await commit({ f: base.replace("one", "ONE") }, "same", root);
    expect(await cherryPick(change, same, person, read())).toEqual({ clean: true, commitId: same });
    const other = await commit({ f: base.replace("one", "EINS") }, "other", root);
    expect(await cherryPick(change, other, person, read())).toMatchObject({ clean: false, conflicts: ["f"] });
  });
});

describe("revisions", () => {
  test("a branch wins over a tag of the same name; what is not there is said to be unknown", async () => {
    const [one, two] = [await commit({ f: "1" }, "1"), await commit({ f: "2" }, "2")];
    await runGit(["update-ref", "refs/heads/same/name", one], read());
    await runGit(["update-ref", "refs/tags/same/name", two], read());
    const reader = new ObjectReader(read());
    try {
      for (const resolve of [
        (text: string) => resolveRevision(text, read()),
        (text: string) => resolveCommit(text, reader),
      ]) {
        expect(await resolve("same/name")).toBe(one);
        expect(await resolve("refs/tags/same/name")).toBe(two);
        expect(await resolve(two)).toBe(two);
        await expect(resolve("nope")).rejects.toThrow(UnknownRevisionError);
        await expect(resolve("--all")).rejects.toThrow(UnknownRevisionError);
      }
    } finally {
      reader.close();
    }
  });

  test.each(["--upload-pack=x", "a..b", "a:b", ":/text", "a@{1}", "a b", "a\nb", "", "x".repeat(2000), "a^{/text}"])(
    "%j is not a safe revision",
    (text) => {
      expect(isSafeRevision(text)).toBe(false);
    },
  );

  test("ancestry, merge base and counts agree with the graph", async () => {
    const root = await commit({ f: "r" }, "root");
    const left = await commit({ f: "l" }, "left", root);
    const right = await commit({ f: "x" }, "right", root);
    const lone = await commit({ f: "lone" }, "lone");
    expect(await isAncestor(root, left, read())).toBe(true);
    expect(await isAncestor(left, right, read())).toBe(false);
    expect(await mergeBase(left, right, read())).toBe(root);
    expect(await mergeBase(left, lone, read())).toBeUndefined();
    expect(await countCommits({ include: [left, right], exclude: [root] }, read())).toBe(2);
    expect(await listCommitIds({ include: [left], exclude: [], limit: 10, oldestFirst: true }, read())).toEqual([
      root,
      left,
    ]);
  });
});

describe("refs", () => {
  test("only the named refs are answered, not those below them", async () => {
    const id = await commit({ f: "refs" }, "refs");
    for (const ref of ["refs/heads/topic/a", "refs/heads/topic/b"]) await runGit(["update-ref", ref, id], read());
    expect(await readRefs(["refs/heads/topic", "refs/heads/topic/a", "refs/heads/none"], read())).toEqual(
      new Map([["refs/heads/topic/a", id]]),
    );
    expect(await readDefaultBranch(read())).toBe("main");
    expect((await listRefs(read(), ["refs/heads/topic"])).map(({ name, type }) => `${name} ${type}`)).toEqual([
      "refs/heads/topic/a commit",
      "refs/heads/topic/b commit",
    ]);
  });
});

describe("trees and diffs", () => {
  test("a tree object is read, and an entry is found by its path", async () => {
    const id = await commit({ "a/x": "1", "a/y/z": "22", b: "333", "zz ü": "4" }, "tree");
    const reader = new ObjectReader(read());
    try {
      const object = await reader.read(`${id}:a`);
      const entries = parseTreeObject(object?.content ?? Buffer.alloc(0), "a");
      expect(entries.map(({ name, path, kind }) => [name, path, kind])).toEqual([
        ["x", "a/x", "file"],
        ["y", "a/y", "directory"],
      ]);
      expect(await findEntry(id, "a/x", read())).toEqual({ ...entries[0], size: 1 });
      expect(await findEntry(id, "a/y/z", read())).toMatchObject({ name: "z", path: "a/y/z", kind: "file", size: 2 });
      await expect(findEntry(id, "../a", read())).rejects.toThrow(UnknownRevisionError);
    } finally {
      reader.close();
    }
  });

  test("additions, deletions, renames and binary files are told apart", async () => {
    const before = await commit({ keep: base, gone: "x\n", "old name": base.repeat(3), bin: "a\0b" }, "before");
    const after = await commit(
      { keep: base.replace("one", "1"), "new name": base.repeat(3), bin: "a\0c", fresh: "f\n" },
      "after",
      before,
    );
    const files = await changedFiles(before, after, read());
    expect(
      files.map(({ path, kind, additions, deletions, binary, previousPath }) => [
        path,
        kind,
        additions,
        deletions,
        binary,
        previousPath,
      ]),
    ).toEqual([
      ["bin", "modified", undefined, undefined, true, undefined],
      ["fresh", "added", 1, 0, false, undefined],
      ["gone", "deleted", 0, 1, false, undefined],
      ["keep", "modified", 1, 1, false, undefined],
      ["new name", "renamed", 0, 0, false, "old name"],
    ]);
    expect(await changedFiles(emptyTreeId, before, read())).toHaveLength(4);
  });

  test("empty output is no change and no commit", () => {
    expect(parseRawNumstat("")).toEqual([]);
    expect(parseCommits("")).toEqual([]);
  });
});

describe("the object reader", () => {
  test("many requests at once are each answered with their own object", async () => {
    const reader = new ObjectReader(read());
    const contents = Array.from({ length: 50 }, (_, index) => "x".repeat(index * 1000) + index);
    const ids = await Promise.all(
      contents.map((content) => gitText(["hash-object", "-w", "--stdin"], { gitDir, stdin: content })),
    );
    const answers = await Promise.all(ids.map((id) => reader.read(id)));
    expect(answers.map((answer) => answer?.content.toString())).toEqual(contents);
    expect(await reader.info("0".repeat(40))).toBeUndefined();
    expect(await reader.info("a\nb")).toBeUndefined();
    reader.close();
    await expect(reader.info(ids[0] as string)).rejects.toThrow(/closed/);
  });

  test("the pool starts a new reader for one that has ended", async () => {
    const pool = new ObjectReaderPool({ maxOpen: 1 });
    const first = pool.of(gitDir);
    expect(pool.of(gitDir)).toBe(first);
    first.close();
    expect(await pool.of(gitDir).info(emptyTreeId)).toBeDefined();
    pool.close();
  });

  test("a message keeps its text", async () => {
    const id = await commit({ f: "m" }, "subject\n\nbody with ünïcode\nand lines\n");
    expect(await readCommit(id, read())).toMatchObject({
      subject: "subject",
      message: "subject\n\nbody with ünïcode\nand lines\n",
      author: { name: "Zoë", email: "zoe@example.org" },
    });
  });
});
