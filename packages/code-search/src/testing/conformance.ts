/** Test only: what every engine must do. Ranges are shown as the text they mark, so that a failure can be read. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import type { CodeSearch, FoundFile, IndexedRepository, SearchAnswer, SearchRequest } from "../engine/code-search.ts";
import { parseQuery } from "../query/parse.ts";
import { type Files, GitRepository } from "./git-repository.ts";

const app: IndexedRepository = { uid: "11111111-aaaa-4aaa-8aaa-111111111111", namespace: "acme", name: "app" };
const lib: IndexedRepository = { uid: "22222222-bbbb-4bbb-8bbb-222222222222", namespace: "acme", name: "lib" };
const secret: IndexedRepository = { uid: "33333333-cccc-4ccc-8ccc-333333333333", namespace: "hidden", name: "secret" };

const main: Files = {
  "README.md": "# App\n\nRetries requests, politely.\n",
  "cmd/server/main.go": 'package main\n\nfunc main() {\n\tretry("requests", 3)\n}\n',
  "internal/retry/retry.go":
    "package retry\n\n// Retry tries again: foo.bar(baz)\nfunc Retry(times int) error {\n\treturn nil\n}\n",
  "internal/retry/retry_test.go": 'package retry\n\nfunc TestRetry(t *T) {\n\tt.Log("tab\\tand \\"quotes\\"")\n}\n',
  "web/app.ts": "export function retry(times: number): void {\r\n  // naïve: größer als 3 → ✓ done\r\n}\r\n",
  "web/logo.png": Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]),
  "docs/left-pad.md": "left-pad/1.0 {a|b} [c]* (^$)? \\d\n",
  "docs/no newline at end.txt": "last line without end",
};
const release: Files = { ...main, "CHANGELOG.md": "Retry was added.\n", "README.md": "# App 1.0\n" };
const library: Files = { "src/retry.py": "def retry(times):\n    pass\n", "src/empty.py": "" };

export interface ConformanceEngine {
  engine: CodeSearch;
  close(): Promise<void>;
}

/** @param start makes an engine on an empty folder */
export function testCodeSearch(start: (folder: string) => Promise<ConformanceEngine>): void {
  let folder: TemporaryFolder;
  let running: ConformanceEngine;
  let repositories: Map<IndexedRepository, GitRepository>;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    folder = await temporaryFolder("code-search");
    running = await start(`${folder.path}/index`);
    repositories = new Map();
    for (const repository of [app, lib, secret])
      repositories.set(repository, await GitRepository.create(`${folder.path}/${repository.uid}.git`));
    await index(app, { main, "release/1.0": release });
    await index(lib, { main: library });
    await index(secret, { main: { "retry.txt": "retry unicorn: the secret of the house\n" } });
  }, 120_000);
  afterAll(async () => {
    await running.close();
    await folder.remove();
  });

  async function index(repository: IndexedRepository, branches: Record<string, Files>): Promise<void> {
    const git = repositories.get(repository) as GitRepository;
    const tips = [];
    for (const [branch, files] of Object.entries(branches)) tips.push(await git.write(branch, files));
    await running.engine.index({ repository, branches: tips, gitDir: git.gitDir, signal });
    expect(await running.engine.indexed(repository)).toEqual(tips);
  }

  function search(query: string, options: Partial<SearchRequest> = {}): Promise<SearchAnswer> {
    return running.engine.search({ query: parseQuery(query), repositories: [app, lib], limit: 50, signal, ...options });
  }

  const marked = (text: string, ranges: readonly [number, number][]) =>
    ranges.map(([start, end]) => text.slice(start, end)).join("|");

  const shown = ({ repository, path, lines, pathRanges }: FoundFile) =>
    [
      `${repository.name}:${path}`,
      ...(pathRanges ? [`[${marked(path, pathRanges)}]`] : []),
      ...lines.map(({ number, text, ranges }) => `${number}[${marked(text, ranges)}]`),
    ].join(" ");

  const cases: { query: string; found: string[]; reason: string }[] = [
    {
      query: "retry -lang:go",
      found: ["app:CHANGELOG.md 1[Retry]", "app:web/app.ts 1[retry]", "lib:src/retry.py 1[retry]"],
      reason: "never mind the case of a word without capitals; nothing of other repositories",
    },
    {
      query: "Retry",
      found: [
        "app:CHANGELOG.md 1[Retry]",
        "app:internal/retry/retry.go 3[Retry] 4[Retry]",
        "app:internal/retry/retry_test.go 3[Retry]",
      ],
      reason: "a capital makes case count",
    },
    { query: "case:no Retry lang:python", found: ["lib:src/retry.py 1[retry]"], reason: "case:no" },
    { query: "case:yes retries", found: [], reason: "case:yes" },
    { query: "foo.bar", found: ["app:internal/retry/retry.go 3[foo.bar]"], reason: "an expression" },
    { query: "foo\\.bar\\(baz\\)", found: ["app:internal/retry/retry.go 3[foo.bar(baz)]"], reason: "an escaped text" },
    {
      query: "func\\s+(Test|main)\\w*\\(",
      found: ["app:cmd/server/main.go 3[func main(]", "app:internal/retry/retry_test.go 3[func TestRetry(]"],
      reason: "groups without spaces are of the expression",
    },
    {
      query: "^package\\s+retry$",
      found: ["app:internal/retry/retry.go 1[package retry]", "app:internal/retry/retry_test.go 1[package retry]"],
      reason: "^ and $ are of lines",
    },
    {
      query: '"politely." requests',
      found: ["app:README.md 3[requests|politely.]"],
      reason: "words are all needed, and a line shows each",
    },
    {
      query: '"Retries requests"',
      found: ["app:README.md 3[Retries requests]"],
      reason: "quotes hold a phrase together",
    },
    {
      query: "politely or unicorn or TestRetry",
      found: ["app:README.md 3[politely]", "app:internal/retry/retry_test.go 3[TestRetry]"],
      reason: "or",
    },
    { query: "(politely or pass) -lang:markdown", found: ["lib:src/retry.py 2[pass]"], reason: "groups and negation" },
    {
      query: "file:retry lang:go -file:_test",
      found: ["app:internal/retry/retry.go [retry|retry]"],
      reason: "paths alone",
    },
    { query: "file:^cmd/ requests", found: ["app:cmd/server/main.go 4[requests]"], reason: "a path and a content" },
    { query: "content:app.ts", found: [], reason: "content is not the path" },
    { query: "app.ts", found: ["app:web/app.ts [app.ts]"], reason: "a word is looked for in paths as well" },
    { query: "file:logo", found: ["app:web/logo.png [logo]"], reason: "a binary file is found by its path" },
    {
      query: "repo:lib$ times",
      found: ["lib:src/retry.py 1[times]"],
      reason: "repo: is an expression on namespace/name",
    },
    {
      query: "repo:^acme/app$ -repo:lib times",
      found: ["app:internal/retry/retry.go 4[times]", "app:web/app.ts 1[times]"],
      reason: "repo: with its namespace",
    },
    { query: "größer", found: ["app:web/app.ts 2[größer]"], reason: "other letters than English ones" },
    { query: "→\\s✓", found: ["app:web/app.ts 2[→ ✓]"], reason: "columns are characters, not bytes" },
    {
      query: '"without end"',
      found: ["app:docs/no newline at end.txt 1[without end]"],
      reason: "the last line may lack its newline",
    },
    {
      query: "main\\(\\)\\s\\{\\s+retry",
      found: ["app:cmd/server/main.go 3[main() {] 4[\tretry]"],
      reason: "a match over two lines is shown on both",
    },
    { query: "branch:release added", found: ["app:CHANGELOG.md 1[added]"], reason: "a branch" },
    { query: "branch:HEAD CHANGELOG", found: [], reason: "HEAD is the default branch" },
    { query: "left-pad/1\\.0", found: ["app:docs/left-pad.md 1[left-pad/1.0]"], reason: "a hyphen and a slash" },
    {
      query: '"pad/1\\\\.0 \\\\{a\\\\|b\\\\} \\\\[c\\\\]\\\\* \\\\(\\\\^\\\\$\\\\)\\\\? \\\\\\\\d"',
      found: ["app:docs/left-pad.md 1[pad/1.0 {a|b} [c]* (^$)? \\d]"],
      reason: "every operator, escaped",
    },
    { query: "lang:cobol retry", found: [], reason: "nothing in that language" },
    { query: "xyzzyplugh", found: [], reason: "nothing" },
  ];
  test.each(cases)("$query: $reason", async ({ query, found }) => {
    const { files, incomplete, next } = await search(query);
    expect(files.map(shown)).toEqual(found);
    expect({ incomplete, next }).toEqual({ incomplete: false, next: undefined });
  });

  test("a file says where it is", async () => {
    const { files } = await search("file:main\\.go retry");
    const tips = await running.engine.indexed(app);
    expect(files).toEqual([
      {
        repository: app,
        path: "cmd/server/main.go",
        branches: ["main", "release/1.0"],
        commit: tips?.[0]?.commit,
        language: "Go",
        lines: [{ number: 4, text: '\tretry("requests", 3)', ranges: [[1, 6]] }],
        moreLines: false,
      },
    ]);
  });

  test("pages follow one another without gap or repeat", async () => {
    const all = (await search("retry or pass or end")).files.map(shown);
    const paged: string[] = [];
    let after: SearchRequest["after"];
    do {
      const page = await search("retry or pass or end", { limit: 2, after });
      paged.push(...page.files.map(shown));
      expect(page.files.length).toBeLessThanOrEqual(2);
      after = page.next;
    } while (after);
    expect(paged).toEqual(all);
  });

  test("nothing is found without repositories, and nothing in those not asked for", async () => {
    expect(await search("retry", { repositories: [] })).toEqual({ files: [], incomplete: false });
    expect((await search("unicorn or retry", { repositories: [lib] })).files.map(({ path }) => path)).toEqual([
      "src/retry.py",
    ]);
    expect((await search("repo:hidden or unicorn")).files).toEqual([]);
    expect((await search("-repo:acme")).files).toEqual([]);
  });

  test("many matches in one file are cut, and it says so", async () => {
    const many = Array.from({ length: 300 }, (_, line) => `needle ${line}`).join("\n");
    const long = `${"x".repeat(5000)}needle${"y".repeat(5000)}`;
    await index(lib, { main: { ...library, "many.txt": many, "long.txt": long } });
    const { files } = await search("needle");
    expect(files.map(({ path, moreLines }) => [path, moreLines])).toEqual([
      ["long.txt", false],
      ["many.txt", true],
    ]);
    expect(files[1]?.lines.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    const [line] = files[0]?.lines ?? [];
    expect(line?.text.length).toBeLessThanOrEqual(400);
    expect(marked(line?.text ?? "", line?.ranges ?? [])).toBe("needle");
  });

  test("an index follows force pushes, deleted branches and renames", async () => {
    await index(lib, {
      main: { "moved/retry.py": "def retry(times):\n    pass\n" },
      topic: { "new.py": "brandnew = 1\n" },
    });
    expect((await search("times lang:python")).files.map(shown)).toEqual(["lib:moved/retry.py 1[times]"]);
    expect((await search("brandnew")).files.map(({ branches }) => branches)).toEqual([["topic"]]);
    await index(lib, { main: { "other.py": "nothing = 2\n" } });
    expect((await search("brandnew or times repo:lib")).files).toEqual([]);
    expect((await search("nothing lang:python")).files.map(shown)).toEqual(["lib:other.py 1[nothing]"]);
  });

  describe("a repository that is removed", () => {
    test("is not found any more, and can come back", async () => {
      await index(lib, { main: library });
      expect((await running.engine.known()).toSorted()).toEqual([app.uid, lib.uid, secret.uid].toSorted());
      await running.engine.remove(lib.uid);
      await running.engine.remove("never-there");
      expect((await search("times lang:python")).files).toEqual([]);
      expect(await running.engine.indexed(lib)).toBeUndefined();
      expect((await running.engine.known()).toSorted()).toEqual([app.uid, secret.uid].toSorted());
      await index(lib, { main: library });
      expect((await search("times lang:python")).files.map(shown)).toEqual(["lib:src/retry.py 1[times]"]);
    });
  });
}
