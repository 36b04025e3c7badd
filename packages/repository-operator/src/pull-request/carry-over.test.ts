/** Carrying over a merge: proven rules, table-tested, then compared with git merge-tree over random histories. */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runGit } from "@krate/git";
import { findCommand } from "@krate/testing";
import { Analyses } from "./analysis.ts";
import { type BaseStep, type ChangedPath, type HeadChange, mergesAsBefore, PathIndex } from "./carry-over.ts";

const step = (fields: { touched?: string[]; added?: string[]; deleted?: string[]; commits?: string[] }): BaseStep => ({
  commits: new Set(fields.commits ?? ["b1"]),
  touched: new PathIndex([...(fields.touched ?? []), ...(fields.added ?? []), ...(fields.deleted ?? [])]),
  added: new PathIndex(fields.added ?? []),
  deleted: new PathIndex(fields.deleted ?? []),
});
const change = (files: ChangedPath[], baseDeleted: string[] = []): HeadChange => ({
  files,
  commits: new Set(["h1", "h2"]),
  baseDeleted: [new PathIndex(baseDeleted)],
});
const modified = (path: string): ChangedPath => ({ path, kind: "modified" });

test.each<{ reason: string; change: HeadChange; step: BaseStep; same: boolean }>([
  { reason: "other files", change: change([modified("a")]), step: step({ touched: ["b", "c/d"] }), same: true },
  { reason: "the same file", change: change([modified("a")]), step: step({ touched: ["a"] }), same: false },
  { reason: "a neighbour", change: change([modified("a/x")]), step: step({ touched: ["a/y"] }), same: true },
  { reason: "a file where a folder was", change: change([modified("a/x")]), step: step({ added: ["a"] }), same: false },
  { reason: "a folder where a file was", change: change([modified("a")]), step: step({ added: ["a/x"] }), same: false },
  {
    reason: "one of its own commits",
    change: change([modified("a")]),
    step: step({ touched: ["b"], commits: ["b1", "h1"] }),
    same: false,
  },
  {
    reason: "a base that was rewritten",
    change: change([modified("a")]),
    step: { ...step({ touched: ["b"] }), commits: undefined } as unknown as BaseStep,
    same: false,
  },
  {
    reason: "the old name of a renamed file",
    change: change([{ path: "b", previousPath: "a", kind: "renamed" }]),
    step: step({ touched: ["a"] }),
    same: false,
  },
  {
    reason: "a file that was deleted on the base before, and may now have a new name",
    change: change([modified("a")], ["a"]),
    step: step({ added: ["b"] }),
    same: false,
  },
  {
    reason: "a folder that the change adds to loses files",
    change: change([{ path: "dir/new", kind: "added" }]),
    step: step({ deleted: ["dir/old"] }),
    same: false,
  },
  {
    reason: "a folder that the change adds to lost files before",
    change: change([{ path: "dir/sub/new", kind: "added" }], ["dir/old"]),
    step: step({ added: ["elsewhere/old"] }),
    same: false,
  },
  {
    reason: "a folder that the change moved away gets files",
    change: change([{ path: "there/a", previousPath: "here/a", kind: "renamed" }]),
    step: step({ added: ["here/b"] }),
    same: false,
  },
  {
    reason: "files added and deleted elsewhere",
    change: change([{ path: "dir/new", kind: "added" }]),
    step: step({ added: ["x/a"], deleted: ["y/b"] }),
    same: true,
  },
])("the base got $reason: carried over = $same", ({ change: of, step: by, same }) => {
  expect(mergesAsBefore(of, by)).toBe(same);
});

