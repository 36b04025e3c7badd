import { type Access, type AccessPorts, type AccessRequest, decideAccess } from "../access/authorize.ts";
import { tokenOf } from "../access/credentials.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { CredentialPorts } from "../ssh/credential.ts";
import { decideForCredential } from "../ssh/decide.ts";
import { isLfsToken, type LfsTokens } from "./lfs-tokens.ts";

/** How callers who came over SSH are known over HTTP. */
export interface LfsSshAccess {
  tokens: LfsTokens;
  credentials: CredentialPorts;
}

export interface LfsAccess extends Access {
  /** The caller's token, when it is one of ours: the actions of a batch are called with it. */
  token?: string;
}

/**
 * Decides one request as for Git: by a Kubernetes token, or by a token of `git-lfs-authenticate`, which stands for the SSH
 * credential it was given on, in its repository and direction.
 * @throws {GatewayError}
 */
export async function decideLfsAccess(
  { authorization, ...request }: AccessRequest & { authorization: string | undefined },
  access: AccessPorts,
  ssh: LfsSshAccess | undefined,
): Promise<LfsAccess> {
  const token = tokenOf(authorization);
  if (!ssh || token === undefined || !isLfsToken(token)) return decideAccess({ authorization, ...request }, access);
  const grant = ssh.tokens.read(token);
  const isFor = `"${grant.namespace}/${grant.repository}"`;
  if (grant.namespace !== request.namespace || grant.repository !== request.repository)
    throw new GatewayError(
      403,
      `this Git LFS token is for repository ${isFor} and does not open "${request.namespace}/${request.repository}"`,
    );
  if (request.write && grant.operation !== "upload")
    throw new GatewayError(403, `this Git LFS token only reads from repository ${isFor}`);
  const decided = await decideForCredential(request, grant.credential, { credentials: ssh.credentials, access });
  return { ...decided, token };
}
