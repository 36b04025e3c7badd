import {
  parseSshPublicKey,
  type SshCertificateContent,
  type SshPublicKey,
  sshCertificateType,
  sshString,
} from "@krate/pki/ssh";
import ssh2 from "ssh2";
import { GatewayError } from "../access/gateway-error.ts";
import type { Identity } from "../ports.ts";
import type { SshCertificates } from "./certificates.ts";
import type { SshKeys } from "./ports.ts";

/** What somebody proved to hold. What it opens is asked for every command: it may have been revoked since. */
export type SshCredential =
  | { kind: "key"; fingerprint: string }
  | { kind: "certificate"; content: SshCertificateContent };

/** A public key a client offers (RFC 4252 §7), as ssh2 hands it over; without a signature it only asks whether the key would do. */
export interface OfferedKey {
  username: string;
  key: { algo: string; data: Buffer };
  signature?: Buffer | undefined;
  blob?: Buffer | undefined;
  hashAlgo?: string | undefined;
}

export interface CredentialPorts {
  keys: SshKeys;
  /** Absent where no authority is configured: then certificates count for nothing. */
  certificates?: SshCertificates | undefined;
}

/** Login name that says nothing: the key says who it is. */
const anybody = "git";
const securityKeyTrailerBytes = 5;

/** @throws Error saying why the offer is refused: for the log, the client only learns that it is */
export function credentialOf(offer: OfferedKey, ports: CredentialPorts): SshCredential {
  return offer.key.algo === sshCertificateType ? certificateOf(offer, ports) : keyOf(offer, ports);
}

function keyOf(offer: OfferedKey, { keys }: CredentialPorts): SshCredential {
  const key = parseSshPublicKey(offer.key.data);
  if (key.type !== offer.key.algo) throw new Error("the key is not of the type it is offered as");
  const users = keys.usersOf(key.fingerprint);
  if (users.length === 0) throw new Error(`key ${key.fingerprint} opens nothing`);
  if (offer.username !== anybody && !users.includes(offer.username))
    throw new Error(`key ${key.fingerprint} does not belong to the login name`);
  // "ssh-rsa" without a hash is SHA-1 (RFC 8332).
  if (key.type === "ssh-rsa" && !offer.hashAlgo) throw new Error("RSA signatures with SHA-1 are not accepted");
  if (offer.signature && !isSigned(offer, offer.signature, key)) throw new Error("the signature is wrong");
  return { kind: "key", fingerprint: key.fingerprint };
}

function certificateOf(
  { key, username, signature, blob }: OfferedKey,
  { certificates }: CredentialPorts,
): SshCredential {
  if (!certificates) throw new Error("certificates are not accepted here");
  const content = certificates.read(key.data);
  if (username !== anybody && username !== content.user) throw new Error("the certificate is not for the login name");
  // ssh2 leaves the signature whole here: its algorithm is that of the key, not of the certificate.
  if (signature && !(blob && parseSshPublicKey(content.key).verifies(blob, signature)))
    throw new Error("the signature is wrong");
  return { kind: "certificate", content };
}

/** ssh2 hands over signatures without their algorithm, those of ECDSA as ASN.1, and verifies all but those of security keys. */
function isSigned({ blob, hashAlgo }: OfferedKey, signature: Buffer, key: SshPublicKey): boolean {
  if (!blob) return false;
  if (key.type.startsWith("sk-")) {
    const end = Math.max(signature.length - securityKeyTrailerBytes, 0);
    const whole = [sshString(key.type), sshString(signature.subarray(0, end)), signature.subarray(end)];
    return key.verifies(blob, Buffer.concat(whole));
  }
  const parsed = ssh2.utils.parseKey(`${key.type} ${key.blob.toString("base64")}`);
  return !(parsed instanceof Error) && parsed.verify(blob, signature, hashAlgo) === true;
}

/** Who the holder is to one repository, now. @throws {GatewayError} 401, 403 when nobody */
export function identityOf(
  credential: SshCredential,
  target: { namespace: string; repository: string },
  { keys, certificates }: CredentialPorts,
): Identity | undefined {
  if (credential.kind === "key") return keys.identityOf(credential.fingerprint, target);
  const { content } = credential;
  certificates?.requireValid(content);
  if (keys.isDisabled(content.user, target.namespace))
    throw new GatewayError(403, `"${content.user}" is disabled in namespace "${target.namespace}"`);
  return { user: content.user, groups: [...content.groups] };
}

/** For the log: who came with what. */
export function describeCredential(credential: SshCredential): Record<string, string> {
  if (credential.kind === "key") return { fingerprint: credential.fingerprint };
  const { user, serial, key } = credential.content;
  return { user, certificate: serial.toString(16), fingerprint: parseSshPublicKey(key).fingerprint };
}
