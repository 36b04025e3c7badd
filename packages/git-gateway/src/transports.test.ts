/** What the protocols offer beside plain clones and pushes, by the real git. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatPktLine } from "@krate/git";
import { GatewayFixture, git, ok } from "./testing/gateway-fixture.ts";

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await GatewayFixture.start();
});
afterAll(() => gateway.stop());

describe.each(["0", "2"])("over protocol v%s", (version) => {
  const name = `transports-v${version}`;
  let work: string;
  const protocol = ["-c", `protocol.version=${version}`];

  beforeAll(async () => {
    await gateway.createRepository(name);
    work = await gateway.workTree(`${name}-work`, name);
    for (let index = 0; index < 4; index++)
      await gateway.commit(work, `folder/${index}`, `${index}\n`, `commit ${index}`);
    await ok(gateway.git([...protocol, "push", "-q", "origin", "main"], work));
  });

  /** Objects a clone has not: those its filter left out. */
  async function missingIn(clone: string): Promise<string[]> {
    const listed = await ok(gateway.git(["rev-list", "--objects", "--all", "--missing=print"], clone));
    return listed.stdout.split("\n").filter((line) => line.startsWith("?"));
  }

  test.each([
    { filter: "blob:none", missing: 5 },
    { filter: "tree:0", missing: 5 },
    { filter: "blob:limit=1k", missing: 0 },
  ])(
    "a clone with --filter=$filter leaves out what it says and gets it when it is needed",
    async ({ filter, missing }) => {
      const clone = `${name}-${filter.replace(/\W/g, "-")}`;
      const path = join(gateway.folder, clone);
      await ok(
        gateway.git([...protocol, "clone", "-q", "--no-checkout", `--filter=${filter}`, gateway.url(name), clone]),
      );
      expect(await missingIn(path)).toHaveLength(missing);
      await ok(gateway.git([...protocol, "checkout", "-q", "main"], path));
      expect((await ok(gateway.git(["ls-files"], path))).stdout.trim().split("\n")).toHaveLength(5);
    },
  );

  test("a shallow clone deepens", async () => {
    const clone = `${name}-shallow`;
    const path = join(gateway.folder, clone);
    const count = async () => (await ok(gateway.git(["rev-list", "--count", "HEAD"], path))).stdout.trim();
    await ok(gateway.git([...protocol, "clone", "-q", "--depth=2", gateway.url(name), clone]));
    expect(await count()).toBe("2");
    await ok(gateway.git([...protocol, "fetch", "-q", "--deepen=1"], path));
    expect(await count()).toBe("3");
    await ok(gateway.git([...protocol, "fetch", "-q", "--unshallow"], path));
    expect(await count()).toBe("5");
  });

  test("a push speaks report-status-v2, is atomic, and carries options", async () => {
    const trace = join(gateway.folder, `${name}-trace`);
    const args = [...protocol, "push", "--atomic", "-o", "dry-run", "origin", "main:refs/heads/a", "main:refs/heads/b"];
    const pushed = await git(args, work, { GIT_TRACE_PACKET: trace });
    // Nothing moved, so git counts it as refused.
    expect(pushed).toMatchObject({ code: 1, stderr: expect.stringContaining("dry run: would be accepted") });
    const sent = (await readFile(trace, "utf8")).split("\n").find((line) => /git> .*refs\/heads\/a\\0/.test(line));
    expect(sent).toMatch(/ report-status-v2 .*atomic.* push-options/);
    expect((await ok(gateway.git(["ls-remote", "origin"], work))).stdout).not.toContain("refs/heads/a");
  });

  test("git archive --remote over HTTP is refused with where to go", async () => {
    const refused = await gateway.get(`/acme/${name}.git/info/refs?service=git-upload-archive`);
    expect([refused.status, await refused.text()]).toEqual([
      400,
      "git archive --remote is served over SSH, not over HTTP: use the SSH URL of the repository\n",
    ]);
    expect((await gateway.git(["archive", `--remote=${gateway.url(name)}`, "main"])).code).not.toBe(0);
  });
});

describe("a repository of 100,000 refs", () => {
  const count = 100_000;

  beforeAll(async () => {
    const gitDir = await gateway.createRepository("many");
    const work = await gateway.workTree("many-work", "many");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    const head = (await ok(gateway.git(["rev-parse", "HEAD"], work))).stdout.trim();
    const names = Array.from({ length: count - 1 }, (_, index) => `refs/tags/t${String(index).padStart(6, "0")}`);
    const lines = ["# pack-refs with: peeled fully-peeled sorted ", ...names.map((ref) => `${head} ${ref}`)];
    await writeFile(join(gitDir, "packed-refs"), `${lines.join("\n")}\n`);
  }, 60_000);

  test("tells one of them without sending the others", async () => {
    const lsRefs = Buffer.concat([
      formatPktLine("command=ls-refs\n"),
      formatPktLine("object-format=sha1"),
      Buffer.from("0001"),
      formatPktLine("ref-prefix refs/tags/t012345\n"),
      Buffer.from("0000"),
    ]);
    const response = await fetch(`${gateway.origin}/acme/many.git/git-upload-pack`, {
      method: "POST",
      headers: {
        authorization: "Bearer alice-token",
        "git-protocol": "version=2",
        "content-type": "application/x-git-upload-pack-request",
      },
      body: lsRefs,
    });
    expect(await response.text()).toMatch(/^[0-9a-f]{44} refs\/tags\/t012345\n0000$/);
    const listed = await ok(gateway.git(["ls-remote", gateway.url("many"), "refs/heads/main"]));
    expect(listed.stdout).toMatch(/^[0-9a-f]{40}\trefs\/heads\/main\n$/);
  });

  test("tells all of them, and takes a push to one but not one more", async () => {
    const work = join(gateway.folder, "many-work");
    const listed = await ok(gateway.git(["ls-remote", gateway.url("many")]));
    expect(listed.stdout.trim().split("\n")).toHaveLength(count + 1);
    await gateway.commit(work, "next", "next\n", "next");
    await ok(gateway.git(["push", "-q", "origin", "main"], work));
    const refused = await gateway.git(["push", "origin", "main:refs/heads/one-more"], work);
    expect(refused.stderr).toContain("the repository holds 100000 refs and may hold no more than 100000");
  }, 120_000);
});
