/**
 * SSH signatures as `git commit -S` makes them with gpg.format=ssh (openssh PROTOCOL.sshsig):
 *
 *   armor      = "-----BEGIN SSH SIGNATURE-----" base64 "-----END SSH SIGNATURE-----"
 *   blob       = "SSHSIG" uint32 version=1, string public-key, string namespace, string reserved, string hash, string signature
 *   signed     = "SSHSIG" string namespace, string reserved, string hash, string H(message)
 *
 * What is parsed here is data of strangers; the keys are those of @krate/pki. No library of ours parses SSHSIG.
 */
import { createHash } from "node:crypto";
import { parseSshPublicKey, SshReader, sshString } from "@krate/pki/ssh";

/** Namespace git signs in: a signature made for another purpose does not count. */
const gitNamespace = "git";
const magic = Buffer.from("SSHSIG");

/** Whether `text` is an SSH signature at all. */
export function isSshSignature(text: string): boolean {
  return text.startsWith("-----BEGIN SSH SIGNATURE-----");
}

/**
 * The fingerprint of the key that made a signature over `payload`.
 * @throws Error whose text says why the signature is not good
 */
export function verifySshSignature(payload: Buffer, armor: string): string {
  const blob = new SshReader(unarmor(armor));
  if (!blob.bytes(magic.length).equals(magic)) throw new Error("the signature is malformed");
  if (blob.uint32() !== 1) throw new Error("the signature has an unknown version");
  const keyBlob = blob.string();
  const namespace = blob.string();
  const reserved = blob.string();
  const hash = blob.string().toString("latin1");
  const signature = blob.string();
  if (namespace.toString("latin1") !== gitNamespace)
    throw new Error(
      `the signature was not made for git but for ${JSON.stringify(namespace.toString("utf8").slice(0, 64))}`,
    );
  if (hash !== "sha512" && hash !== "sha256") throw new Error("the signature uses an unknown hash");
  const digest = createHash(hash).update(payload).digest();
  const data = Buffer.concat([magic, ...[namespace, reserved, Buffer.from(hash), digest].map(sshString)]);
  const key = parseSshPublicKey(keyBlob);
  if (!key.verifies(data, signature)) throw new Error("the signature does not belong to this commit");
  return key.fingerprint;
}

function unarmor(text: string): Buffer {
  const match = /^-----BEGIN SSH SIGNATURE-----\s([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----\s*$/.exec(text);
  if (!match) throw new Error("the signature is malformed");
  return Buffer.from(match[1] as string, "base64");
}
