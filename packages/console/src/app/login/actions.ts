"use server";
import { ApiError } from "@krate/kinds";
import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";
import { nextPath } from "../../session/next-path.ts";
import { sessionCookie } from "../../session/seal.ts";
import { signIn } from "../../session/sign-in.ts";

/** Signs in and goes where the user wanted to; answers with a sentence when the token is not accepted. */
export async function signInWithToken(_previous: string | undefined, form: FormData): Promise<string | undefined> {
  const token = String(form.get("token") ?? "").trim();
  try {
    const https = (await headers()).get("x-forwarded-proto") === "https";
    (await cookies()).set(await signIn(token, { https }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.reason === "Unauthorized" ? "The API server does not accept this token." : error.message;
  }
  redirect(nextPath(String(form.get("next") ?? "")));
}

export async function signOut(): Promise<void> {
  (await cookies()).delete(sessionCookie);
  redirect("/login?stay");
}
