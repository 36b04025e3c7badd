import { X509Certificate } from "node:crypto";
import { unauthorized } from "@krate/kinds";
import type { UserInfo } from "../context.ts";
import type { Exchange, Peer } from "../http/exchange.ts";
import type { Authenticator } from "../services.ts";

const clientAuthUsage = "1.3.6.1.5.5.7.3.2";

export interface VerifiedCertificate {
  commonName: string;
  organizations: string[];
  /** SHA-256 of the certificate, hexadecimal. */
  fingerprint: string;
  /** When it or its issuer's certificate ends, in milliseconds. */
  notAfter: number;
}

/**
 * Checks the certificate a client showed on its connection against one authority; the answer is kept per connection. As in Go's
 * `x509.Verify`, the authority's own certificate must be valid now too. Node shows a server no intermediate certificates that a client
 * sends along: an authority that signs by an intermediate publishes that one.
 */
export class CertificateVerifier {
  readonly #authorities: readonly X509Certificate[];
  readonly #known = new WeakMap<Peer, VerifiedCertificate | null>();

  /** @param pem one or more PEM certificates. @throws Error when one is not a certificate */
  constructor(pem: string) {
    this.#authorities = splitPem(pem).map((each) => new X509Certificate(each));
  }

  /** Undefined when there is no certificate, or when it is not of this authority, for clients and valid now. */
  verify(peer: Peer, now = Date.now()): VerifiedCertificate | undefined {
    let known = this.#known.get(peer);
    if (known === undefined) {
      known = this.#check(peer, now) ?? null;
      this.#known.set(peer, known);
    }
    return known === null || known.notAfter < now ? undefined : known;
  }

  #check(peer: Peer, now: number): VerifiedCertificate | undefined {
    const certificate = peer.socket?.getPeerX509Certificate?.();
    if (certificate === undefined) return undefined;
    const issuer = this.#authorities.find((authority) => isIssuedBy(certificate, authority));
    if (issuer === undefined) return undefined;
    const chain = [certificate, issuer];
    if (chain.some((each) => Date.parse(each.validFrom) > now)) return undefined;
    const usages: readonly string[] | undefined = certificate.keyUsage;
    if (usages !== undefined && !usages.includes(clientAuthUsage)) return undefined;
    const subject = certificate.toLegacyObject().subject as unknown as Record<string, string | string[] | undefined>;
    return {
      commonName: valuesOf(subject["CN"])[0] ?? "",
      organizations: valuesOf(subject["O"]),
      fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      notAfter: Math.min(...chain.map((each) => Date.parse(each.validTo))),
    };
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function valuesOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

export function splitPem(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
}

/** Client certificates: the user is the common name, its groups are the organizations. A certificate of somebody else is 401. */
export function clientCertificate(verifier: CertificateVerifier): Authenticator {
  return (exchange) => {
    const certificate = verifier.verify(exchange.peer);
    if (certificate === undefined || certificate.commonName === "") {
      if (hasCertificate(exchange) && exchange.header("authorization") === undefined) throw unauthorized();
      return undefined;
    }
    return userOf(certificate);
  };
}

function hasCertificate({ peer }: Exchange): boolean {
  return peer.socket?.getPeerX509Certificate?.() !== undefined;
}

const users = new WeakMap<VerifiedCertificate, UserInfo>();

function userOf(certificate: VerifiedCertificate): UserInfo {
  const known = users.get(certificate);
  if (known !== undefined) return known;
  const user = {
    name: certificate.commonName,
    groups: [...certificate.organizations, "system:authenticated"],
    extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${certificate.fingerprint}`] },
  };
  users.set(certificate, user);
  return user;
}
