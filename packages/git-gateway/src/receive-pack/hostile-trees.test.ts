/** Trees and submodule settings that hurt who checks them out, and pushes of too many refs: refused, and nothing stays. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { flushPkt, formatPktLine, parsePktLines, parseReportStatus, zeroObjectId } from "@krate/git";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";
import { idOf, pack, packed } from "../testing/hand-made-pack.ts";

let gateway: GatewayFixture;
let gitDir: string;
let name: string;
let count = 0;
beforeAll(async () => {
  gateway = await GatewayFixture.start({ maxRefs: 60_000 });
});
afterAll(() => gateway.stop());
afterEach(() => expect(gateway.failures).toEqual([]));
beforeEach(async () => {
  name = `trees-${count++}`;
  gitDir = await gateway.createRepository(name);
});

async function post(body: Buffer): Promise<{ status: number; bytes: Buffer }> {
  const response = await fetch(`${gateway.origin}/acme/${name}.git/git-receive-pack`, {
    method: "POST",
    headers: { authorization: "Bearer alice-token", "content-type": "application/x-git-receive-pack-request" },
    body: new Uint8Array(body),
  });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

const commands = (ids: [ref: string, id: string][]) =>
  Buffer.concat([
    ...ids.map(([ref, id], index) =>
      formatPktLine(`${zeroObjectId} ${id} ${ref}${index === 0 ? "\0report-status" : ""}`),
    ),
    flushPkt,
  ]);

const commitOf = (tree: string) =>
  Buffer.from(`tree ${tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n`);
const treeOf = (mode: string, entry: string, id: string) =>
  Buffer.concat([Buffer.from(`${mode} ${entry}\0`), Buffer.from(id, "hex")]);

/** Pushes one commit with one file; `filler` more objects make git take the pack whole instead of apart. */
async function pushFile(mode: string, entry: string, content: string, filler: number) {
  const blob = Buffer.from(content);
  const tree = treeOf(mode, entry, idOf("blob", blob));
  const commit = commitOf(idOf("tree", tree));
  const more = Array.from({ length: filler }, (_, index) => packed(3, Buffer.from(`filler ${index}`)));
  const { bytes } = await post(
    Buffer.concat([
      commands([["refs/heads/main", idOf("commit", commit)]]),
      pack(packed(1, commit), packed(2, tree), packed(3, blob), ...more),
    ]),
  );
  return parseReportStatus(parsePktLines(bytes));
}

/** Nothing of a refused push may stay: no object, no ref, no folder. */
async function expectUntouched(): Promise<void> {
  const objects = await ok(gateway.git(["--git-dir", gitDir, "count-objects", "-v"]));
  expect(objects.stdout).toMatch(/^count: 0\n(.*\n)*in-pack: 0\n/);
  expect((await ok(gateway.git(["--git-dir", gitDir, "for-each-ref"]))).stdout).toBe("");
  expect(await readdir(join(gitDir, "krate/incoming")).catch(() => [])).toEqual([]);
}

