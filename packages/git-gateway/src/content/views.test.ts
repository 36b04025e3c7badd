import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runGit } from "@krate/git";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";

let gateway: GatewayFixture;
let work: string;
const ids: Record<string, string> = {};
const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
const large = Buffer.alloc(3_000_000, "0123456789");

beforeAll(async () => {
  gateway = await GatewayFixture.start();
  await gateway.createRepository("shop");
  work = await gateway.workTree("shop-work", "shop");
  await mkdir(join(work, "pages"), { recursive: true });
  for (const [name, content] of Object.entries({
    "pages/evil.html": "<script>alert(1)</script>",
    "pages/evil.svg": "<svg onload='alert(1)'/>",
    "pages/evil.png": "<script>alert(1)</script>",
    "pages/good.png": png,
    'pages/a"b\u00fc.html': "x",
    "large.txt": large,
    "empty.txt": "",
    "big.bin": `version https://git-lfs.github.com/spec/v1\noid sha256:${"ab".repeat(32)}\nsize 12345\n`,
    "secret/internal.txt": "not for release\n",
    ".gitattributes": "secret export-ignore\n",
  })) {
    await mkdir(join(work, name, ".."), { recursive: true });
    await writeFile(join(work, name), content);
  }
  ids["base"] = await gateway.commit(work, "code.ts", "one\ntwo\nthree\n", "base");
  ids["second"] = await gateway.commit(work, "code.ts", "one\nTWO\nthree\n", "second");
  ids["format"] = await gateway.commit(work, "code.ts", "one;\nTWO;\nthree;\n", "reformat");
  await gateway.commit(
    work,
    ".git-blame-ignore-revs",
    `# formatting\n${ids["format"]}\nnonsense\n${"1".repeat(40)}\n`,
    "ignore",
  );
  await ok(gateway.git(["checkout", "-q", "-b", "topic", ids["second"]], work));
  await ok(gateway.git(["mv", "code.ts", "moved.ts"], work));
  ids["topic"] = await gateway.commit(work, "topic.txt", "t\n", "topic");
  await ok(gateway.git(["tag", "-a", "v1", "-m", "one"], work));
  await ok(gateway.git(["push", "-q", "origin", "main", "topic", "v1"], work));
});
afterAll(() => gateway.stop());

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${gateway.origin}/acme/shop/-/${path}`, {
    method,
    headers: { authorization: "Bearer alice-token", ...headers },
  });
const json = async (path: string) => (await get(path)).json() as Promise<never>;
const lines = async (path: string) =>
  (await (await get(path)).text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("raw", () => {
  test.each([
    { path: "pages/evil.html", type: "text/plain; charset=utf-8", saved: true, reason: "a page" },
    { path: "pages/evil.svg", type: "text/plain; charset=utf-8", saved: true, reason: "a drawing that runs scripts" },
    {
      path: "pages/evil.png",
      type: "text/plain; charset=utf-8",
      saved: false,
      reason: "a page that calls itself a picture",
    },
    { path: "pages/good.png", type: "image/png", saved: false, reason: "a picture" },
    { path: "code.ts", type: "text/plain; charset=utf-8", saved: false, reason: "text" },
  ])("$path cannot run: $reason", async ({ path, type, saved }) => {
    const response = await get(`raw/main?path=${encodeURIComponent(path)}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
    expect(response.headers.get("content-disposition")?.startsWith("attachment;") ?? false).toBe(saved);
  });

  test("a file name cannot leave its header", async () => {
    const response = await get(`raw/main?path=${encodeURIComponent('pages/a"bü.html')}`);
    expect(response.headers.get("content-disposition")).toBe(
      "attachment; filename=\"a_b_.html\"; filename*=UTF-8''a%22b%C3%BC.html",
    );
  });
});

