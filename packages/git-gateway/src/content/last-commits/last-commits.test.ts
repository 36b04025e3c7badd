import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gitText, runGit } from "@krate/git";
import { generateHistory } from "@krate/git/testing";
import { GatewayFixture, ok } from "../../testing/gateway-fixture.ts";

interface Tree {
  entries: { name: string; path: string; rawPath?: string; lastCommit?: string }[];
  lastCommits: { complete: boolean; commits: Record<string, { subject: string; author: { at: string } }> };
}

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await GatewayFixture.start();
});
afterAll(() => gateway.stop());

async function tree(repository: string, rev: string, path = ""): Promise<Tree> {
  const query = `lastCommits=true&wait=10000&path=${encodeURIComponent(path)}`;
  return (await (await gateway.get(`/acme/${repository}/-/tree/${rev}?${query}`)).json()) as Tree;
}

/** What git says of each entry, one process each. */
async function asGitSays(gitDir: string, rev: string, paths: string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const path of paths) found[path] = await gitText(["rev-list", "-1", rev, "--", `:(literal)${path}`], { gitDir });
  return found;
}

const asAnswered = ({ entries }: Tree) => Object.fromEntries(entries.map(({ path, lastCommit }) => [path, lastCommit]));

describe("a generated history of merges, renames and deletions", () => {
  let gitDir: string;
  const seed = Number(process.env.KRATE_SEED ?? Date.now() % 100_000);
  beforeAll(async () => {
    gitDir = await gateway.createRepository("generated");
    await generateHistory(gitDir, { seed, commits: 600, files: 60 });
  });

  // Older commits first: later answers are derived from those of earlier ones.
  test.each(["main~200", "main~60", "main~59", "main~5", "main"])(
    `every entry at %s has the commit git says (seed ${seed})`,
    async (rev) => {
      for (const path of ["", "src", "src/api", "docs"]) {
        const answer = await tree("generated", rev, path);
        expect(answer.lastCommits.complete).toBe(true);
        expect(asAnswered(answer)).toEqual(
          await asGitSays(
            gitDir,
            rev,
            answer.entries.map((entry) => entry.path),
          ),
        );
      }
    },
  );

  test("with a commit-graph and its filters the answer is the same", async () => {
    const other = await gateway.createRepository("with-graph");
    await generateHistory(other, { seed, commits: 600, files: 60 });
    await runGit(["commit-graph", "write", "--reachable", "--changed-paths"], { gitDir: other });
    for (const path of ["", "src/store"])
      expect(await tree("with-graph", "main", path)).toEqual(await tree("generated", "main", path));
  });

  test("it is told line by line, and ends with saying that it is whole", async () => {
    const response = await gateway.get("/acme/generated/-/lastcommits/main?path=src");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    const lines = (await response.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const { entries } = await tree("generated", "main", "src");
    expect(lines[0]).toMatchObject({ rev: "main", path: "src", total: entries.length });
    expect(lines.at(-1)).toEqual({ complete: true });
    const told = lines.slice(1, -1).flatMap(({ commit, names }) => names.map((name: string) => [name, commit.sha]));
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(entries.map(({ name, lastCommit }) => [name, lastCommit])),
    );
  });
});

describe("small histories", () => {
  test("after a push only what it changed has a new commit", async () => {
    await gateway.createRepository("pushed");
    const work = await gateway.workTree("pushed-work", "pushed");
    await gateway.commit(work, "a.txt", "a\n", "a");
    await gateway.commit(work, "b.txt", "b\n", "b");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    const before = asAnswered(await tree("pushed", "main"));
    const id = await gateway.commit(work, "b.txt", "b2\n", "b again");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    const after = await tree("pushed", "main");
    expect(asAnswered(after)).toEqual({ ...before, "b.txt": id });
    expect(after.lastCommits.commits[id]).toMatchObject({ subject: "b again", author: { name: "Alice" } });
  });

  test("a force push to an earlier tree by another way has its own answer", async () => {
    await gateway.createRepository("forced");
    const work = await gateway.workTree("forced-work", "forced");
    const first = await gateway.commit(work, "a.txt", "one\n", "one");
    await gateway.commit(work, "a.txt", "two\n", "two");
    const revert = await gateway.commit(work, "a.txt", "one\n", "back to one");
    await ok(gateway.git(["push", "-q", "origin", "main", `${first}:refs/heads/old`], work));
    expect(asAnswered(await tree("forced", "old"))["a.txt"]).toBe(first);
    expect(asAnswered(await tree("forced", "main"))["a.txt"]).toBe(revert);
  });

  test.each([
    { reason: "spaces and quotes", name: `a "b" 'c'.txt` },
    { reason: "pathspec magic", name: ":(exclude)x" },
    { reason: "a glob", name: "*.t[x]t" },
    { reason: "what looks like a commit of the output", name: `${"0".repeat(40)} subject` },
    { reason: "an option", name: "--all" },
    { reason: "a property of objects", name: "__proto__" },
    { reason: "a newline", name: "one\ntwo" },
  ])("a folder and a file with $reason in the name", async ({ name }) => {
    const repository = `odd-${Math.abs([...name].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7)) % 1e9}`;
    await gateway.createRepository(repository);
    const work = await gateway.workTree(`${repository}-work`, repository);
    const id = await gateway.commit(work, `${name}/${name}`, "x\n", "odd");
    await gateway.commit(work, "other.txt", "x\n", "other");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    expect((await tree(repository, "main", name)).entries).toMatchObject([
      { name, path: `${name}/${name}`, lastCommit: id },
    ]);
    expect((await tree(repository, "main")).entries.find((entry) => entry.name === name)?.lastCommit).toBe(id);
  });

  test("names that are not UTF-8 are told apart and can be asked for", async () => {
    const gitDir = await gateway.createRepository("bytes");
    const stream = Buffer.concat([
      Buffer.from(
        'commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\nM 100644 inline "d\\351/f\\377"\ndata 1\nx\nM 100644 inline "d\\351/f\\376"\ndata 1\ny\ndone\n',
      ),
    ]);
    await runGit(["fast-import", "--quiet", "--done"], { gitDir, stdin: stream });
    const id = await gitText(["rev-parse", "main"], { gitDir });
    const [folder] = (await tree("bytes", "main")).entries;
    expect(folder).toMatchObject({ name: "d\ufffd", rawPath: "d%E9", lastCommit: id });
    const response = await gateway.get(`/acme/bytes/-/tree/main?lastCommits=true&wait=10000&path=${folder?.rawPath}`);
    const { entries } = (await response.json()) as Tree;
    expect(entries.map(({ rawPath, lastCommit }) => [rawPath, lastCommit])).toEqual([
      ["d%E9/f%FE", id],
      ["d%E9/f%FF", id],
    ]);
    const blob = await gateway.get("/acme/bytes/-/blob/main?path=d%E9/f%FE");
    expect(await blob.text()).toBe("y");
  });
});