describe.each([
  [0, "a small pack"],
  [120, "a large pack"],
])("with %i more objects (%s)", (filler, _reason) => {
  test.each([
    [".git", "the folder of git itself (CVE-2014-9390)"],
    [".GIT", "the same where case does not count"],
    ["git~1", "its short name on Windows"],
    [".git ", "a space Windows forgets"],
    [".git.", "a dot Windows forgets"],
    [".git::$INDEX_ALLOCATION", "a stream of NTFS (CVE-2019-1352)"],
    [".g\u200cit", "a character HFS+ forgets"],
    [".gi\u200dt", "another"],
    ["..", "the parent folder"],
    [".", "the folder itself"],
    ["a/b", "two folders in one name"],
    ["../x", "a way out"],
  ])("a file called %j is refused: %s", async (entry, _reason) => {
    const report = await pushFile("100644", entry, "x", filler);
    expect(report.unpackError).toMatch(/^object [0-9a-f]{40} is malformed: (hasDotgit|hasDotdot|hasDot|fullPathname)/);
    expect(report.refs).toMatchObject([{ ref: "refs/heads/main", ok: false }]);
    await expectUntouched();
  });

  test.each([
    ['[submodule "x"]\n\turl = -u./x\n\tpath = x\n', /gitmodulesUrl/, "a URL that is an option (CVE-2018-17456)"],
    [
      '[submodule "../../hooks"]\n\turl = https://x/y\n\tpath = x\n',
      /gitmodulesName/,
      "a name that leaves (CVE-2018-11235)",
    ],
    ['[submodule "x"]\n\turl = https://x/y\n\tpath = -x\n', /gitmodulesPath/, "a path that is an option"],
    [
      '[submodule "x"]\n\turl = https://x/y\n\tpath = x\n\tupdate = !sh\n',
      /gitmodulesUpdate/,
      "a command (CVE-2019-19604)",
    ],
    [
      '[submodule "x"]\n\turl = "https://x/%0ahost=y"\n\tpath = x\n',
      /gitmodulesUrl/,
      "a newline for the credential helper (CVE-2020-5260)",
    ],
  ])(".gitmodules %j is refused: %s", async (content, text, _reason) => {
    const report = await pushFile("100644", ".gitmodules", content, filler);
    expect(report.unpackError).toMatch(text);
    await expectUntouched();
  });

  test(".gitmodules may not be a link", async () => {
    expect((await pushFile("120000", ".gitmodules", "elsewhere", filler)).unpackError).toMatch(/gitmodulesSymlink/);
    await expectUntouched();
  });

  test.each(["README", "café", "日本", ".gitignore", "a\\b", "con", ".github"])(
    "a file called %j is fine",
    async (entry) => {
      expect(await pushFile("100644", entry, "x", filler)).toEqual({ refs: [{ ref: "refs/heads/main", ok: true }] });
    },
  );
});

describe("refs", () => {
  const blob = Buffer.from("x");
  const tree = treeOf("100644", "x", idOf("blob", blob));
  const commit = commitOf(idOf("tree", tree));
  const id = idOf("commit", commit);
  const objects = pack(packed(1, commit), packed(2, tree), packed(3, blob));
  const tags = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => [`refs/tags/t${from + index}`, id] as [string, string]);

  test("a push of more than 10,000 is refused as a whole, before its pack is looked at", async () => {
    const { status, bytes } = await post(Buffer.concat([commands(tags(0, 100_000)), objects]));
    expect(status).toBe(400);
    expect(bytes.toString()).toContain("one push may update at most 10000 refs; push them in several steps");
    await expectUntouched();
  });

  test("a repository of nearly as many as it may have is served, and takes only what still fits", async () => {
    await post(Buffer.concat([commands([["refs/heads/main", id]]), objects]));
    const packedRefs = tags(0, 59_997)
      .map(([ref]) => `${id} ${ref}`)
      .toSorted((a, b) => (a < b ? -1 : 1));
    await writeFile(
      join(gitDir, "packed-refs"),
      `# pack-refs with: peeled fully-peeled sorted \n${packedRefs.join("\n")}\n`,
    );
    const listed = await ok(gateway.git(["ls-remote", gateway.url(name)]));
    expect(listed.stdout.trim().split("\n")).toHaveLength(59_999);
    const report = async (...refs: [string, string][]) =>
      parseReportStatus(parsePktLines((await post(Buffer.concat([commands(refs), objects]))).bytes)).refs;
    expect(await report(["refs/heads/one", id], ["refs/heads/two", id])).toEqual([
      { ref: "refs/heads/one", ok: true },
      { ref: "refs/heads/two", ok: true },
    ]);
    expect(await report(["refs/heads/three", id])).toEqual([
      {
        ref: "refs/heads/three",
        ok: false,
        message: "the repository holds 60000 refs and may hold no more than 60000; delete refs that nobody needs",
      },
    ]);
  }, 60_000);
});
