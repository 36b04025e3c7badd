import { execFileSync, spawnSync } from "node:child_process";
import { sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  createSshKey,
  formatSshPublicKey,
  readSshPrivateKey,
  readSshPublicKey,
  signSshCertificate,
  sshKeyFile,
  sshString,
  sshUint32,
  sshUint64,
  verifySshCertificate,
} from "./index.ts";

/** `@krate/testing` needs this package, so what it offers is not to be had here. */
const withSshKeygen = spawnSync("ssh-keygen", ["-Q", "key"]).error ? describe.skip : describe;

const authority = createSshKey("authority");
const person = createSshKey("ada");
const content = {
  key: person.blob,
  user: "ada",
  groups: ["krate:developers", "system:authenticated"],
  serial: 7n,
  keyId: "ada #7",
  validAfter: new Date("2026-01-01T00:00:00Z"),
  validBefore: new Date("2026-01-01T16:00:00Z"),
};

describe("keys in files of OpenSSH", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "krate-ssh-keys-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("a key is made once, for its owner's eyes, and read afterwards", () => {
    const path = join(folder, "deep", "key");
    const made = sshKeyFile(path, "host");
    expect(sshKeyFile(path, "host").blob).toEqual(made.blob);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readSshPublicKey(readFileSync(`${path}.pub`, "utf8")).blob).toEqual(made.blob);
    const data = Buffer.from("to be signed");
    const read = readSshPrivateKey(readFileSync(path, "utf8"));
    expect(sign(null, data, read.key)).toEqual(sign(null, data, made.key));
  });

  withSshKeygen("ssh-keygen and we read each other", () => {
    test("its keys", () => {
      const path = join(folder, "theirs");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "c", "-f", path]);
      const line = readFileSync(`${path}.pub`, "utf8").trim();
      expect(formatSshPublicKey(readSshPrivateKey(readFileSync(path, "utf8")).blob, "c")).toBe(line);
    });

    test("our keys", () => {
      const path = join(folder, "ours");
      sshKeyFile(path, "host of krate");
      expect(execFileSync("ssh-keygen", ["-y", "-f", path], { encoding: "utf8" })).toBe(
        readFileSync(`${path}.pub`, "utf8"),
      );
    });

    test("a key with a passphrase, or of another type, is refused with what to do", () => {
      const path = (name: string) => join(folder, name);
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "secret", "-f", path("locked")]);
      execFileSync("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", path("ecdsa")]);
      expect(() => readSshPrivateKey(readFileSync(path("locked"), "utf8"))).toThrow("has a passphrase");
      expect(() => readSshPrivateKey(readFileSync(path("ecdsa"), "utf8"))).toThrow("must be an Ed25519 key");
      expect(() => readSshPrivateKey("hello")).toThrow("not a private key of OpenSSH");
    });

    test("our certificates", () => {
      const path = join(folder, "ada-cert.pub");
      writeFileSync(path, `${formatSshPublicKey(signSshCertificate(content, authority))}\n`);
      const shown = execFileSync("ssh-keygen", ["-L", "-f", path], {
        encoding: "utf8",
        env: { ...process.env, TZ: "UTC" },
      });
      const fingerprint = (blob: Buffer) => readSshPublicKey(formatSshPublicKey(blob)).fingerprint;
      expect(shown).toContain("Type: ssh-ed25519-cert-v01@openssh.com user certificate");
      expect(shown).toContain(`Public key: ED25519-CERT ${fingerprint(person.blob)}`);
      expect(shown).toContain(`Signing CA: ED25519 ${fingerprint(authority.blob)}`);
      expect(shown).toContain('Key ID: "ada #7"');
      expect(shown).toContain("Valid: from 2026-01-01T00:00:00 to 2026-01-01T16:00:00");
      expect(shown).toMatch(/Principals: \n\s+ada\n/);
      expect(shown).toContain("Critical Options: (none)");
    });

    test("its certificates", () => {
      const [ca, key] = [join(folder, "ca"), join(folder, "user")];
      const pair = sshKeyFile(ca, "ca");
      sshKeyFile(key, "user");
      execFileSync("ssh-keygen", [
        "-q",
        "-s",
        ca,
        "-I",
        "id",
        "-n",
        "ada",
        "-z",
        "9",
        "-V",
        "20260101Z:20260102Z",
        `${key}.pub`,
      ]);
      const blob = readBlob(`${key}-cert.pub`);
      expect(verifySshCertificate(blob, pair.blob)).toEqual({
        key: readBlob(`${key}.pub`),
        user: "ada",
        groups: [],
        serial: 9n,
        keyId: "id",
        validAfter: new Date("2026-01-01T00:00:00Z"),
        validBefore: new Date("2026-01-02T00:00:00Z"),
      });
    });

    test.each([
      { reason: "certificate of a host", args: ["-h", "-n", "ada"], text: "not a user certificate" },
      { reason: "no principal", args: [], text: "names no principal" },
      { reason: "two principals", args: ["-n", "ada,admin"], text: "more than 1 principals" },
      { reason: "critical option", args: ["-n", "ada", "-O", "force-command=true"], text: "critical options" },
    ])("its certificates are refused: $reason", ({ args, text }) => {
      const [ca, key] = [join(folder, "ca2"), join(folder, "user2")];
      const pair = sshKeyFile(ca, "ca");
      sshKeyFile(key, "user");
      execFileSync("ssh-keygen", ["-q", "-s", ca, "-I", "id", ...args, `${key}.pub`]);
      expect(() => verifySshCertificate(readBlob(`${key}-cert.pub`), pair.blob)).toThrow(text);
    });
  });
});

