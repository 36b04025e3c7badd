import type { AccessRequest } from "../access/authorize.ts";
import { type Access, type AccessPorts, anonymous, decideFor, isPublicRead } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import { type CredentialPorts, identityOf, type SshCredential } from "./credential.ts";

export interface CredentialAccessPorts {
  credentials: CredentialPorts;
  access: Pick<AccessPorts, "authorizer" | "repositories">;
}

/** Decides for whoever holds a credential of SSH, as it counts now. @throws {GatewayError} */
export async function decideForCredential(
  request: AccessRequest,
  credential: SshCredential,
  { credentials, access }: CredentialAccessPorts,
): Promise<Access> {
  const { namespace, repository } = request;
  const view = await access.repositories.find(namespace, repository);
  const identity = identityOf(credential, request, credentials);
  if (identity) {
    const allowed = await decideFor(identity, view, request, access);
    if (credential.kind === "key") credentials.keys.used(credential.fingerprint, namespace);
    return allowed;
  }
  // A key of another organization is nobody here, and nobody may read what is public.
  if (view && isPublicRead(view, request)) return { identity: anonymous, view };
  throw new GatewayError(
    403,
    `your key opens nothing at "${namespace}/${repository}": register it as an SSHKey in namespace "${namespace}"`,
  );
}
