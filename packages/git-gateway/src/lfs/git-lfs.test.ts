/** The real git-lfs against the gateway, over HTTP and over SSH. */
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { skipWithout } from "@krate/testing";
import { type GitOutcome, git, ok } from "../testing/gateway-fixture.ts";
import { SshFixture } from "../testing/ssh-fixture.ts";

/** Keys are made and megabytes pushed, on a machine that may be busy. */
const slow = 120_000;

skipWithout(
  "git",
  "git-lfs",
  "ssh",
)("Git LFS by the real client", () => {
  let fixture: SshFixture;
  let alice: string;
  let bob: string;

  beforeAll(async () => {
    fixture = await SshFixture.start();
    alice = (await fixture.userKey("alice")).path;
    bob = (await fixture.userKey("bob")).path;
    fixture.gateway.cluster.addUser("bob-token", "bob");
  });
  afterAll(() => fixture.stop());

  /** A repository both may use, reached as one of them in one way. */
  async function repository(name: string): Promise<void> {
    await fixture.gateway.createRepository(name);
    for (const verb of ["get", "update"] as const) fixture.gateway.cluster.grant("bob", verb, "content", "acme", name);
  }

  interface Way {
    url: string;
    run(args: string[], cwd?: string): Promise<GitOutcome>;
  }

  function way(transport: string, who: "alice" | "bob", name: string): Way {
    const { gateway } = fixture;
    // git-lfs keeps what it is told about a server in the user's configuration.
    const settings = ["-c", "user.name=x", "-c", "lfs.concurrenttransfers=4", ...lfsFilters];
    if (transport === "http")
      return {
        url: gateway.url(name, `${who}-token`),
        run: (args, cwd = gateway.folder) => git([...settings, ...args], cwd),
      };
    return {
      url: fixture.url(name),
      run: (args, cwd = gateway.folder) => fixture.git(who === "alice" ? alice : bob, [...settings, ...args], cwd),
    };
  }

  /** A clone with files that git-lfs keeps, committed, not pushed. */
  async function workTree({ url, run }: Way, folder: string, files: Record<string, Buffer>): Promise<string> {
    const path = join(fixture.gateway.folder, folder);
    await ok(run(["init", "-q", "-b", "main", path]));
    await ok(run(["remote", "add", "origin", url], path));
    await ok(run(["lfs", "install", "--local"], path));
    await ok(run(["lfs", "track", "*.bin", "--lockable"], path));
    for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
    await ok(run(["add", "-A"], path));
    await ok(run(["commit", "-q", "-m", "large files"], path));
    return path;
  }

  test.each(["http", "ssh"])(
    "large files are pushed and cloned over %s, and are not in Git",
    async (transport) => {
      const name = `media-${transport}`;
      await repository(name);
      const files = { "a.bin": randomBytes(3_000_000), "b.bin": randomBytes(200_000), "empty.bin": Buffer.alloc(0) };
      const as = way(transport, "alice", name);
      const work = await workTree(as, `work-${name}`, files);
      const pushed = await ok(as.run(["push", "origin", "main"], work));
      expect(pushed.stderr).toContain("main -> main");
      const clone = join(fixture.gateway.folder, `clone-${name}`);
      await ok(way(transport, "bob", name).run(["clone", "-q", as.url, clone]));
      for (const [file, content] of Object.entries(files))
        expect((await readFile(join(clone, file))).equals(content)).toBe(true);
      const gitDir = fixture.gateway.backend.gitDir({ namespace: "acme", name });
      expect((await ok(git(["--git-dir", gitDir, "cat-file", "-p", "main:a.bin"], gitDir))).stdout).toBe(
        `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(files["a.bin"])}\nsize 3000000\n`,
      );
      expect(await readdir(join(gitDir, "krate/lfs/incoming"))).toEqual([]);
      // Everything is there: a second push of the same sends nothing, and the files can be fetched again.
      await ok(as.run(["lfs", "push", "--all", "origin"], work));
      await ok(as.run(["lfs", "fetch", "--all"], clone));
    },
    slow,
  );
});

const lfsFilters = [
  ["filter.lfs.process", "git-lfs filter-process"],
  ["filter.lfs.clean", "git-lfs clean -- %f"],
  ["filter.lfs.smudge", "git-lfs smudge -- %f"],
  ["filter.lfs.required", "true"],
].flatMap(([key, value]) => ["-c", `${key}=${value}`]);

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
