/** Offers ssh clients at hand cannot make: security keys, which need their hardware. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "@jest/globals";
import { fingerprintOfSshBlob, sshString, sshUint32 } from "@krate/pki/ssh";
import { MemorySshKeys } from "../testing/ssh-fixture.ts";
import { credentialOf } from "./credential.ts";

const application = "ssh:";
const touched = 1;

/** An sk-ssh-ed25519 key in software, as openssh PROTOCOL.u2f has it. */
function securityKey() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const x = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const algo = "sk-ssh-ed25519@openssh.com";
  const data = Buffer.concat([sshString(algo), sshString(x), sshString(application)]);
  /** As ssh2 hands it over: without algorithm and length in front. */
  const signature = (blob: Buffer, flags: number) => {
    const trailer = Buffer.concat([Buffer.from([flags]), sshUint32(7)]);
    const hash = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest();
    return Buffer.concat([sign(null, Buffer.concat([hash(application), trailer, hash(blob)]), privateKey), trailer]);
  };
  return { key: { algo, data }, signature };
}

const blob = Buffer.from("session and request");
const keys = new MemorySshKeys();
const mine = securityKey();
keys.register(mine.key.data, "acme", { user: "ada", groups: [] });

test("a security key that was touched signs in", () => {
  const offer = { username: "git", key: mine.key, blob, signature: mine.signature(blob, touched) };
  expect(credentialOf(offer, { keys })).toEqual({ kind: "key", fingerprint: fingerprintOfSshBlob(mine.key.data) });
});

test.each([
  { reason: "not touched", signature: mine.signature(blob, 0) },
  { reason: "another request's signature", signature: mine.signature(Buffer.from("other"), touched) },
  { reason: "another key's signature", signature: securityKey().signature(blob, touched) },
  { reason: "cut", signature: mine.signature(blob, touched).subarray(0, 3) },
  { reason: "empty", signature: Buffer.alloc(0) },
])("a security key does not sign in: $reason", ({ signature }) => {
  expect(() => credentialOf({ username: "git", key: mine.key, blob, signature }, { keys })).toThrow();
});
