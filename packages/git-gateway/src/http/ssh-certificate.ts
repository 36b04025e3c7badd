import { formatSshPublicKey } from "@krate/pki/ssh";
import { challenge, tokenOf } from "../access/credentials.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { Authenticator } from "../ports.ts";
import type { SshCertificates } from "../ssh/certificates.ts";
import { requestBody } from "./body.ts";
import type { Exchange } from "./git-handlers.ts";

export interface CertificateOptions {
  certificates: SshCertificates;
  /** `ssh://git@host:port`, as clients reach the server. */
  sshUrl: string;
  /** The server's key, as it is on the wire. */
  hostKey: Buffer;
}

const maxBodyBytes = 16 * 1024;

/**
 * POST /-/ssh/certificate, authenticated as every request: `{"publicKey": "ssh-ed25519 …"}` is answered by
 *
 *   { user, certificate: "ssh-ed25519-cert-v01@openssh.com …", expiresAt, sshUrl, hostKey: "ssh-ed25519 …" }
 *
 * A certificate on a ServiceAccount's token ends with the token.
 * @throws {GatewayError}
 */
export async function serveCertificate(
  { request, response }: Exchange,
  authenticator: Authenticator,
  options: CertificateOptions | undefined,
): Promise<void> {
  if (!options) throw new GatewayError(404, "this gateway issues no SSH certificates: it has no KRATE_SSH_CA_KEY_FILE");
  const token = tokenOf(request.headers.authorization);
  const identity = token && token !== "malformed" ? await authenticator.authenticate(token) : undefined;
  if (!token || !identity)
    throw new GatewayError(401, "an SSH certificate is issued for a valid Kubernetes token", challenge);
  const publicKey = publicKeyOf(await textOf(request));
  const end = identity.user.startsWith("system:serviceaccount:") ? expiryOf(token) : undefined;
  const issued = options.certificates.issue(identity, publicKey, end);
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.setHeader("cache-control", "no-store");
  response.end(
    JSON.stringify({
      user: issued.user,
      certificate: formatSshPublicKey(issued.certificate),
      expiresAt: issued.expiresAt.toISOString(),
      sshUrl: options.sshUrl,
      hostKey: formatSshPublicKey(options.hostKey),
    }),
  );
}

async function textOf(request: Exchange["request"]): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of requestBody(request, maxBodyBytes)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function publicKeyOf(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    throw new GatewayError(400, `the body is not JSON: ${(cause as Error).message.slice(0, 200)}`);
  }
  const publicKey =
    parsed !== null && typeof parsed === "object" && "publicKey" in parsed ? parsed.publicKey : undefined;
  if (typeof publicKey !== "string")
    throw new GatewayError(
      400,
      'the body must be {"publicKey": "ssh-ed25519 …"}, one line in the form of authorized_keys',
    );
  return publicKey;
}

/** When a token that the API server accepted ends. An opaque one does not say. */
function expiryOf(token: string): Date | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
      exp?: unknown;
    };
    return typeof claims.exp === "number" ? new Date(claims.exp * 1000) : undefined;
  } catch {
    return undefined;
  }
}
