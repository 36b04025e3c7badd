import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";

let gateway: GatewayFixture;
let first: string;
let second: string;
let topic: string;

beforeAll(async () => {
  gateway = await GatewayFixture.start();
  await gateway.createRepository("shop");
  const work = await gateway.workTree("shop-work", "shop");
  await gateway.commit(work, "src/app.txt", "one\ntwo\nthree\nfour\nfive\n", "app");
  await gateway.commit(work, "public/index.html", "<script>alert(1)</script>\n", "page");
  await writeFile(join(work, "logo.bin"), Buffer.from([0, 1, 2, 255]));
  first = await gateway.commit(work, "big.txt", "x".repeat(3_000_000), "big\n\nwith a body");
  await ok(gateway.git(["tag", "-a", "v1", "-m", "v1"], work));
  await ok(gateway.git(["checkout", "-q", "-b", "feature/rename"], work));
  await ok(gateway.git(["mv", "src/app.txt", "src/application.txt"], work));
  topic = await gateway.commit(work, "src/ünï code.txt", "new\n", "rename and add");
  await ok(gateway.git(["checkout", "-q", "main"], work));
  second = await gateway.commit(work, "README.md", "hello again\n", "readme");
  await ok(gateway.git(["push", "-q", "origin", "main", "feature/rename", "v1"], work));
});
afterAll(() => gateway.stop());

async function json(path: string): Promise<{ status: number; body: never }> {
  const response = await gateway.get(`/acme/shop/-/${path}`);
  return { status: response.status, body: (await response.json()) as never };
}

test("refs are listed with what they point at", async () => {
  const { body } = await json("refs");
  expect(body).toMatchObject({
    defaultBranch: "main",
    headSha: second,
    branches: [
      { name: "feature/rename", sha: topic },
      { name: "main", sha: second },
    ],
    tags: [{ name: "v1", commitSha: first }],
    truncated: false,
  });
});

describe("tree", () => {
  test("a directory lists folders first, with sizes of files", async () => {
    const { body } = await json("tree/main");
    const { entries, commitSha } = body as {
      entries: { name: string; kind: string; size?: number }[];
      commitSha: string;
    };
    expect(commitSha).toBe(second);
    expect(entries.map(({ name, kind, size }) => `${kind} ${name} ${size ?? "-"}`)).toEqual([
      "directory public -",
      "directory src -",
      "file README.md 12",
      "file big.txt 3000000",
      "file logo.bin 4",
    ]);
  });

  test("a branch with a slash, a folder and a path that is not ASCII work", async () => {
    const { body } = await json("tree/feature%2Frename?path=src");
    expect((body as { entries: { path: string }[] }).entries.map(({ path }) => path)).toEqual([
      "src/application.txt",
      "src/ünï code.txt",
    ]);
  });

  test.each([
    "tree/nope",
    "tree/main?path=nope",
    "tree/main?path=README.md",
    "tree/main?path=../..",
    "tree/--all",
    "tree/main%0Ainfo",
  ])("%s does not exist", async (path) => {
    expect(await json(path)).toMatchObject({ status: 404, body: { kind: "Status", reason: "NotFound", code: 404 } });
  });
});

describe("blob", () => {
  test.each([
    { path: "README.md", type: "text/plain; charset=utf-8", reason: "text" },
    {
      path: "public/index.html",
      type: "text/plain; charset=utf-8",
      reason: "HTML must not run in the console's origin",
    },
    { path: "logo.bin", type: "application/octet-stream", reason: "a NUL makes it binary" },
    { path: "big.txt", type: "text/plain; charset=utf-8", reason: "streamed" },
  ])("$path is served as $type: $reason", async ({ path, type }) => {
    const response = await gateway.get(`/acme/shop/-/blob/main?path=${encodeURIComponent(path)}`);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.length).toBe(Number(response.headers.get("content-length")));
  });

  test("a copy that is current is not sent again", async () => {
    const path = "/acme/shop/-/blob/main?path=README.md";
    const etag = (await gateway.get(path)).headers.get("etag") ?? "";
    const again = await fetch(`${gateway.origin}${path}`, {
      headers: { authorization: "Bearer alice-token", "if-none-match": etag },
    });
    expect(again.status).toBe(304);
  });
});

describe("history", () => {
  test("pages follow one another without gaps, and a path narrows them", async () => {
    const subjects: string[] = [];
    let after = "";
    do {
      const { body } = await json(`commits/main?limit=2${after && `&after=${encodeURIComponent(after)}`}`);
      const page = body as { commits: { subject: string }[]; next?: string };
      subjects.push(...page.commits.map(({ subject }) => subject));
      after = page.next ?? "";
    } while (after);
    expect(subjects).toEqual(["readme", "big", "page", "app", "first"]);
    const { body } = await json("commits/main?path=src");
    expect((body as { commits: { subject: string }[] }).commits.map(({ subject }) => subject)).toEqual(["app"]);
  });

  test("a commit comes with its message and files", async () => {
    const { body } = await json(`commit/${first}`);
    expect(body).toMatchObject({
      sha: first,
      subject: "big",
      message: "big\n\nwith a body\n",
      author: { name: "Alice", email: "alice@example.org" },
      filesTotal: 2,
      files: [
        { path: "big.txt", kind: "added", additions: 1 },
        { path: "logo.bin", kind: "added", binary: true },
      ],
    });
  });

  test("the first commit is compared with nothing", async () => {
    const { body } = await json(`commit/${first}~3`);
    expect(body).toMatchObject({ subject: "first", parents: [], files: [{ path: "README.md", kind: "added" }] });
  });

  test.each([
    "commits/main?limit=0",
    "commits/main?limit=x",
    "commits/main?after=zzz",
    "compare/main",
    "compare/a...b...c",
  ])("%s is a bad request", async (path) => {
    expect((await json(path)).status).toBe(400);
  });
});

describe("compare", () => {
  test("head is compared with the merge base, renames are found", async () => {
    const { body } = await json("compare/main...feature%2Frename");
    expect(body).toMatchObject({
      baseSha: second,
      headSha: topic,
      mergeBaseSha: first,
      ahead: 1,
      behind: 1,
      commits: [{ subject: "rename and add" }],
      files: [
        { path: "src/application.txt", previousPath: "src/app.txt", kind: "renamed", additions: 0, deletions: 0 },
        { path: "src/ünï code.txt", kind: "added", additions: 1, deletions: 0 },
      ],
      filesTotal: 2,
      additions: 1,
      truncated: false,
    });
  });

  test("the diff is git's", async () => {
    const response = await gateway.get("/acme/shop/-/diff/main...feature%2Frename");
    const text = await response.text();
    expect(text).toContain("rename from src/app.txt\nrename to src/application.txt\n");
    expect(text).toContain("+++ b/src/ünï code.txt");
    const one = await (
      await gateway.get(`/acme/shop/-/diff/main...feature%2Frename?path=${encodeURIComponent("src/ünï code.txt")}`)
    ).text();
    expect(one).not.toContain("rename from");
  });
});

test("what cannot be read needs the same right as a fetch", async () => {
  expect((await gateway.get("/acme/shop/-/refs", null)).status).toBe(401);
  gateway.cluster.addUser("eve-token", "eve");
  const response = await gateway.get("/acme/shop/-/refs", "eve-token");
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({ kind: "Status", reason: "Forbidden" });
});