describe("ranges", () => {
  test.each([
    { file: "code.ts", range: "bytes=0-3", status: 206, content: "one;", contentRange: "bytes 0-3/17" },
    { file: "code.ts", range: "bytes=-3", status: 206, content: "e;\n", contentRange: "bytes 14-16/17" },
    {
      file: "code.ts",
      range: "bytes=10-999",
      status: 206,
      content: "three;\n".slice(0),
      contentRange: "bytes 10-16/17",
    },
    { file: "code.ts", range: "bytes=17-", status: 416, content: "", contentRange: "bytes */17" },
    { file: "code.ts", range: "bytes=0-1,4-5", status: 200, content: "one;\nTWO;\nthree;\n", contentRange: null },
    {
      file: "large.txt",
      range: "bytes=2000005-2000009",
      status: 206,
      content: "56789",
      contentRange: "bytes 2000005-2000009/3000000",
    },
    { file: "large.txt", range: "bytes=-1", status: 206, content: "9", contentRange: "bytes 2999999-2999999/3000000" },
    { file: "empty.txt", range: "bytes=0-", status: 416, content: "", contentRange: "bytes */0" },
  ])("$range of $file", async ({ file, range, status, content, contentRange }) => {
    const response = await get(`blob/main?path=${file}`, { range });
    expect([response.status, await response.text(), response.headers.get("content-range")]).toEqual([
      status,
      content,
      contentRange,
    ]);
  });

  test("a range of a file that changed meanwhile is the whole new one", async () => {
    const response = await get("blob/main?path=code.ts", { range: "bytes=0-2", "if-range": '"other"' });
    expect([response.status, (await response.text()).length]).toEqual([200, 17]);
  });

  test("HEAD says all and sends nothing, and a limit refuses what is larger", async () => {
    const head = await get("blob/main?path=large.txt", {}, "HEAD");
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "3000000", ""]);
    expect((await get("blob/main?path=large.txt&maxBytes=1000")).status).toBe(413);
  });

  test("a pointer of Git LFS is said to be one", async () => {
    const { headers } = await get("blob/main?path=big.bin");
    expect([headers.get("x-krate-lfs-oid"), headers.get("x-krate-lfs-size")]).toEqual(["ab".repeat(32), "12345"]);
  });
});

describe("blame", () => {
  const owners = async (query: string) => {
    const [first, ...rest] = await lines(`blame/main?path=code.ts${query}`);
    expect(rest.pop()).toEqual({ complete: true });
    const found: unknown[] = [];
    for (const group of rest as { line: number; count: number; sha: string }[])
      for (let line = group.line; line < group.line + group.count; line++) found[line - 1] = group.sha;
    return { first, found };
  };

  test("every line has its commit, formatting looked through", async () => {
    const { first, found } = await owners("");
    expect(first).toMatchObject({ path: "code.ts", ignored: 1 });
    expect(found).toEqual([ids["base"], ids["second"], ids["base"]]);
  });

  test("without the file of ignored revisions, and of some lines only", async () => {
    expect((await owners("&ignoreRevs=false")).found).toEqual([ids["format"], ids["format"], ids["format"]]);
    expect((await owners("&lines=2,2")).found).toEqual([undefined, ids["second"]]);
  });

  test.each(["lines=0,1", "lines=3,2", "lines=1,2;x", "lines=/x/", "lines=90,99"])(
    "%s is a bad request",
    async (query) => {
      expect((await get(`blame/main?path=code.ts&${query}`)).status).toBe(400);
    },
  );
});

describe("archive", () => {
  const names = async (path: string) => {
    const response = await get(path);
    const bytes = Buffer.from(await response.arrayBuffer());
    await writeFile(
      join(gateway.folder, "out.tar"),
      path.includes("format=tar.gz") || !path.includes("format=") ? gunzipSync(bytes) : bytes,
    );
    return listTar(join(gateway.folder, "out.tar"));
  };

  test("all files in one folder, those that are not for export left out", async () => {
    const found = await names("archive/v1");
    expect(found).toContain("shop-v1/moved.ts");
    expect(found.some((name) => name.includes("secret"))).toBe(false);
  });

  test("with a prefix of one's own, of a folder", async () => {
    expect(
      (await names("archive/main?format=tar&prefix=x/y&path=pages")).filter((name) => !name.endsWith("/")).sort(),
    ).toEqual([
      'x/y/pages/a"bü.html',
      "x/y/pages/evil.html",
      "x/y/pages/evil.png",
      "x/y/pages/evil.svg",
      "x/y/pages/good.png",
    ]);
  });

  test("a zip is one, its name is safe, and the same commit gives the same bytes", async () => {
    const response = await get("archive/main?format=zip");
    expect(response.headers.get("content-disposition")).toContain('filename="shop-main.zip"');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 2).toString()).toBe("PK");
    const again = Buffer.from(await (await get("archive/main?format=zip")).arrayBuffer());
    expect(again.equals(bytes)).toBe(true);
    expect((await get("archive/main?format=zip", { "if-none-match": response.headers.get("etag") ?? "" })).status).toBe(
      304,
    );
  });

  test.each([
    "prefix=../x",
    "prefix=/etc",
    "prefix=a/../b",
    "prefix=.git",
    "prefix=a%00b",
    "prefix=a%0Ab",
    "format=tgz;id",
    "format=__proto__",
  ])("%s is a bad request", async (query) => {
    expect((await get(`archive/main?${query}`)).status).toBe(400);
  });
});

