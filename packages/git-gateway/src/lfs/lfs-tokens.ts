import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { SshCertificateContent } from "@krate/pki/ssh";
import { GatewayError } from "../access/gateway-error.ts";
import type { SshCredential } from "../ssh/credential.ts";
import type { LfsOperation } from "./protocol.ts";

/** What a token is for: one repository, one direction, whoever came over SSH with a credential. */
export interface LfsGrant {
  namespace: string;
  repository: string;
  operation: LfsOperation;
  credential: SshCredential;
}

/** Git LFS asks for a new one when it is over, also in the middle of a push. */
export const lfsTokenSeconds = 600;

const prefix = "krate-lfs-1.";
/** What fits a header beside the others; a certificate with very many groups does not. */
const maxTokenLength = 8 * 1024;

/**
 * Short-lived tokens that carry an SSH credential over to HTTP, where large files go:
 *
 *   "krate-lfs-1." base64url(JSON of the grant) "." base64url(HMAC-SHA-256)
 *
 * A token proves who proved what over SSH and nothing else: whether the key still counts and what its holder may do is asked for
 * every request, as it is for every SSH command. The key is derived from the SSH host key, which all gateways behind one name
 * share, so that any of them accepts what another one issued.
 */
export class LfsTokens {
  readonly #key: Buffer;
  readonly #now: () => Date;

  constructor(hostKey: string, now: () => Date = () => new Date()) {
    this.#key = Buffer.from(hkdfSync("sha256", hostKey.trim(), "", "krate git-lfs-authenticate 1", 32));
    this.#now = now;
  }

  /** @throws {GatewayError} 403 for a certificate that names too many groups for a header */
  issue(grant: LfsGrant): { token: string; expiresAt: Date } {
    const expiresAt = new Date(this.#now().getTime() + lfsTokenSeconds * 1000);
    const { credential, ...rest } = grant;
    const content = { ...rest, credential: writeCredential(credential), expires: expiresAt.getTime() };
    const payload = Buffer.from(JSON.stringify(content)).toString("base64url");
    const token = `${prefix}${payload}.${this.#sign(payload).toString("base64url")}`;
    if (token.length > maxTokenLength)
      throw new GatewayError(
        403,
        "you are in too many groups for Git LFS over SSH: use the HTTP URL of the repository",
      );
    return { token, expiresAt };
  }

  /** What a token of ours stands for. @throws {GatewayError} 401 when it is forged or over */
  read(token: string): LfsGrant {
    const [payload = "", signature = ""] = token.slice(prefix.length).split(".");
    const expected = this.#sign(payload);
    const given = Buffer.from(signature, "base64url");
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new GatewayError(401, "the Git LFS token was not issued here: try again, git-lfs asks for a new one");
    const { expires, credential, ...grant } = JSON.parse(Buffer.from(payload, "base64url").toString()) as Written;
    if (expires <= this.#now().getTime())
      throw new GatewayError(401, "the Git LFS token has expired: try again, git-lfs asks for a new one over SSH");
    return { ...grant, credential: readCredential(credential) };
  }

  #sign(payload: string): Buffer {
    return createHmac("sha256", this.#key).update(payload).digest();
  }
}

export function isLfsToken(token: string): boolean {
  return token.startsWith(prefix);
}

interface Written extends Omit<LfsGrant, "credential"> {
  expires: number;
  credential: WrittenCredential;
}

type WrittenCredential =
  | { kind: "key"; fingerprint: string }
  | {
      kind: "certificate";
      content: Pick<SshCertificateContent, "user" | "groups" | "keyId"> & {
        key: string;
        serial: string;
        validAfter: number;
        validBefore: number;
      };
    };

function writeCredential(credential: SshCredential): WrittenCredential {
  if (credential.kind === "key") return credential;
  const { content } = credential;
  return {
    kind: "certificate",
    content: {
      ...content,
      key: content.key.toString("base64url"),
      serial: content.serial.toString(),
      validAfter: content.validAfter.getTime(),
      validBefore: content.validBefore.getTime(),
    },
  };
}

function readCredential(written: WrittenCredential): SshCredential {
  if (written.kind === "key") return written;
  const { content } = written;
  return {
    kind: "certificate",
    content: {
      ...content,
      key: Buffer.from(content.key, "base64url"),
      serial: BigInt(content.serial),
      validAfter: new Date(content.validAfter),
      validBefore: new Date(content.validBefore),
    },
  };
}
