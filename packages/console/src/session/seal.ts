/**
 * The session cookie: a JWE (RFC 7516, `dir` with `A256GCM`) that only the console can open. It holds the user's bearer token, so that
 * the console keeps no state and no token reaches a script in the browser.
 */
import { EncryptJWT, errors, jwtDecrypt } from "jose";

export const sessionCookie = "krate_session";
/** Longest time without signing in again, seconds. The token itself may end earlier; then the API server says so. */
export const sessionSeconds = 12 * 60 * 60;

export interface Session {
  /** Sent to the API server and the Git gateway with every request. */
  token: string;
  /** What the API server calls the user. */
  user: string;
  groups: string[];
}

/** Most cookies a browser keeps are cut at 4096 bytes; groups are shown only, so they go first. */
const maxCookieBytes = 4000;

export async function sealSession(session: Session, key: Uint8Array): Promise<string> {
  const sealed = await seal(session, key);
  if (sealed.length <= maxCookieBytes) return sealed;
  const withoutGroups = await seal({ ...session, groups: [] }, key);
  if (withoutGroups.length <= maxCookieBytes) return withoutGroups;
  throw new Error(
    `the token is too long for a cookie (${session.token.length} characters): use a shorter-lived one with fewer claims`,
  );
}

function seal({ token, user, groups }: Session, key: Uint8Array): Promise<string> {
  return new EncryptJWT({ token, groups })
    .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime(`${sessionSeconds} s`)
    .encrypt(key);
}

/** The session of a cookie; undefined when it is absent, over, or not sealed with this key. */
export async function openSession(sealed: string | undefined, key: Uint8Array): Promise<Session | undefined> {
  if (!sealed) return undefined;
  try {
    const { payload } = await jwtDecrypt(sealed, key, {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
      requiredClaims: ["sub", "exp"],
    });
    const { token, groups, sub } = payload;
    if (typeof token !== "string" || typeof sub !== "string") return undefined;
    return { token, user: sub, groups: Array.isArray(groups) ? groups.map(String) : [] };
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
