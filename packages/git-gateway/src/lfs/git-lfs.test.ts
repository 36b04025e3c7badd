/** The real git-lfs against the gateway, over HTTP and over SSH. */
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { formatSshPublicKey } from "@krate/pki/ssh";
import { skipWithout } from "@krate/testing";
import { type GitOutcome, git, ok } from "../testing/gateway-fixture.ts";
import { SshFixture } from "../testing/ssh-fixture.ts";
import { lfsMediaType } from "./protocol.ts";

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

  test.each(["http", "ssh"])(
    "files are locked and unlocked over %s; who has no lock is warned and may be refused",
    async (transport) => {
      const name = `locks-${transport}`;
      await repository(name);
      const [asAlice, asBob] = [way(transport, "alice", name), way(transport, "bob", name)];
      const work = await workTree(asAlice, `work-${name}`, { "a.bin": randomBytes(1000), "b.bin": randomBytes(1000) });
      await ok(asAlice.run(["push", "-q", "origin", "main"], work));
      const clone = join(fixture.gateway.folder, `clone-${name}`);
      await ok(asBob.run(["clone", "-q", asBob.url, clone]));
      await ok(asAlice.run(["lfs", "lock", "a.bin"], work));
      const taken = await asBob.run(["lfs", "lock", "a.bin"], clone);
      expect(taken).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/"a\.bin" is locked by "alice" since \S+: ask them to unlock it/),
      });
      await ok(asBob.run(["lfs", "lock", "b.bin"], clone));
      const listed = await ok(asBob.run(["lfs", "locks", "--verify"], clone));
      const lines = listed.stdout.trim().split("\n");
      expect(
        lines
          .map((line) =>
            line
              .replace(/ID:\S+/, "")
              .trim()
              .split(/\s+/)
              .join(" "),
          )
          .sort(),
      ).toEqual(["O b.bin bob", "a.bin alice"]);
      // A push of what somebody else has locked is refused by git-lfs itself, which asks the server who has what.
      await ok(asBob.run(["lfs", "install", "--local"], clone));
      await ok(asBob.run(["config", "lfs.locksverify", "true"], clone));
      await writeFile(join(clone, "b.bin"), randomBytes(1000));
      await ok(asBob.run(["commit", "-q", "-a", "-m", "mine"], clone));
      await ok(asBob.run(["push", "-q", "origin", "main"], clone));
      await writeFile(join(clone, "a.bin"), randomBytes(1000));
      await ok(asBob.run(["commit", "-q", "-a", "-m", "not mine"], clone));
      const refused = await asBob.run(["push", "origin", "main"], clone);
      expect(refused.code).not.toBe(0);
      expect(`${refused.stdout}${refused.stderr}`).toMatch(/a\.bin - alice[\s\S]* locked files/);
      await ok(asBob.run(["reset", "-q", "--hard", "HEAD~1"], clone));
      expect(await asBob.run(["lfs", "unlock", "a.bin"], clone)).toMatchObject({ code: 2 });
      expect((await asBob.run(["lfs", "unlock", "--force", "a.bin"], clone)).stderr).toContain(
        "only an admin of the repository",
      );
      fixture.gateway.cluster.grant("bob", "update", "admin", "acme", name);
      await ok(asBob.run(["lfs", "unlock", "--force", "a.bin"], clone));
      await ok(asBob.run(["lfs", "unlock", "b.bin"], clone));
      expect((await ok(asAlice.run(["lfs", "locks"], work))).stdout).toBe("");
    },
    slow,
  );

  describe("what git-lfs-authenticate gives", () => {
    interface Authentication {
      href: string;
      header: { Authorization: string };
      expires_in: number;
    }

    async function authenticate(key: string, name: string, operation: string): Promise<Authentication> {
      const { stdout } = await ok(fixture.ssh(key, [`git-lfs-authenticate acme/${name}.git ${operation}`]));
      return JSON.parse(stdout) as Authentication;
    }

    async function batch(
      { href, header }: Authentication,
      operation: string,
    ): Promise<{ status: number; body: unknown }> {
      const response = await fetch(`${href}/objects/batch`, {
        method: "POST",
        headers: { ...header, "content-type": lfsMediaType },
        body: JSON.stringify({ operation, objects: [{ oid: sha256(Buffer.from("x")), size: 1 }] }),
      });
      return { status: response.status, body: await response.json() };
    }

    test("opens one repository, in one direction, for ten minutes, with a link for each object", async () => {
      await repository("granted");
      await repository("another");
      const upload = await authenticate(alice, "granted", "upload");
      expect(upload).toEqual({
        href: `${fixture.gateway.origin}/acme/granted.git/info/lfs`,
        header: { Authorization: expect.stringMatching(/^Bearer krate-lfs-1\./) },
        expires_in: 600,
        expires_at: expect.stringMatching(/Z$/),
      });
      const answer = await batch(upload, "upload");
      expect(answer).toMatchObject({
        status: 200,
        body: { objects: [{ actions: { upload: { header: upload.header, expires_in: 600 } } }] },
      });
      const download = await authenticate(alice, "granted", "download");
      expect((await batch(download, "download")).status).toBe(200);
      expect(await batch(download, "upload")).toMatchObject({
        status: 403,
        body: { message: 'this Git LFS token only reads from repository "acme/granted"' },
      });
      const elsewhere = { ...upload, href: upload.href.replace("granted", "another") };
      expect(await batch(elsewhere, "download")).toMatchObject({
        status: 403,
        body: { message: expect.stringContaining('is for repository "acme/granted" and does not open "acme/another"') },
      });
    });

    test("is worth nothing when it is over, changed, or its key is revoked", async () => {
      await repository("revoked");
      const { path, blob } = await fixture.userKey("alice");
      const given = await authenticate(path, "revoked", "upload");
      const tampered = given.header.Authorization.replace(
        /\.(.)/,
        (_, first: string) => `.${first === "e" ? "f" : "e"}`,
      );
      expect(await batch({ ...given, header: { Authorization: tampered } }, "upload")).toMatchObject({
        status: 401,
        body: { message: "the Git LFS token was not issued here: try again, git-lfs asks for a new one" },
      });
      fixture.now = new Date(Date.now() + 601_000);
      try {
        expect(await batch(given, "upload")).toMatchObject({
          status: 401,
          body: { message: "the Git LFS token has expired: try again, git-lfs asks for a new one over SSH" },
        });
      } finally {
        fixture.now = new Date();
      }
      expect((await batch(given, "upload")).status).toBe(200);
      fixture.keys.revoke(blob);
      expect((await batch(given, "upload")).status).toBe(403);
      alice = (await fixture.userKey("alice")).path;
    });

    test("does not open what its holder may not do, and is not given for it", async () => {
      await fixture.gateway.createRepository("alices");
      const refused = await fixture.ssh(bob, ["git-lfs-authenticate acme/alices.git download"]);
      expect(refused.stderr).toContain('krate: "bob" cannot get repositories/content.krate.a5c.ai "alices"');
      fixture.gateway.cluster.grant("bob", "get", "content", "acme", "alices");
      expect((await fixture.ssh(bob, ["git-lfs-authenticate acme/alices.git upload"])).stderr).toContain(
        'krate: "bob" cannot update repositories/content.krate.a5c.ai "alices"',
      );
      const given = await authenticate(bob, "alices", "download");
      fixture.gateway.cluster.grants.get("bob")?.clear();
      expect((await batch(given, "download")).status).toBe(403);
    });

    test("a certificate of krate login gets one as well", async () => {
      await repository("certified");
      const key = await fixture.newKey("login");
      const issued = fixture.certificates.issue(
        { user: "alice", groups: ["system:authenticated"] },
        formatSshPublicKey(key.blob),
      );
      await writeFile(`${key.path}-cert.pub`, `${formatSshPublicKey(issued.certificate)}\n`);
      const given = await authenticate(key.path, "certified", "upload");
      expect((await batch(given, "upload")).status).toBe(200);
      fixture.keys.disabled.add("alice");
      try {
        expect(await batch(given, "upload")).toMatchObject({
          status: 403,
          body: { message: '"alice" is disabled in namespace "acme"' },
        });
      } finally {
        fixture.keys.disabled.delete("alice");
      }
    });

    test("a deploy key that only reads gets none for uploads", async () => {
      await repository("deployed");
      const key = await fixture.newKey("deploy");
      fixture.keys.register(key.blob, "acme", {
        user: "krate:ssh-key:acme:deploy",
        groups: ["system:authenticated"],
        key: { name: "SSHKey/deploy", namespace: "acme", repository: "deployed", readOnly: true },
      });
      expect((await batch(await authenticate(key.path, "deployed", "download"), "download")).status).toBe(200);
      expect((await fixture.ssh(key.path, ["git-lfs-authenticate acme/deployed upload"])).stderr).toContain(
        "krate: SSHKey/deploy is read-only",
      );
    });
  });
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
