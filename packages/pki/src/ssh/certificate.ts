/**
 * User certificates of OpenSSH (PROTOCOL.certkeys), Ed25519 keys signed by an Ed25519 authority. No library of ours knows them.
 *
 *   certificate = string "ssh-ed25519-cert-v01@openssh.com", string nonce, string public, uint64 serial, uint32 type, string key-id,
 *                 string principals, uint64 valid-after, uint64 valid-before, string critical-options, string extensions,
 *                 string reserved, string authority, string signature
 *   principals  = *string name
 *   options     = *(string name, string data)              ; in order of their names
 */
import { randomBytes, sign } from "node:crypto";
import type { SshKeyPair } from "./private-key.ts";
import { parseSshPublicKey } from "./public-key.ts";
import { SshReader, sshString, sshUint32, sshUint64 } from "./wire.ts";

export const sshCertificateType = "ssh-ed25519-cert-v01@openssh.com";
const keyType = "ssh-ed25519";
const userCertificate = 1;

/** Groups of the person the certificate is for, a name per string: the answer of the authentication it was issued on. */
const groupsExtension = "groups@krate.a5c.ai";
/** What ssh-keygen grants unless told otherwise and a Git server has no use for stays out: no pty, no forwarding. */
const maxPrincipals = 1;
const maxGroups = 256;
const maxCertificateBytes = 64 * 1024;

export interface SshCertificateContent {
  /** Certified key, as it is on the wire. */
  key: Buffer;
  /** The Kubernetes user. */
  user: string;
  groups: readonly string[];
  serial: bigint;
  keyId: string;
  validAfter: Date;
  validBefore: Date;
}

/** Signs a certificate; the answer is its form on the wire. */
export function signSshCertificate(content: SshCertificateContent, authority: SshKeyPair): Buffer {
  const key = new SshReader(content.key);
  if (key.text() !== keyType) throw new Error(`only ${keyType} keys are certified`);
  const groups = sshString(Buffer.concat(content.groups.map((group) => sshString(group))));
  const body = Buffer.concat([
    sshString(sshCertificateType),
    sshString(randomBytes(32)),
    sshString(key.string()),
    sshUint64(content.serial),
    sshUint32(userCertificate),
    sshString(content.keyId),
    sshString(sshString(content.user)),
    sshUint64(secondsOf(content.validAfter)),
    sshUint64(secondsOf(content.validBefore)),
    sshString(""),
    sshString(Buffer.concat([sshString(groupsExtension), groups])),
    sshString(""),
    sshString(authority.blob),
  ]);
  const signature = Buffer.concat([sshString(keyType), sshString(sign(null, body, authority.key))]);
  return Buffer.concat([body, sshString(signature)]);
}

/**
 * Reads a certificate and verifies that `authority` made it for a user. Whether it is valid now is the caller's question, who asks
 * it again later.
 * @throws Error whose text says why it does not count
 */
export function verifySshCertificate(blob: Buffer, authority: Buffer): SshCertificateContent {
  if (blob.length > maxCertificateBytes) throw new Error("the certificate is too large");
  const reader = new SshReader(blob);
  if (reader.text() !== sshCertificateType)
    throw new Error(`only certificates of type ${sshCertificateType} are accepted`);
  reader.string();
  const key = Buffer.concat([sshString(keyType), sshString(reader.string())]);
  const serial = reader.uint64();
  const purpose = reader.uint32();
  const keyId = reader.text();
  const principals = stringsOf(reader.string(), maxPrincipals, "principals");
  const [validAfter, validBefore] = [dateOf(reader.uint64()), dateOf(reader.uint64())];
  const critical = reader.string();
  const extensions = optionsOf(reader.string());
  reader.string();
  const signer = reader.string();
  const signed = blob.subarray(0, reader.position);
  const signature = reader.string();
  if (!reader.isAtEnd) throw new Error("the certificate is malformed");
  if (!signer.equals(authority)) throw new Error("the certificate was signed by another authority");
  if (!parseSshPublicKey(authority).verifies(signed, signature))
    throw new Error("the certificate's signature is wrong");
  if (purpose !== userCertificate) throw new Error("the certificate is not a user certificate");
  const [user] = principals;
  if (!user) throw new Error("the certificate names no principal");
  if (critical.length > 0) throw new Error("the certificate has critical options, of which none is supported");
  const groups = stringsOf(extensions.get(groupsExtension) ?? Buffer.alloc(0), maxGroups, "groups");
  return { key, user, groups, serial, keyId, validAfter, validBefore };
}

function stringsOf(list: Buffer, most: number, what: string): string[] {
  const reader = new SshReader(list);
  const strings: string[] = [];
  while (!reader.isAtEnd) {
    strings.push(reader.text());
    if (strings.length > most) throw new Error(`the certificate names more than ${most} ${what}`);
  }
  return strings;
}

function optionsOf(list: Buffer): Map<string, Buffer> {
  const reader = new SshReader(list);
  const options = new Map<string, Buffer>();
  while (!reader.isAtEnd) options.set(reader.text(), reader.string());
  return options;
}

function secondsOf(date: Date): bigint {
  return BigInt(Math.floor(date.getTime() / 1000));
}

/** The largest number, "for ever", is beyond what a Date holds. */
function dateOf(seconds: bigint): Date {
  const latest = 8_640_000_000_000n;
  return new Date(Number(seconds > latest ? latest : seconds) * 1000);
}
