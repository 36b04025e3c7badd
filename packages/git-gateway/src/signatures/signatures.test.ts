/** Signatures of commits made by the real git with the real ssh-keygen and gpg. */
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { seededRandom } from "@krate/git/testing";
import { fingerprintOfSshKey } from "@krate/pki/ssh";
import { evaluatePush, sealBundle } from "@krate/refpolicy";
import { skipWithout, type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { GatewayFixture, git, ok } from "../testing/gateway-fixture.ts";
import { type RegisteredKey, RegisteredKeySignatures, type SigningKeys } from "./commit-signatures.ts";
import { splitSignature } from "./split-signature.ts";

const run = promisify(execFile);

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder("signatures");
});
afterAll(() => folder.remove());

/** A repository whose commits are signed with the given settings; answers the commit object. */
async function signedCommit(name: string, settings: string[], env: NodeJS.ProcessEnv = {}): Promise<Buffer> {
  const path = join(folder.path, name);
  await ok(git(["init", "-q", "-b", "main", path], folder.path));
  const options = settings.flatMap((setting) => ["-c", setting]);
  await ok(git([...options, "commit", "-q", "-S", "--allow-empty", "-m", "signed\n\n body"], path, env));
  const { stdout } = await run("git", ["cat-file", "commit", "HEAD"], { cwd: path, encoding: "buffer" });
  return stdout;
}

const keys = (ssh: RegisteredKey[], pgp: RegisteredKey[] = []): SigningKeys => ({ ssh: () => ssh, pgp: () => pgp });

async function judge(commit: Buffer, of: SigningKeys) {
  const signed = splitSignature(commit);
  return signed ? new RegisteredKeySignatures(of).verify("acme", signed) : { state: "none" as const };
}

async function sshKey(name: string, ...options: string[]): Promise<{ file: string; registered: RegisteredKey }> {
  const file = join(folder.path, name);
  await run("ssh-keygen", ["-q", "-N", "", "-C", "ada@laptop", "-f", file, ...options]);
  const key = (await readFile(`${file}.pub`, "utf8")).trim();
  return { file, registered: { name: `SSHKey/${name}`, owner: "ada", key } };
}

const sshSettings = (file: string) => ["gpg.format=ssh", `user.signingkey=${file}`];

test("a commit without a signature has none", async () => {
  const path = join(folder.path, "unsigned");
  await ok(git(["init", "-q", path], folder.path));
  await ok(git(["commit", "-q", "--allow-empty", "-m", "gpgsig in the message"], path));
  const { stdout } = await run("git", ["cat-file", "commit", "HEAD"], { cwd: path, encoding: "buffer" });
  expect(splitSignature(stdout)).toBeUndefined();
});

