import "server-only";
import type { KubeClient } from "@krate/kube";
import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import { settings } from "../settings.ts";
import { openSession, type Session, sessionCookie } from "./seal.ts";

/** Who is signed in, or undefined. */
export const currentSession = cache(async (): Promise<Session | undefined> => {
  const sealed = (await cookies()).get(sessionCookie)?.value;
  return openSession(sealed, settings().key);
});

/** Leads to the sign-in page, and back to the page that was asked for. */
export async function goToSignIn(): Promise<never> {
  redirect(`/login?next=${encodeURIComponent((await headers()).get("x-krate-path") ?? "/orgs")}`);
}

/** Who is signed in; a page of anybody else goes to the sign-in page and comes back afterwards. */
export async function requireSession(): Promise<Session> {
  return (await currentSession()) ?? goToSignIn();
}

/** The API server, as the signed-in user. */
export async function userApi(): Promise<KubeClient> {
  const { token } = await requireSession();
  return settings().api.as({ token });
}