/** Counts git processes: a git on the PATH that says so before it becomes the real one. */
async function countingGit(): Promise<{ folder: string; count(): Promise<number>; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "krate-counting-"));
  const real = findCommand("git");
  const log = join(folder, "log");
  await writeFile(log, "");
  await writeFile(join(folder, "git"), `#!/bin/sh\necho x >>'${log}'\nexec '${real}' "$@"\n`);
  await chmod(join(folder, "git"), 0o755);
  const { PATH } = process.env;
  process.env["PATH"] = `${folder}:${PATH}`;
  return {
    folder,
    count: async () => (await readFile(log, "latin1")).length / 2,
    async stop() {
      process.env["PATH"] = PATH;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs as the controller does: so many side by side. */
function atMost(concurrency: number): <T>(run: () => Promise<T>) => Promise<T> {
  const lanes = Array.from({ length: concurrency }, () => Promise.resolve<unknown>(undefined));
  let next = 0;
  return (run) => {
    const lane = next++ % concurrency;
    const result = (lanes[lane] as Promise<unknown>).then(run);
    lanes[lane] = result.catch(() => undefined);
    return result;
  };
}

/** A repository written by one fast-import (git-fast-import(1)). */
async function imported(folder: string, stream: string): Promise<string> {
  const gitDir = join(folder, "r.git");
  await runGit(["init", "-q", "--bare", "-b", "main", gitDir]);
  await runGit(["fast-import", "--quiet", "--force"], { gitDir, stdin: stream });
  return gitDir;
}
const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
const person = "A <a@example.org> 1700000000 +0000";
const commit = (ref: string, from: string | undefined, changes: string) =>
  `commit ${ref}\ncommitter ${person}\n${data(`c ${ref}`)}${from ? `from ${from}\n` : ""}${changes}\n`;
const put = (path: string, text: string) => `M 100644 inline ${path}\n${data(text)}`;
const tips = async (gitDir: string) => {
  const { stdout } = await runGit(["for-each-ref", "--format=%(refname) %(objectname)"], { gitDir });
  return new Map(
    stdout
      .toString("utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
};

describe("a thousand open pull requests on one base", () => {
  let counting: Awaited<ReturnType<typeof countingGit>>;
  beforeAll(async () => {
    counting = await countingGit();
  });
  afterAll(() => counting.stop());

  test("a push to the base costs git processes for the changes it touches, and two for all others", async () => {
    const count = 1000;
    const file = (index: number) => `src/f${index}.txt`;
    const all = Array.from({ length: count }, (_, index) => index);
    const stream = [
      commit("refs/heads/main", undefined, all.map((index) => put(file(index), `${index}\nb\nc\nd\ne\n`)).join("")),
      ...all.map((index) =>
        commit(`refs/heads/t${index}`, "refs/heads/main", put(file(index), `${index}\nb\nc\nd\nE\n`)),
      ),
      // Three files of pull requests, one that none has, one that conflicts.
      commit(
        "refs/heads/next",
        "refs/heads/main",
        [1, 2].map((index) => put(file(index), `one\nb\nc\nd\ne\n`)).join("") + put("README", "r\n"),
      ),
      commit("refs/heads/later", "refs/heads/next", put(file(3), "3\nb\nc\nd\nX\n")),
    ].join("");
    const gitDir = await imported(counting.folder, stream);
    const at = await tips(gitDir);
    const analyses = new Analyses();
    const inTurn = atMost(4);
    const look = async (base: string) => {
      const before = await counting.count();
      const found = await Promise.all(
        all.map((index) => {
          const headSha = at.get(`refs/heads/t${index}`) ?? "";
          return inTurn(() => analyses.of([gitDir], { headSha, baseSha: at.get(`refs/heads/${base}`) ?? "" }));
        }),
      );
      return { found, processes: (await counting.count()) - before };
    };
    const first = await look("main");
    expect(first.found.every(({ merge }) => merge.kind === "clean")).toBe(true);
    expect(first.processes).toBeLessThanOrEqual(4 * count + 10);
    expect((await look("main")).processes).toBe(0);

    const next = await look("next");
    // Two look at the push; each touched one is merged anew: merge base and merge, and once what the base deleted.
    expect(next.processes).toBe(2 + 2 * 2 + 1);
    expect(next.found.every(({ merge }) => merge.kind === "clean")).toBe(true);
    const later = await look("later");
    expect(later.processes).toBeLessThanOrEqual(2 + 2 + 1 + 2);
    expect(later.found.filter(({ merge }) => merge.kind === "conflicting").map(({ headSha }) => headSha)).toEqual([
      at.get("refs/heads/t3"),
    ]);
    // A base that is set back is no step forward: everything anew.
    const back = await analyses.of([gitDir], {
      headSha: at.get("refs/heads/t9") ?? "",
      baseSha: at.get("refs/heads/main") ?? "",
    });
    expect(back.merge.kind).toBe("clean");
  }, 900_000);
});

test("random histories: what is carried over is what git says", async () => {
  const seed = Number(process.env["KRATE_SEED"] ?? Date.now() % 1_000_000);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const folder = await mkdtemp(join(tmpdir(), "krate-carry-"));
  try {
    const directories = ["", "a/", "a/b/", "c/"];
    const name = () => `${directories[random(4)]}f${random(4)}`;
    const text = () => Array.from({ length: 6 }, (_, line) => `line ${line} ${random(3)}\n`).join("");
    const files = new Map<string, string>();
    for (let index = 0; index < 14; index++) files.set(name(), text());
    /** Some edits, deletions and renames; directories too. */
    const mutate = (tree: Map<string, string>) => {
      const next = new Map(tree);
      for (let edits = 1 + random(2); edits > 0; edits--) {
        const paths = [...next.keys()];
        const path = paths[random(paths.length)] ?? "f0";
        const kind = random(6);
        if (kind === 0) next.delete(path);
        else if (kind === 1) {
          next.set(name(), next.get(path) ?? text());
          next.delete(path);
        } else if (kind === 2) next.set(name(), text());
        else if (kind === 3) {
          const [from = "a/", to = "d/"] = random(2) ? ["a/", "d/"] : ["c/", "e/"];
          for (const [old, content] of [...next])
            if (old.startsWith(from)) {
              next.delete(old);
              next.set(to + old.slice(from.length), content);
            }
        } else
          next.set(
            path,
            (next.get(path) ?? "").replace(/line (\d) \d\n/g, (line, at) =>
              random(4) ? line : `line ${at} ${random(3)}\n`,
            ),
          );
      }
      // No file where a folder is.
      for (const path of [...next.keys()])
        if ([...next.keys()].some((other) => other.startsWith(`${path}/`))) next.delete(path);
      return next.size > 0 ? next : tree;
    };
    const write = (tree: Map<string, string>) =>
      `deleteall\n${[...tree].map(([path, content]) => put(path, content)).join("")}`;
    const stream = [commit("refs/heads/b0", undefined, write(files))];
    const heads = 24;
    const steps = 10;
    for (let index = 0; index < heads; index++)
      stream.push(commit(`refs/heads/h${index}`, "refs/heads/b0", write(mutate(files))));
    let tree = files;
    for (let index = 1; index <= steps; index++) {
      tree = mutate(tree);
      stream.push(commit(`refs/heads/b${index}`, `refs/heads/b${index - 1}`, write(tree)));
    }
    const gitDir = await imported(folder, stream.join(""));
    const at = await tips(gitDir);
    const kept = new Analyses();
    let carried = 0;
    for (let base = 0; base <= steps; base++)
      for (let head = 0; head < heads; head++) {
        const commits = { headSha: at.get(`refs/heads/h${head}`) ?? "", baseSha: at.get(`refs/heads/b${base}`) ?? "" };
        const answer = await kept.of([gitDir], commits);
        if (answer.baseSha === commits.baseSha) continue;
        carried++;
        const { merge, mergeBaseSha } = await new Analyses().of([gitDir], commits);
        expect({ seed, base, head, merge: answer.merge, mergeBaseSha: answer.mergeBaseSha }).toEqual({
          seed,
          base,
          head,
          merge,
          mergeBaseSha,
        });
      }
    expect({ seed, carried: carried > 0 }).toEqual({ seed, carried: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 300_000);