skipWithout("ssh-keygen")("SSH signatures", () => {
  const types: [string, string[]][] = [
    ["ed25519", ["-t", "ed25519"]],
    ["ecdsa-256", ["-t", "ecdsa", "-b", "256"]],
    ["ecdsa-384", ["-t", "ecdsa", "-b", "384"]],
    ["ecdsa-521", ["-t", "ecdsa", "-b", "521"]],
    ["rsa-3072", ["-t", "rsa", "-b", "3072"]],
  ];
  test.each(types)("%s: good with the registered key, and with no other", async (name, options) => {
    const key = await sshKey(name, ...options);
    const other = await sshKey(`${name}-other`, ...options);
    const commit = await signedCommit(`${name}-repo`, sshSettings(key.file));
    expect(await judge(commit, keys([other.registered, key.registered]))).toEqual({
      state: "verified",
      signer: `ada (SSHKey/${name})`,
    });
    const fingerprint = fingerprintOfSshKey(key.registered.key);
    const { stdout } = await run("ssh-keygen", ["-l", "-f", `${key.file}.pub`]);
    expect(stdout).toContain(fingerprint);
    expect(await judge(commit, keys([other.registered]))).toEqual({
      state: "unverified",
      reason: `SSH key ${fingerprint} is not registered`,
    });
  });

  test("of another commit, of another purpose, or with a key that does not count are not good", async () => {
    const { file, registered } = await sshKey("purpose", "-t", "ed25519");
    const commit = await signedCommit("purpose-repo", sshSettings(file));
    const changed = Buffer.from(commit.toString("latin1").replace("\n body", "\n BODY"), "latin1");
    expect(await judge(changed, keys([registered]))).toEqual({
      state: "unverified",
      reason: "the signature does not belong to this commit",
    });
    const payload = join(folder.path, "payload");
    const signed = splitSignature(commit);
    await writeFile(payload, signed?.payload ?? "");
    await run("ssh-keygen", ["-q", "-Y", "sign", "-f", file, "-n", "file", payload]);
    const signature = await readFile(`${payload}.sig`, "utf8");
    const verifier = new RegisteredKeySignatures(keys([registered]));
    expect(await verifier.verify("acme", { payload: signed?.payload ?? Buffer.alloc(0), signature })).toEqual({
      state: "unverified",
      reason: 'the signature was not made for git but for "file"',
    });
    expect(await judge(commit, keys([{ ...registered, invalid: "is revoked" }]))).toEqual({
      state: "unverified",
      reason: "SSHKey/purpose is revoked",
    });
    expect(await judge(commit, keys([{ ...registered, key: "ssh-ed25519 nonsense" }]))).toMatchObject({
      state: "unverified",
    });
  });

  test("with an RSA key that is too short are not good", async () => {
    const { file, registered } = await sshKey("short", "-t", "rsa", "-b", "1024");
    const commit = await signedCommit("short-repo", sshSettings(file));
    expect(await judge(commit, keys([registered]))).toEqual({
      state: "unverified",
      reason: "RSA keys of less than 2048 bits are not accepted",
    });
  });

  test("that were tampered with anywhere are not good, and nothing throws", async () => {
    const seed = Number(process.env.KRATE_TEST_SEED ?? 20_261_124);
    const random = seededRandom(seed);
    const { file, registered } = await sshKey("fuzzed", "-t", "ecdsa", "-b", "256");
    const signed = splitSignature(await signedCommit("fuzzed-repo", sshSettings(file)));
    if (!signed) throw new Error("git did not sign");
    const verifier = new RegisteredKeySignatures(keys([registered]));
    const lines = signed.signature.trim().split("\n");
    const blob = Buffer.from(lines.slice(1, -1).join(""), "base64");
    const armored = (bytes: Buffer) => `${lines[0]}\n${bytes.toString("base64")}\n${lines.at(-1)}\n`;
    expect((await verifier.verify("acme", { ...signed, signature: armored(blob) })).state).toBe("verified");
    for (let round = 0; round < 500; round++) {
      const copy = Buffer.from(blob);
      const at = random.below(copy.length);
      copy[at] = (copy[at] as number) ^ (1 << random.below(8));
      const mutated = random.next() < 0.2 ? copy.subarray(0, at) : copy;
      const { state } = await verifier.verify("acme", { ...signed, signature: armored(mutated) });
      expect({ seed, round, at, state }).toEqual({ seed, round, at, state: "unverified" });
    }
  });
});