describe("branches and tags", () => {
  test("come page by page with their commits and distances", async () => {
    const first = (await json("branches?limit=1&aheadBehind=true")) as { next: string };
    expect(first).toMatchObject({
      defaultBranch: "main",
      branches: [{ name: "main", isDefault: true, ahead: 0, behind: 0, commit: { subject: "ignore" } }],
      total: 2,
      next: "main",
    });
    expect(await json(`branches?limit=1&aheadBehind=true&after=${first.next}`)).toEqual({
      defaultBranch: "main",
      branches: [
        {
          name: "topic",
          sha: ids["topic"],
          isDefault: false,
          ahead: 1,
          behind: 2,
          commit: expect.objectContaining({ sha: ids["topic"] }),
        },
      ],
      total: 2,
    });
    expect(await json("branches?search=TOP")).toMatchObject({ branches: [{ name: "topic" }], total: 1 });
    expect(await json("tags")).toMatchObject({
      tags: [{ name: "v1", annotated: true, commitSha: ids["topic"] }],
      total: 1,
    });
  });

  test("of 100,000 refs a page is one page", async () => {
    const gitDir = await gateway.createRepository("many");
    await runGit(["fast-import", "--quiet", "--done"], {
      gitDir,
      stdin: "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\ndone\n",
    });
    const id = (await runGit(["rev-parse", "main"], { gitDir })).stdout.toString().trim();
    const refs = Array.from({ length: 100_000 }, (_, n) => `${id} refs/heads/b${String(n).padStart(6, "0")}\n`);
    await writeFile(join(gitDir, "packed-refs"), `# pack-refs with: peeled fully-peeled sorted \n${refs.join("")}`);
    const page = (await (await gateway.get("/acme/many/-/branches?after=b050000&limit=2")).json()) as {
      branches: { name: string }[];
    };
    expect(page).toMatchObject({
      branches: [{ name: "b050001" }, { name: "b050002" }],
      total: 100_001,
      next: "b050002",
    });
    expect(await (await gateway.get("/acme/many/-/refs")).json()).toMatchObject({ truncated: true });
  });
});

describe("history", () => {
  test("of one file goes on under its former name", async () => {
    const subjects = async (query: string) =>
      ((await json(`commits/topic?${query}`)) as { commits: { subject: string }[] }).commits.map(
        ({ subject }) => subject,
      );
    expect(await subjects("path=moved.ts")).toEqual(["topic"]);
    expect(await subjects("path=moved.ts&follow=true")).toEqual(["topic", "second", "base"]);
    expect(await subjects("author=ALICE@example&limit=1")).toEqual(["topic"]);
    expect(await subjects("author=nobody.*")).toEqual([]);
  });

  test("a commit says whether it is signed, by the keys that count now", async () => {
    expect(await json("commit/main")).toMatchObject({ subject: "ignore", signature: { state: "none" } });
  });
});

describe("comparisons", () => {
  test("with three dots from where they parted, with two as they are", async () => {
    const files = async (range: string) =>
      ((await json(`compare/${range}`)) as { files: { path: string }[] }).files.map(({ path }) => path);
    expect(await files("main...topic")).toEqual(["moved.ts", "topic.txt"]);
    expect(await files("main..topic")).toEqual([".git-blame-ignore-revs", "code.ts", "moved.ts", "topic.txt"]);
  });

  test("a diff file by file says the same as git's", async () => {
    const told = await lines("diff/main..topic?format=ndjson");
    expect(told.pop()).toEqual({ complete: true });
    expect(told.map(({ path, kind, binary }) => [path, kind, binary])).toEqual([
      [".git-blame-ignore-revs", "deleted", false],
      ["code.ts", "deleted", false],
      ["moved.ts", "added", false],
      ["topic.txt", "added", false],
    ]);
    expect(told.map(({ patch }) => patch).join("")).toBe(await (await get("diff/main..topic")).text());
  });

  test("renames, pictures and odd names are said", async () => {
    const told = await lines(`diff/${ids["base"]}~1..main?format=ndjson`);
    const found = new Map(told.slice(0, -1).map(({ path, kind, binary }) => [path, { kind, binary }]));
    expect(found.get('pages/a"bü.html')).toEqual({ kind: "added", binary: false });
    expect(found.get("pages/good.png")).toEqual({ kind: "added", binary: true });
    expect(found.get("empty.txt")).toEqual({ kind: "added", binary: false });
    const moved = await lines("diff/main...topic?format=ndjson");
    expect(moved[0]).toMatchObject({ path: "moved.ts", previousPath: "code.ts", kind: "renamed" });
  });

  test("a client that leaves in the middle of a diff ends git", async () => {
    const gitDir = await gateway.createRepository("endless");
    const line = "x".repeat(999);
    const files = Array.from(
      { length: 100 },
      (_, n) => `M 100644 inline f${n}\ndata 1000000\n${`${line}\n`.repeat(1000)}\n`,
    );
    const stream = `commit refs/heads/a\ncommitter A <a@b> 1 +0000\ndata 1\na\n\ncommit refs/heads/b\ncommitter A <a@b> 2 +0000\ndata 1\nb\n${files.join("")}done\n`;
    await runGit(["fast-import", "--quiet", "--done"], { gitDir, stdin: stream });
    const request = httpRequest(`${gateway.origin}/acme/endless/-/diff/a..b`, {
      headers: { authorization: "Bearer alice-token" },
    });
    request.on("error", () => undefined).end();
    const [response] = await once(request, "response");
    await once(response, "readable");
    request.destroy();
    // Over for the server only when the process behind it is: the handler waits for its exit.
    await gateway.idle();
    expect(gateway.failures).toEqual([]);
  });
});

