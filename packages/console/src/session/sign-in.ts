import "server-only";
import { ApiError } from "@krate/kinds";
import { settings } from "../settings.ts";
import { type Session, sealSession, sessionCookie, sessionSeconds } from "./seal.ts";

/** What Next's cookie jars take. */
export interface SessionCookie {
  name: string;
  value: string;
  httpOnly: true;
  sameSite: "lax";
  secure: boolean;
  path: "/";
  maxAge: number;
}

/**
 * Asks the API server whom a token belongs to (SelfSubjectReview) and seals the answer.
 * @throws ApiError Unauthorized when it belongs to nobody.
 */
export async function signIn(token: string, options: { https: boolean }): Promise<SessionCookie> {
  const { api, key } = settings();
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new ApiError("Unauthorized", "this is no token: it holds spaces or other characters");
  const answer = await api.as({ token }).raw({
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
  });
  const { status } = (await answer.json()) as { status?: { userInfo?: { username?: string; groups?: string[] } } };
  const { username, groups = [] } = status?.userInfo ?? {};
  if (!username || username === "system:anonymous")
    throw new ApiError("Unauthorized", "the API server does not know this token");
  const session: Session = { token, user: username, groups };
  return {
    name: sessionCookie,
    value: await sealSession(session, key),
    httpOnly: true,
    sameSite: "lax",
    secure: options.https,
    path: "/",
    maxAge: sessionSeconds,
  };
}
