/** The SSH transport with the real ssh and git. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createSshKey, formatSshPublicKey } from "@krate/pki/ssh";
import { skipWithout } from "@krate/testing";
import { ok } from "../testing/gateway-fixture.ts";
import { refused } from "../testing/memory-ports.ts";
import { SshFixture } from "../testing/ssh-fixture.ts";
import { SshCertificates } from "./certificates.ts";

/** Keys are made and megabytes pushed, on a machine that may be busy. */
const slow = 120_000;

skipWithout("ssh", "git")("git over SSH", () => {
  let fixture: SshFixture;
  let alice: string;

  beforeAll(async () => {
    fixture = await SshFixture.start();
    alice = (await fixture.userKey("alice")).path;
  });
  afterAll(() => fixture.stop());

  /** A repository alice may use, and a clone of it with a commit that is not pushed. */
  async function repository(name: string): Promise<string> {
    await fixture.gateway.createRepository(name);
    const path = await fixture.gateway.workTree(`work-${name}`, name);
    await ok(fixture.git(alice, ["remote", "set-url", "origin", fixture.url(name)], path));
    return path;
  }

  test(
    "push, clone, fetch, shallow, partial, delete; events say it was SSH",
    async () => {
      const work = await repository("all");
      await ok(fixture.git(alice, ["push", "-q", "origin", "main", "main:refs/heads/other"], work));
      const clone = join(fixture.gateway.folder, "clone-all");
      await ok(fixture.git(alice, ["clone", "-q", fixture.url("all"), clone]));
      expect(await readFile(join(clone, "README.md"), "utf8")).toBe("hello\n");
      await fixture.gateway.commit(work, "b.bin", randomBytes(3_000_000).toString("base64"), "large");
      const head = await fixture.gateway.commit(work, "c.txt", "c\n", "small");
      await ok(fixture.git(alice, ["push", "-q", "--atomic", "origin", "main", ":refs/heads/other"], work));
      await ok(fixture.git(alice, ["pull", "-q", "--prune"], clone));
      expect((await ok(fixture.git(alice, ["rev-parse", "HEAD"], clone))).stdout.trim()).toBe(head);
      for (const [index, option] of ["--depth=1", "--filter=blob:none"].entries())
        await ok(
          fixture.git(alice, ["clone", "-q", option, fixture.url("all"), join(fixture.gateway.folder, `c${index}`)]),
        );
      expect(
        fixture.gateway.cluster.events.map(({ spec }) => [spec.action, spec.ref, spec.transport, spec.actor.user]),
      ).toEqual([
        ["create", "refs/heads/main", "ssh", "alice"],
        ["create", "refs/heads/other", "ssh", "alice"],
        ["update", "refs/heads/main", "ssh", "alice"],
        ["delete", "refs/heads/other", "ssh", "alice"],
      ]);
      expect((await ok(fixture.git(alice, ["push", "origin", "main"], work))).stderr).toContain(
        "Everything up-to-date",
      );
    },
    slow,
  );

  test("protocol 2 is spoken when the client asks for it, 0 otherwise", async () => {
    const work = await repository("protocol");
    await ok(fixture.git(alice, ["push", "-q", "origin", "main"], work));
    const v2 = await fixture.ssh(alice, ["-o", "SetEnv=GIT_PROTOCOL=version=2", "git-upload-pack 'acme/protocol'"]);
    const v0 = await fixture.ssh(alice, ["git-upload-pack '/acme/protocol.git'"]);
    expect(v2.stdout).toMatch(/^000eversion 2\n/);
    expect(v0.stdout).toMatch(/^[0-9a-f]{44} HEAD\0/);
  });

  test("git archive --remote", async () => {
    const work = await repository("archived");
    await ok(fixture.git(alice, ["push", "-q", "origin", "main"], work));
    const tar = join(fixture.gateway.folder, "a.tar");
    await ok(fixture.git(alice, ["archive", `--remote=${fixture.url("archived")}`, "-o", tar, "main"]));
    expect((await readFile(tar)).includes("hello\n")).toBe(true);
  });

  test("a policy that refuses says why, as over HTTP", async () => {
    const work = await repository("strict");
    fixture.gateway.cluster.judge = (push, index) => refused(push, index, "not on a Friday");
    try {
      const push = await fixture.git(alice, ["push", "origin", "main"], work);
      expect(push.code).toBe(1);
      expect(push.stderr).toMatch(
        /remote: .*not on a Friday[\s\S]*What to do: ask somebody[\s\S]*! \[remote rejected\] main -> main/,
      );
      const explained = await fixture.git(alice, ["push", "-o", "dry-run", "origin", "main"], work);
      expect(explained.stderr).toContain("dry run: would be refused");
    } finally {
      fixture.gateway.cluster.judge = (push, index) => ({
        ref: push.updates[index]?.ref ?? "",
        allowed: true,
        decision: "Accepted",
        results: [],
      });
    }
  });

  test(
    "who may not read, who may not write, and who asks for what is not there",
    async () => {
      const work = await repository("guarded");
      await ok(fixture.git(alice, ["push", "-q", "origin", "main"], work));
      const bob = (await fixture.userKey("bob")).path;
      expect(await fixture.git(bob, ["ls-remote", fixture.url("guarded")])).toMatchObject({
        code: 128,
        stderr: expect.stringContaining(
          'krate: "bob" cannot get repositories/content.krate.a5c.ai "guarded" in namespace "acme": no RBAC rule grants it',
        ),
      });
      fixture.gateway.cluster.grant("bob", "get", "content", "acme", "guarded");
      await ok(fixture.git(bob, ["ls-remote", fixture.url("guarded")]));
      expect((await fixture.git(bob, ["push", "origin", "main"], work)).stderr).toContain(
        'krate: "bob" cannot update repositories/content.krate.a5c.ai',
      );
      fixture.gateway.cluster.grant("alice", "get", "content", "acme", "nowhere");
      expect((await fixture.git(alice, ["ls-remote", fixture.url("nowhere")])).stderr).toContain(
        'krate: repository "acme/nowhere" does not exist',
      );
    },
    slow,
  );

  test("a key of another namespace reads what is public there and nothing else", async () => {
    await fixture.gateway.createRepository("open", { visibility: "public" });
    await fixture.gateway.createRepository("closed");
    const stranger = await fixture.newKey("stranger");
    fixture.keys.register(stranger.blob, "elsewhere", { user: "eve", groups: [] });
    await ok(fixture.git(stranger.path, ["ls-remote", fixture.url("open")]));
    expect((await fixture.git(stranger.path, ["ls-remote", fixture.url("closed")])).stderr).toContain(
      'krate: your key opens nothing at "acme/closed": register it as an SSHKey in namespace "acme"',
    );
  });

  test(
    "a deploy key opens its repository without further rights, to read",
    async () => {
      const work = await repository("deployed");
      await repository("other");
      await ok(fixture.git(alice, ["push", "-q", "origin", "main"], work));
      const scope = { name: "SSHKey/ci", namespace: "acme", repository: "deployed", readOnly: true };
      const key = await fixture.userKey("krate:ssh-key:acme:ci", { key: scope });
      await ok(fixture.git(key.path, ["ls-remote", fixture.url("deployed")]));
      expect((await fixture.git(key.path, ["ls-remote", fixture.url("other")])).stderr).toContain(
        'krate: SSHKey/ci is of repository "acme/deployed" and does not open "acme/other"',
      );
      await fixture.gateway.commit(work, "x", "x\n", "x");
      expect((await fixture.git(key.path, ["push", "origin", "main"], work)).stderr).toContain(
        'krate: SSHKey/ci is read-only: it cannot push to "acme/deployed"',
      );
      fixture.keys.register(key.blob, "acme", {
        user: "krate:ssh-key:acme:ci",
        groups: [],
        key: { ...scope, readOnly: false },
      });
      await ok(fixture.git(key.path, ["push", "-q", "origin", "main"], work));
      expect(fixture.gateway.cluster.events.at(-1)?.spec.actor.user).toBe("krate:ssh-key:acme:ci");
    },
    slow,
  );

  test("a revoked key opens nothing, on connections that are open as well", async () => {
    await repository("revoked");
    const key = await fixture.userKey("carol");
    fixture.gateway.cluster.grant("carol", "get", "content", "acme", "revoked");
    const socket = join(fixture.gateway.folder, "mux");
    const shared = ["-o", `ControlPath=${socket}`];
    await ok(
      fixture.ssh(key.path, [
        ...shared,
        "-o",
        "ControlMaster=yes",
        "-o",
        "ControlPersist=60",
        "git-upload-pack '/acme/revoked'",
      ]),
    );
    await ok(fixture.ssh(key.path, [...shared, "git-upload-pack '/acme/revoked'"]));
    fixture.keys.revoke(key.blob);
    const after = await fixture.ssh(key.path, [...shared, "git-upload-pack '/acme/revoked'"]);
    expect(after).toMatchObject({ code: 128, stderr: expect.stringContaining("your key opens nothing") });
    await fixture.ssh(key.path, [...shared, "-O", "exit"]);
    expect((await fixture.ssh(key.path, ["git-upload-pack '/acme/revoked'"])).stderr).toContain(
      "Permission denied (publickey)",
    );
  });

  test(
    "all kinds of keys that are strong enough sign in",
    async () => {
      await repository("kinds");
      fixture.gateway.cluster.grant("dora", "get", "content", "acme", "kinds");
      for (const args of [
        ["rsa", "-b", "3072"],
        ["ecdsa", "-b", "256"],
        ["ecdsa", "-b", "384"],
        ["ecdsa", "-b", "521"],
        ["ed25519"],
      ]) {
        const path = join(fixture.gateway.folder, `kind-${args.join("")}`);
        execFileSync("ssh-keygen", ["-q", "-N", "", "-f", path, "-t", ...args]);
        const [, base64 = ""] = (await readFile(`${path}.pub`, "utf8")).split(" ");
        expect((await fixture.ssh(path, ["git-upload-pack '/acme/kinds'"])).stderr).toContain("Permission denied");
        fixture.keys.register(Buffer.from(base64, "base64"), "acme", { user: "dora", groups: [] });
        await ok(fixture.ssh(path, ["git-upload-pack '/acme/kinds'"]));
      }
    },
    slow,
  );

  test("SHA-1 signatures of an RSA key are refused", async () => {
    const path = join(fixture.gateway.folder, "sha1");
    execFileSync("ssh-keygen", ["-q", "-N", "", "-f", path, "-t", "rsa", "-b", "2048"]);
    const [, base64 = ""] = (await readFile(`${path}.pub`, "utf8")).split(" ");
    fixture.keys.register(Buffer.from(base64, "base64"), "acme", { user: "dora", groups: [] });
    const sha1 = ["-o", "PubkeyAcceptedAlgorithms=ssh-rsa"];
    expect((await fixture.ssh(path, [...sha1, "git-upload-pack '/acme/kinds'"])).stderr).toContain("Permission denied");
  });

  test("the login name is git, or the user's own", async () => {
    await repository("named");
    const command = ["git-upload-pack '/acme/named'"];
    await ok(fixture.ssh(alice, command, "alice"));
    expect((await fixture.ssh(alice, command, "bob")).stderr).toContain("Permission denied (publickey)");
    expect((await fixture.ssh(alice, command, "root")).stderr).toContain("Permission denied (publickey)");
  });

  test.each([
    { reason: "a shell", args: [], text: "krate: you are signed in, but there is no shell here" },
    { reason: "a shell with a terminal", args: ["-tt"], text: "PTY allocation request failed" },
    {
      reason: "another program",
      args: ["ls -la"],
      text: "krate: only git-upload-pack, git-receive-pack, git-upload-archive, git-lfs-authenticate are served here",
    },
    { reason: "a subsystem", args: ["-s", "sftp"], text: "subsystem request failed" },
    {
      reason: "a command behind ours",
      args: ["git-upload-pack '/acme/named'; id"],
      text: "krate: \"'/acme/named'; id\" is not a repository",
    },
    { reason: "a command in the path", args: ["git-upload-pack '/acme/$(id)'"], text: "is not a repository" },
    { reason: "options of git", args: ["git-upload-pack --upload-pack=id '/acme/named'"], text: "is not a repository" },
    { reason: "an option as path", args: ["git-upload-archive --exec=id"], text: "is not a repository" },
    { reason: "a path out of the folder", args: ["git-upload-pack '/acme/../../etc'"], text: "is not a repository" },
    { reason: "another path out", args: ["git-upload-pack '../acme/named'"], text: "is not a repository" },
    { reason: "somebody's home", args: ["git-upload-pack '~root/x'"], text: "is not a repository" },
    { reason: "forwarding of a port here", args: ["-W", "127.0.0.1:22"], text: "stdio forwarding failed" },
    {
      reason: "forwarding of a port there",
      args: ["-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22"],
      text: "remote port forwarding failed",
    },
  ])("refused with a text: $reason", async ({ args, text }) => {
    await fixture.gateway.createRepository("named");
    const outcome = await fixture.ssh(alice, args);
    expect(outcome.code).not.toBe(0);
    expect(outcome.stderr).toContain(text);
  });

  test("variables but GIT_PROTOCOL are not taken, and do not hurt", async () => {
    await fixture.gateway.createRepository("variables");
    const set = [
      "-o",
      "SetEnv=GIT_DIR=/etc GIT_CONFIG_COUNT=1 GIT_PROTOCOL=version=2:x=$(id)",
      "git-upload-pack '/acme/variables'",
    ];
    expect((await fixture.ssh(alice, set)).stdout).toMatch(/^000eversion 2\n/);
  });

  /** A certificate beside a fresh key; ssh finds it by its name. */
  async function certificate(name: string, certificates: SshCertificates, user = "alice"): Promise<string> {
    const key = await fixture.newKey(name);
    const { certificate } = certificates.issue({ user, groups: ["krate:developers"] }, formatSshPublicKey(key.blob));
    await writeFile(`${key.path}-cert.pub`, `${formatSshPublicKey(certificate)}\n`);
    return key.path;
  }

  test("a certificate signs its user in, with the groups of the sign-in", async () => {
    const work = await repository("certified");
    const path = await certificate("certified", fixture.certificates);
    await ok(fixture.git(path, ["push", "-q", "origin", "main"], work));
    expect(fixture.gateway.cluster.events.at(-1)?.spec.actor).toEqual({ user: "alice", groups: ["krate:developers"] });
    fixture.keys.disabled.add("alice");
    expect((await fixture.git(path, ["ls-remote", "origin"], work)).stderr).toContain(
      'krate: "alice" is disabled in namespace "acme"',
    );
    fixture.keys.disabled.delete("alice");
  });

  test(
    "certificates that do not count",
    async () => {
      await fixture.gateway.createRepository("certified2");
      const command = ["git-upload-pack '/acme/certified2'"];
      const denied = expect.objectContaining({
        code: 255,
        stderr: expect.stringContaining("Permission denied (publickey)"),
      });
      const other = await certificate("other-authority", new SshCertificates(createSshKey("other")));
      expect(await fixture.ssh(other, command)).toEqual(denied);
      const good = await certificate("good", fixture.certificates);
      await ok(fixture.ssh(good, command));
      expect(await fixture.ssh(good, command, "bob")).toEqual(denied);
      const mine = await fixture.newKey("thief");
      await writeFile(`${mine.path}-cert.pub`, await readFile(`${good}-cert.pub`));
      expect(await fixture.ssh(mine.path, ["-o", `CertificateFile=${good}-cert.pub`, ...command])).toEqual(denied);
      fixture.now = new Date(Date.now() + 16.1 * 3600 * 1000);
      expect(await fixture.ssh(good, command)).toEqual(denied);
      fixture.now = new Date(Date.now() - 600_000);
      expect(await fixture.ssh(good, command)).toEqual(denied);
      fixture.now = new Date();
      await ok(fixture.ssh(good, command));
    },
    slow,
  );

  test("a certificate that expires ends access of a connection that is open, and says what to do", async () => {
    await repository("expiring");
    const path = await certificate("expiring", fixture.certificates);
    const shared = ["-o", `ControlPath=${join(fixture.gateway.folder, "mux2")}`];
    await ok(
      fixture.ssh(path, [
        ...shared,
        "-o",
        "ControlMaster=yes",
        "-o",
        "ControlPersist=60",
        "git-upload-pack '/acme/expiring'",
      ]),
    );
    fixture.now = new Date(Date.now() + 17 * 3600 * 1000);
    const after = await fixture.ssh(path, [...shared, "git-upload-pack '/acme/expiring'"]);
    fixture.now = new Date();
    expect(after).toMatchObject({ code: 128, stderr: expect.stringContaining("run `krate login`") });
    await fixture.ssh(path, [...shared, "-O", "exit"]);
  });
});

skipWithout("ssh", "git")("pushes that are refused while the client still sends", () => {
  let fixture: SshFixture;
  beforeAll(async () => {
    fixture = await SshFixture.start({}, { maxPackBytes: 1_000_000 });
  });
  afterAll(() => fixture.stop());

  test(
    "reach the client with their reason, and leave nothing",
    async () => {
      const gitDir = await fixture.gateway.createRepository("large");
      const { path } = await fixture.userKey("alice");
      const work = await fixture.gateway.workTree("work-large", "large");
      await fixture.gateway.commit(work, "large.bin", randomBytes(20_000_000).toString("base64"), "large");
      const push = await fixture.git(path, ["push", fixture.url("large"), "main"], work);
      expect(push.stderr).toContain("the pack is larger than the 1000000 bytes allowed per push");
      expect((await ok(fixture.gateway.git(["for-each-ref"], gitDir))).stdout).toBe("");
    },
    slow,
  );
});
