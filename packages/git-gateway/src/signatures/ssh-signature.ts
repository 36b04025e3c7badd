/**
 * SSH signatures as `git commit -S` makes them with gpg.format=ssh (openssh PROTOCOL.sshsig):
 *
 *   armor      = "-----BEGIN SSH SIGNATURE-----" base64 "-----END SSH SIGNATURE-----"
 *   blob       = "SSHSIG" uint32 version=1, string public-key, string namespace, string reserved, string hash, string signature
 *   signed     = "SSHSIG" string namespace, string reserved, string hash, string H(message)
 *   signature  = string algorithm, string bytes [, byte flags, uint32 counter]           ; the last two: security keys
 *
 * Public keys are RFC 4253 §6.6 (RSA), RFC 5656 §3.1 (ECDSA), RFC 8709 (Ed25519) and openssh PROTOCOL.u2f (security keys). What is
 * parsed here is data of strangers; the cryptography is Node's. No library of ours parses SSHSIG, and ssh2's key parser, which
 * would do the keys, does not know security keys.
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";

/** Namespace git signs in: a signature made for another purpose does not count. */
const gitNamespace = "git";
const magic = Buffer.from("SSHSIG");
/** Below this an RSA key is no proof of anything (NIST SP 800-131A). */
const minRsaBits = 2048;

const curves: Readonly<Record<string, { jwk: string; bytes: number; hash: string }>> = {
  nistp256: { jwk: "P-256", bytes: 32, hash: "sha256" },
  nistp384: { jwk: "P-384", bytes: 48, hash: "sha384" },
  nistp521: { jwk: "P-521", bytes: 66, hash: "sha512" },
};

/** A public key that can verify. */
export interface SshPublicKey {
  /** `SHA256:…`, as ssh-keygen prints it. */
  fingerprint: string;
  /** Whether `signature`, the last string of the blob, is this key's over `data`. */
  verifies(data: Buffer, signature: Buffer): boolean;
}

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

/** The fingerprint of a key in the form of authorized_keys. @throws Error */
export function fingerprintOfSshKey(line: string): string {
  const [, base64 = ""] = line.trim().split(/\s+/);
  return parseSshPublicKey(Buffer.from(base64, "base64")).fingerprint;
}

/** @throws Error for a key that is malformed, of an unknown type, or too weak */
export function parseSshPublicKey(blob: Buffer): SshPublicKey {
  const reader = new SshReader(blob);
  const type = reader.string().toString("latin1");
  const fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  const verifies = keyTypes[type]?.(reader);
  if (!verifies) throw new Error(`keys of type ${JSON.stringify(type.slice(0, 64))} are not accepted`);
  return { fingerprint, verifies };
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
  if (n.length * 8 < minRsaBits) throw new Error(`RSA keys of less than ${minRsaBits} bits are not accepted`);
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

function unarmor(text: string): Buffer {
  const match = /^-----BEGIN SSH SIGNATURE-----\s([A-Za-z0-9+/=\s]+)-----END SSH SIGNATURE-----\s*$/.exec(text);
  if (!match) throw new Error("the signature is malformed");
  return Buffer.from(match[1] as string, "base64");
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** RFC 4251 §5. */
class SshReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#buffer.length) throw new Error("the key or signature is malformed");
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  string(): Buffer {
    return this.bytes(this.uint32());
  }

  /** A number that is not negative, without leading zeros. */
  mpint(): Buffer {
    const bytes = this.string();
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  }
}
