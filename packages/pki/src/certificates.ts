import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as x509 from "@peculiar/x509";

/** A key pair with its certificate, as the PEM files that Kubernetes programs read. */
export interface Credential {
  certFile: string;
  keyFile: string;
}

export interface Authority extends Credential {
  certificate: x509.X509Certificate;
  keys: CryptoKeyPair;
}

export interface CertificateRequest {
  /** Common name: the user name of a client. */
  name: string;
  /** Organizations: the groups of a client. @defaultValue none */
  groups?: string[];
  /** Names and addresses a server answers to; none makes a client certificate only. @defaultValue none */
  hosts?: string[];
  /** @defaultValue a year from an hour ago */
  validity?: { notBefore: Date; notAfter: Date };
  /** An intermediate authority: {@link certificateAuthority} reads its files. @defaultValue false */
  authority?: boolean;
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const validityMilliseconds = 365 * 24 * 3600 * 1000;
/** Clocks of two programs on one machine agree; this covers a clock that is set back. */
const backdateMilliseconds = 3600 * 1000;

x509.cryptoProvider.set(webcrypto);

/** The authority whose files start with `path` (`<path>.crt`, `<path>.key`): read, or made when there is none. */
export async function certificateAuthority(path: string, name: string): Promise<Authority> {
  const files = credentialFiles(path);
  if (existsSync(files.certFile)) return readAuthority(files);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    serialNumber: serialNumber(),
    name: distinguishedName(name),
    keys: keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await writeCredential(files, certificate, keys);
  return { ...files, certificate, keys };
}

/** Issues a certificate into `<path>.crt` and `<path>.key`; what was there is replaced. */
export async function issueCertificate(ca: Authority, path: string, request: CertificateRequest): Promise<Credential> {
  const files = credentialFiles(path);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const hosts = request.hosts ?? [];
  const usages: string[] = [x509.ExtendedKeyUsage.clientAuth];
  const extensions: x509.Extension[] = [
    new x509.KeyUsagesExtension(
      request.authority === true ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature,
      true,
    ),
    ...(request.authority === true ? [new x509.BasicConstraintsExtension(true, undefined, true)] : []),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(ca.keys.publicKey),
  ];
  if (hosts.length > 0) {
    usages.push(x509.ExtendedKeyUsage.serverAuth);
    extensions.push(new x509.SubjectAlternativeNameExtension(hosts.map(generalName)));
  }
  const certificate = await x509.X509CertificateGenerator.create({
    ...(request.validity ?? validity()),
    serialNumber: serialNumber(),
    subject: distinguishedName(request.name, request.groups),
    issuer: ca.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: ca.keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [...extensions, new x509.ExtendedKeyUsageExtension(usages)],
  });
  await writeCredential(files, certificate, keys);
  return files;
}

/** An ECDSA key pair for service account tokens: `<path>.key` signs, `<path>.pub` verifies; read if already there. */
export async function signingKeyFiles(path: string): Promise<{ privateKeyFile: string; publicKeyFile: string }> {
  const files = { privateKeyFile: `${path}.key`, publicKeyFile: `${path}.pub` };
  if (existsSync(files.privateKeyFile)) return files;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const publicKey = Buffer.from(await webcrypto.subtle.exportKey("spki", keys.publicKey));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(files.publicKeyFile, x509.PemConverter.encode(publicKey, "PUBLIC KEY"));
  await writePrivateKey(files.privateKeyFile, keys);
  return files;
}

async function readAuthority(files: Credential): Promise<Authority> {
  const certificate = new x509.X509Certificate(await readFile(files.certFile, "utf8"));
  const pkcs8 = x509.PemConverter.decodeFirst(await readFile(files.keyFile, "utf8"));
  const privateKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]);
  const publicKey = (await certificate.publicKey.export(algorithm, ["verify"])) as webcrypto.CryptoKey;
  return { ...files, certificate, keys: { privateKey, publicKey } };
}

async function writeCredential(files: Credential, certificate: x509.X509Certificate, keys: CryptoKeyPair) {
  await mkdir(dirname(files.certFile), { recursive: true, mode: 0o700 });
  await writePrivateKey(files.keyFile, keys);
  await writeFile(files.certFile, `${certificate.toString("pem")}\n`);
}

async function writePrivateKey(file: string, keys: CryptoKeyPair): Promise<void> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  await writeFile(file, `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`, { mode: 0o600 });
}

function credentialFiles(path: string): Credential {
  return { certFile: `${path}.crt`, keyFile: `${path}.key` };
}

function distinguishedName(name: string, groups: string[] = []): x509.Name {
  return new x509.Name([...groups.map((group) => ({ O: [group] })), { CN: [name] }]);
}

function generalName(host: string): x509.GeneralName {
  return new x509.GeneralName(/^[\d.]+$|:/.test(host) ? "ip" : "dns", host);
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - backdateMilliseconds), notAfter: new Date(now + validityMilliseconds) };
}

/** Positive, as RFC 5280 §4.1.2.2 demands: the first bit is cleared. */
function serialNumber(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  bytes[0] = (bytes[0] as number) & 0x7f;
  return bytes.toString("hex");
}
