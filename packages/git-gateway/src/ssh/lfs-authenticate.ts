import { GatewayError } from "../access/gateway-error.ts";
import { type LfsGrant, type LfsTokens, lfsTokenSeconds } from "../lfs/lfs-tokens.ts";

/** What `git-lfs-authenticate` needs: absent where large files are not served. */
export interface LfsAuthenticateOptions {
  tokens: LfsTokens;
  /** The gateway over HTTP as clients reach it, without a slash at the end. */
  publicUrl(): string;
}

/**
 * The answer to `git-lfs-authenticate <path> download|upload`: where the LFS API of the repository is and what opens it
 * (https://github.com/git-lfs/git-lfs/blob/main/docs/api/server-discovery.md). Large files themselves go over HTTP.
 * @throws {GatewayError} when this gateway serves none
 */
export function lfsAuthentication(grant: LfsGrant, lfs: LfsAuthenticateOptions | undefined): string {
  if (!lfs) throw new GatewayError(501, "Git LFS is not served here");
  const { token, expiresAt } = lfs.tokens.issue(grant);
  return JSON.stringify({
    href: `${lfs.publicUrl()}/${grant.namespace}/${grant.repository}.git/info/lfs`,
    header: { Authorization: `Bearer ${token}` },
    expires_in: lfsTokenSeconds,
    expires_at: expiresAt.toISOString(),
  });
}