function readBlob(file: string): Buffer {
  return Buffer.from(readFileSync(file, "utf8").split(" ")[1] ?? "", "base64");
}

describe("certificates", () => {
  test("what was signed is read", () => {
    expect(verifySshCertificate(signSshCertificate(content, authority), authority.blob)).toEqual(content);
  });

  test("of another authority", () => {
    const blob = signSshCertificate(content, createSshKey("other"));
    expect(() => verifySshCertificate(blob, authority.blob)).toThrow("signed by another authority");
  });

  test("that name our authority but are not signed by it", () => {
    const blob = signSshCertificate(content, { key: createSshKey("other").key, blob: authority.blob });
    expect(() => verifySshCertificate(blob, authority.blob)).toThrow("signature is wrong");
  });

  test("no byte of one can be changed, and none cut off", () => {
    const blob = signSshCertificate(content, authority);
    for (let at = 0; at < blob.length; at++) {
      const changed = Buffer.from(blob);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => verifySshCertificate(changed, authority.blob)).toThrow();
      expect(() => verifySshCertificate(blob.subarray(0, at), authority.blob)).toThrow();
    }
    expect(() => verifySshCertificate(Buffer.concat([blob, Buffer.alloc(1)]), authority.blob)).toThrow("malformed");
  });
});

describe("public keys", () => {
  const line = formatSshPublicKey(person.blob);
  const rsa = (bits: number) =>
    Buffer.concat([sshString("ssh-rsa"), sshString(Buffer.from([1, 0, 1])), sshString(Buffer.alloc(bits / 8, 0x5b))]);
  test.each([
    { reason: "cut", text: line.slice(0, -8), problem: /malformed/ },
    {
      reason: "with something behind",
      text: formatSshPublicKey(Buffer.concat([person.blob, Buffer.alloc(1)])),
      problem: /malformed/,
    },
    {
      reason: "with another type in front",
      text: line.replace("ssh-ed25519", "ssh-rsa"),
      problem: /says it is "ssh-rsa"/,
    },
    { reason: "not base64", text: "ssh-ed25519 ****", problem: /malformed/ },
    { reason: "DSA", text: formatSshPublicKey(sshString("ssh-dss")), problem: /"ssh-dss" are not accepted/ },
    {
      reason: "named like a property of every object",
      text: formatSshPublicKey(sshString("constructor")),
      problem: /not accepted/,
    },
    { reason: "a short RSA key", text: formatSshPublicKey(rsa(1024)), problem: /less than 2048 bits/ },
    {
      reason: "a length beyond the end",
      text: formatSshPublicKey(Buffer.concat([sshString("ssh-ed25519"), sshUint32(2 ** 32 - 1)])),
      problem: /malformed/,
    },
    {
      reason: "an Ed25519 key of the wrong size",
      text: formatSshPublicKey(Buffer.concat([sshString("ssh-ed25519"), sshString(sshUint64(1n))])),
      problem: /malformed/,
    },
  ])("refused: $reason", ({ text, problem }) => {
    expect(() => readSshPublicKey(text)).toThrow(problem);
  });
});