describe("hostile and empty", () => {
  test.each([
    "tree/--upload-pack=x",
    "tree/-",
    "commits/--output=%2Ftmp%2Fx",
    "commit/main%00",
    "blob/main%0Ax?path=code.ts",
    "archive/--remote=x",
    "archive/--exec=x",
    "blame/--contents=%2Fetc%2Fpasswd?path=code.ts",
    "compare/--no-index...main",
    "diff/main...--output=x",
    "tree/main?path=..%2F..%2Fetc",
    "raw/main?path=..%2F..%2Fetc%2Fpasswd",
    "blob/main?path=%00",
    "blame/main?path=code.ts%2F..%2F..",
    "tree/@%7B1%7D",
    "tree/%3A%2Ffirst",
    "branches?base=--all&aheadBehind=true",
  ])("%s finds nothing", async (path) => {
    expect([404, 400]).toContain((await get(path)).status);
  });

  test.each([
    { path: `tree/${"a".repeat(5000)}`, status: 404, reason: "a long revision" },
    { path: `tree/main?path=${"a".repeat(5000)}`, status: 400, reason: "a long path" },
    { path: "tree/main?path=%zz", status: 400, reason: "not URL-encoded" },
    { path: "blame/main?path=%ff", status: 400, reason: "bytes where text is needed" },
    { path: "tree/main?path=%ff", status: 404, reason: "bytes that are no path here" },
    { path: "tree/main?lastCommits=yes", status: 400, reason: "neither true nor false" },
    { path: "commits/main?follow=true", status: 400, reason: "follow without a path" },
    { path: "commits/main?author=a%0Ab", status: 400, reason: "two lines" },
    { path: `commits/main?after=${"1".repeat(40)}%2B30`, status: 404, reason: "a cursor of a commit that is not here" },
    { path: "diff/main...topic?format=x", status: 400, reason: "no such format" },
    { path: "compare/main....topic", status: 400, reason: "four dots" },
    { path: "constructor", status: 404, reason: "no view" },
  ])("$status for $reason", async ({ path, status }) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ kind: "Status", code: status });
  });

  test("a repository without commits has no branches, and says that a revision is missing", async () => {
    await gateway.createRepository("empty");
    const of = async (path: string) => {
      const response = await gateway.get(`/acme/empty/-/${path}`);
      return { status: response.status, body: await response.json() };
    };
    expect(await of("refs")).toEqual({
      status: 200,
      body: { defaultBranch: "main", branches: [], tags: [], truncated: false },
    });
    expect(await of("branches?aheadBehind=true")).toEqual({
      status: 200,
      body: { defaultBranch: "main", branches: [], total: 0 },
    });
    expect(await of("tags")).toEqual({ status: 200, body: { tags: [], total: 0 } });
    expect((await of("tree/main?lastCommits=true")).status).toBe(404);
    expect((await of("archive/main")).status).toBe(404);
  });
});

async function listTar(path: string): Promise<string[]> {
  // git reads no tar; its own test suite uses the system's.
  const { execFile } = await import("node:child_process");
  return new Promise((resolve, reject) => {
    execFile("tar", ["-tf", path, "--quoting-style=literal"], (error, stdout) =>
      error ? reject(error) : resolve(stdout.trimEnd().split("\n")),
    );
  });
}
