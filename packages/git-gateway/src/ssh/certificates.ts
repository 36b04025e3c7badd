import { randomBytes } from "node:crypto";
import {
  readSshPublicKey,
  type SshCertificateContent,
  type SshKeyPair,
  signSshCertificate,
  verifySshCertificate,
} from "@krate/pki/ssh";
import { GatewayError } from "../access/gateway-error.ts";
import type { Identity } from "../ports.ts";

/** A working day and what is left of the evening. */
const lifetimeMs = 16 * 3600 * 1000;
/** Clocks of two machines. */
const backdateMs = 5 * 60 * 1000;
const keyType = "ssh-ed25519";

export interface IssuedCertificate {
  certificate: Buffer;
  user: string;
  expiresAt: Date;
}

/** Issues and judges short-lived certificates of people: the SSH side of a Kubernetes identity. */
export class SshCertificates {
  readonly #authority: SshKeyPair;
  readonly #now: () => Date;

  constructor(authority: SshKeyPair, now: () => Date = () => new Date()) {
    this.#authority = authority;
    this.#now = now;
  }

  /**
   * Certifies that whoever holds `publicKey` is `identity`, for 16 hours or until `notAfter`.
   * @throws {GatewayError} for a key that is not Ed25519, and for tokens of jobs
   */
  issue(identity: Identity, publicKey: string, notAfter?: Date): IssuedCertificate {
    if (identity.jobScope) throw new GatewayError(403, "a job token gets no SSH certificate");
    const key = keyOf(publicKey);
    const now = this.#now().getTime();
    const end = Math.min(now + lifetimeMs, notAfter?.getTime() ?? Number.POSITIVE_INFINITY);
    const serial = randomBytes(8).readBigUInt64BE();
    const content: SshCertificateContent = {
      key,
      user: identity.user,
      groups: identity.groups,
      serial,
      keyId: `${identity.user} ${serial.toString(16)}`,
      validAfter: new Date(now - backdateMs),
      validBefore: new Date(Math.floor(end / 1000) * 1000),
    };
    return {
      certificate: signSshCertificate(content, this.#authority),
      user: identity.user,
      expiresAt: content.validBefore,
    };
  }

  /** @throws Error whose text says why the certificate does not count */
  read(certificate: Buffer): SshCertificateContent {
    const content = verifySshCertificate(certificate, this.#authority.blob);
    if (content.validBefore.getTime() - content.validAfter.getTime() > lifetimeMs + backdateMs)
      throw new Error("the certificate is valid for longer than certificates of this forge ever are");
    this.requireValid(content);
    return content;
  }

  /** @throws {GatewayError} 401 when the certificate is not valid now */
  requireValid({ validAfter, validBefore }: SshCertificateContent): void {
    const now = this.#now();
    if (now < validAfter)
      throw new GatewayError(401, "the certificate is not valid yet: is this machine's clock right?");
    if (now >= validBefore)
      throw new GatewayError(401, `the certificate expired at ${validBefore.toISOString()}: run \`krate login\``);
  }
}

function keyOf(publicKey: string): Buffer {
  let problem = `the key must be of type ${keyType}`;
  try {
    const key = readSshPublicKey(publicKey);
    if (key.type === keyType) return key.blob;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  throw new GatewayError(400, `publicKey: ${problem}; make one with ssh-keygen -t ed25519`);
}
