/**
 * Ed25519 private keys in files of OpenSSH (PROTOCOL.key), not encrypted: what ssh-keygen -t ed25519 -N "" writes, and what ssh of
 * every age reads.
 *
 *   file       = "-----BEGIN OPENSSH PRIVATE KEY-----" base64 "-----END OPENSSH PRIVATE KEY-----"
 *   blob       = "openssh-key-v1" NUL, string "none", string "none", string "", uint32 1, string public-key, string private
 *   private    = uint32 check, uint32 check, string "ssh-ed25519", string public, string seed public, string comment, padding 1 2 3…
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SshReader, sshString, sshUint32 } from "./wire.ts";

const magic = Buffer.from("openssh-key-v1\0");
const type = "ssh-ed25519";
const blockBytes = 8;
const keyBytes = 32;

export interface SshKeyPair {
  /** Signs, with `sign(null, data, key)` of node:crypto. */
  key: KeyObject;
  /** The public key as it is on the wire. */
  blob: Buffer;
}

/** A new key pair, and its private half as the text of a file. */
export function createSshKey(comment: string): SshKeyPair & { file: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { x = "", d = "" } = privateKey.export({ format: "jwk" });
  const [publicBytes, seed] = [Buffer.from(x, "base64url"), Buffer.from(d, "base64url")];
  const blob = blobOf(publicBytes);
  const check = randomBytes(4);
  const secret = Buffer.concat([seed, publicBytes]);
  const body = Buffer.concat([check, check, blob, sshString(secret), sshString(comment)]);
  const padding = Buffer.from(
    Array.from({ length: (blockBytes - (body.length % blockBytes)) % blockBytes }, (_, i) => i + 1),
  );
  const all = Buffer.concat([
    magic,
    ...["none", "none", ""].map((text) => sshString(text)),
    sshUint32(1),
    sshString(blob),
    sshString(Buffer.concat([body, padding])),
  ]);
  return { key: privateKey, blob, file: armor(all) };
}

/** @throws Error for anything but one Ed25519 key without a passphrase */
export function readSshPrivateKey(file: string): SshKeyPair {
  const match = /^-----BEGIN OPENSSH PRIVATE KEY-----\s([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----\s*$/.exec(
    file,
  );
  if (!match) throw new Error("not a private key of OpenSSH: make one with ssh-keygen -t ed25519");
  const reader = new SshReader(Buffer.from(match[1] as string, "base64"));
  if (!reader.bytes(magic.length).equals(magic)) throw new Error("not a private key of OpenSSH");
  if (reader.text() !== "none") throw new Error('the private key has a passphrase: make one without, ssh-keygen -N ""');
  reader.string();
  reader.string();
  if (reader.uint32() !== 1) throw new Error("the file must hold exactly one key");
  reader.string();
  const secret = new SshReader(reader.string());
  secret.bytes(8);
  if (secret.text() !== type) throw new Error("the private key must be an Ed25519 key: ssh-keygen -t ed25519");
  const publicBytes = secret.string();
  const seed = secret.string().subarray(0, keyBytes);
  const jwk = { kty: "OKP", crv: "Ed25519", x: publicBytes.toString("base64url"), d: seed.toString("base64url") };
  return { key: createPrivateKey({ key: jwk, format: "jwk" }), blob: blobOf(publicBytes) };
}

/** The key of the file `path`; made, with `<path>.pub` beside it, when there is none. */
export function sshKeyFile(path: string, comment: string): SshKeyPair {
  if (existsSync(path)) return readSshPrivateKey(readFileSync(path, "utf8"));
  const made = createSshKey(comment);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.pub`, `${formatSshPublicKey(made.blob, comment)}\n`, { mode: 0o644 });
  writeFileSync(path, made.file, { mode: 0o600 });
  return made;
}

/** One line in the form of authorized_keys. */
export function formatSshPublicKey(blob: Buffer, comment?: string): string {
  const line = `${new SshReader(blob).text()} ${blob.toString("base64")}`;
  return comment === undefined ? line : `${line} ${comment}`;
}

function blobOf(publicBytes: Buffer): Buffer {
  return Buffer.concat([sshString(type), sshString(publicBytes)]);
}

function armor(blob: Buffer): string {
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}