skipWithout("gpg")("OpenPGP signatures", () => {
  const home = () => join(folder.path, "gnupg");
  const env = () => ({ GNUPGHOME: home() });
  const gpg = (...args: string[]) => run("gpg", ["--batch", "--quiet", ...args], { env: { ...process.env, ...env() } });
  const registered: Record<string, RegisteredKey> = {};

  beforeAll(async () => {
    await mkdir(home(), { mode: 0o700 });
    for (const [name, algorithm] of [
      ["ed", "ed25519"],
      ["rsa", "rsa3072"],
    ] as const) {
      await gpg("--passphrase", "", "--quick-gen-key", `${name}@example.org`, algorithm, "sign", "never");
      const { stdout } = await gpg("--export", "--armor", `${name}@example.org`);
      registered[name] = { name: `GPGKey/${name}`, owner: "ada", key: stdout };
    }
  }, 120_000);
  afterAll(async () => {
    await run("gpgconf", ["--kill", "all"], { env: { ...process.env, ...env() } });
    await rm(home(), { recursive: true, force: true });
  });

  test.each(["ed", "rsa"])("%s: good with the registered key only", async (name) => {
    const own = registered[name] as RegisteredKey;
    const other = registered[name === "ed" ? "rsa" : "ed"] as RegisteredKey;
    const commit = await signedCommit(`gpg-${name}`, [`user.signingkey=${name}@example.org`], env());
    expect(await judge(commit, keys([], [other, own]))).toEqual({ state: "verified", signer: `ada (GPGKey/${name})` });
    expect(await judge(commit, keys([], [other]))).toEqual({
      state: "unverified",
      reason: expect.stringMatching(/^OpenPGP key [0-9A-F]{16} is not registered$/),
    });
    const changed = Buffer.from(commit.toString("latin1").replace("\n body", "\n BODY"), "latin1");
    expect(await judge(changed, keys([], [own]))).toEqual({
      state: "unverified",
      reason: expect.stringMatching(/^the signature is not good: /),
    });
  });

  test("a key that is none is as good as no key", async () => {
    const commit = await signedCommit("gpg-none", ["user.signingkey=ed@example.org"], env());
    const broken = { name: "GPGKey/broken", owner: "ada", key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx" };
    expect(await judge(commit, keys([], [broken]))).toMatchObject({ state: "unverified" });
  });
});

describe("what is not a signature", () => {
  const payload = Buffer.from("x");
  test.each([
    ["-----BEGIN SIGNED MESSAGE-----\nx", "only SSH and OpenPGP signatures are accepted", "S/MIME"],
    ["", "only SSH and OpenPGP signatures are accepted", "nothing"],
    ["-----BEGIN SSH SIGNATURE-----\n!!!", "the signature is malformed", "no base64"],
    ["-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n", "malformed", "no SSHSIG"],
    ["-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n", "the signature is", "no packet"],
  ])("%j: %s (%s)", async (signature, reason, _what) => {
    expect(await new RegisteredKeySignatures(keys([])).verify("acme", { payload, signature })).toEqual({
      state: "unverified",
      reason: expect.stringContaining(reason),
    });
  });
});

skipWithout("ssh-keygen")("the rule require-signed-commits", () => {
  test("takes a push whose every new commit is signed by a registered key, and says of others which are not", async () => {
    const gateway = await GatewayFixture.start();
    try {
      const rule = {
        policy: "BranchProtection/main",
        rule: "require-signed-commits",
        type: "require-signed-commits" as const,
        refs: ["refs/heads/main"],
        repositories: "*" as const,
        mode: "enforce" as const,
        priority: 0,
      };
      const { bundle } = sealBundle({ version: 1, namespace: "acme", repositories: "all", rules: [rule] });
      gateway.cluster.engine = { evaluate: (push) => evaluatePush(bundle, push), afterwards: async () => [] };
      const { file, registered } = await sshKey("pushed", "-t", "ed25519");
      gateway.cluster.signatures = new RegisteredKeySignatures(keys([registered]));
      await gateway.createRepository("signed");
      const work = await gateway.workTree("signed-work", "signed");
      expect((await gateway.git(["push", "origin", "main"], work)).stderr).toMatch(/not signed: [0-9a-f]{12}/);
      const sign = sshSettings(file).flatMap((setting) => ["-c", setting]);
      await ok(gateway.git([...sign, "commit", "-q", "--amend", "--no-edit", "-S"], work));
      await ok(gateway.git(["push", "-q", "origin", "main"], work));
      gateway.cluster.signatures = new RegisteredKeySignatures(keys([{ ...registered, invalid: "is revoked" }]));
      await ok(gateway.git([...sign, "commit", "-q", "--allow-empty", "-m", "next", "-S"], work));
      const refused = await gateway.git(["push", "origin", "main"], work);
      expect(refused.stderr).toMatch(/signature not accepted: [0-9a-f]{12} \(SSHKey\/pushed is revoked\)/);
      expect(refused.stderr).toContain("Register the key you sign with as an SSHKey or GPGKey");
    } finally {
      await gateway.stop();
    }
  }, 60_000);
});
