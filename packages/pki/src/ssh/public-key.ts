/**
 * Public keys: RFC 4253 §6.6 (RSA), RFC 5656 §3.1 (ECDSA), RFC 8709 (Ed25519) and openssh PROTOCOL.u2f (security keys). What is
 * parsed here is data of strangers; the cryptography is Node's. ssh2's key parser knows neither security keys nor weak ones.
 *
 *   signature  = string algorithm, string bytes [, byte flags, uint32 counter]           ; the last two: security keys
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { SshReader } from "./wire.ts";

/** Below this an RSA key is no proof of anything (NIST SP 800-131A). */
const minRsaBits = 2048;

const curves: Readonly<Record<string, { jwk: string; bytes: number; hash: string }>> = {
  nistp256: { jwk: "P-256", bytes: 32, hash: "sha256" },
  nistp384: { jwk: "P-384", bytes: 48, hash: "sha384" },
  nistp521: { jwk: "P-521", bytes: 66, hash: "sha512" },
};

/** A public key that can verify. */
export interface SshPublicKey {
  /** `ssh-ed25519` and the like. */
  type: string;
  /** As it is on the wire. */
  blob: Buffer;
  /** `SHA256:…`, as ssh-keygen prints it. */
  fingerprint: string;
  /** Whether `signature`, the last string of the blob, is this key's over `data`. */
  verifies(data: Buffer, signature: Buffer): boolean;
}

/** The key is well formed and too weak to prove anything. */
export class WeakSshKeyError extends Error {
  override readonly name = "WeakSshKeyError";
}

/** A key in the form of authorized_keys: `ssh-ed25519 AAAA… comment`. @throws Error for one that is malformed, of an unknown type, or too weak */
export function readSshPublicKey(line: string): SshPublicKey {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const blob = Buffer.from(base64, "base64");
  if (blob.length === 0 || blob.toString("base64").replace(/=+$/, "") !== base64.replace(/=+$/, ""))
    throw new Error("the key is malformed");
  const key = parseSshPublicKey(blob);
  if (key.type !== type)
    throw new Error(`the key says it is ${JSON.stringify(type)} but is ${JSON.stringify(key.type)}`);
  return key;
}

/** The fingerprint of a key in the form of authorized_keys. @throws Error as `readSshPublicKey` */
export function fingerprintOfSshKey(line: string): string {
  return readSshPublicKey(line).fingerprint;
}

/** `SHA256:…` of a key in the form it has on the wire. */
export function fingerprintOfSshBlob(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** @throws Error for a key that is malformed, of an unknown type, or too weak */
export function parseSshPublicKey(blob: Buffer): SshPublicKey {
  const reader = new SshReader(blob);
  const type = reader.string().toString("latin1");
  const verifies = Object.hasOwn(keyTypes, type) ? keyTypes[type]?.(reader) : undefined;
  if (!verifies) throw new Error(`keys of type ${JSON.stringify(type.slice(0, 64))} are not accepted`);
  if (!reader.isAtEnd) throw new Error("the key is malformed");
  return { type, blob, fingerprint: fingerprintOfSshBlob(blob), verifies };
}

type Verifies = SshPublicKey["verifies"];

const keyTypes: Readonly<Record<string, (key: SshReader) => Verifies>> = {
  "ssh-ed25519": (key) => ed25519(key, "ssh-ed25519"),
  "ssh-rsa": rsa,
  "ecdsa-sha2-nistp256": (key) => ecdsa(key, "ecdsa-sha2-nistp256"),
  "ecdsa-sha2-nistp384": (key) => ecdsa(key, "ecdsa-sha2-nistp384"),
  "ecdsa-sha2-nistp521": (key) => ecdsa(key, "ecdsa-sha2-nistp521"),
  "sk-ssh-ed25519@openssh.com": (key) => securityKey(key, ed25519(key, "sk-ssh-ed25519@openssh.com")),
  "sk-ecdsa-sha2-nistp256@openssh.com": (key) => securityKey(key, ecdsa(key, "sk-ecdsa-sha2-nistp256@openssh.com")),
};

function ed25519(key: SshReader, algorithm: string): Verifies {
  const x = key.string();
  if (x.length !== 32) throw new Error("the key is malformed");
  const object = fromJwk({ kty: "OKP", crv: "Ed25519", x: x.toString("base64url") });
  return (data, signature) => verify(null, data, object, bytesOf(signature, algorithm));
}

function rsa(key: SshReader): Verifies {
  const [e, n] = [key.mpint(), key.mpint()];
  if (n.length * 8 < minRsaBits) throw new WeakSshKeyError(`RSA keys of less than ${minRsaBits} bits are not accepted`);
  const object = fromJwk({ kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") });
  return (data, signature) => {
    const reader = new SshReader(signature);
    const algorithm = reader.string().toString("latin1");
    // "ssh-rsa" would be SHA-1.
    const hash = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" }[algorithm];
    return hash !== undefined && verify(hash, data, object, reader.string());
  };
}

function ecdsa(key: SshReader, algorithm: string): Verifies {
  const curve = curves[key.string().toString("latin1")];
  const point = key.string();
  if (!curve || point.length !== 1 + 2 * curve.bytes || point[0] !== 4) throw new Error("the key is malformed");
  const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)];
  const object = fromJwk({ kty: "EC", crv: curve.jwk, x: x.toString("base64url"), y: y.toString("base64url") });
  return (data, signature) => {
    const numbers = new SshReader(bytesOf(signature, algorithm));
    const fixed = [numbers.mpint(), numbers.mpint()].map((number) => leftPadded(number, curve.bytes));
    return verify(curve.hash, data, { key: object, dsaEncoding: "ieee-p1363" }, Buffer.concat(fixed));
  };
}

/** A security key signs a hash of what it is used for, whether somebody touched it, and a counter; a touch is demanded. */
function securityKey(key: SshReader, inner: Verifies): Verifies {
  const application = createHash("sha256").update(key.string()).digest();
  return (data, signature) => {
    const reader = new SshReader(signature);
    reader.string();
    reader.string();
    const trailer = reader.bytes(5);
    const touched = ((trailer[0] as number) & 1) === 1;
    const message = Buffer.concat([application, trailer, createHash("sha256").update(data).digest()]);
    return touched && inner(message, signature);
  };
}

function bytesOf(signature: Buffer, algorithm: string): Buffer {
  const reader = new SshReader(signature);
  if (reader.string().toString("latin1") !== algorithm) throw new Error("the signature is not of its key's type");
  return reader.string();
}

function fromJwk(jwk: Record<string, string>): KeyObject {
  return createPublicKey({ key: jwk, format: "jwk" });
}

function leftPadded(bytes: Buffer, length: number): Buffer {
  if (bytes.length > length) throw new Error("the signature is malformed");
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}
