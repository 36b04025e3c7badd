import { readFileSync } from "node:fs";
import { NextResponse } from "next/server";
import { nextPath } from "../../../../session/next-path.ts";
import { signIn } from "../../../../session/sign-in.ts";
import { settings } from "../../../../settings.ts";
import { answerErrors } from "../../../../upstream/answer-errors.ts";

/** GET: signs in as the owner of the configured token (embedded forge on loopback) and goes on to `next`. */
export async function GET(request: Request): Promise<Response> {
  return answerErrors(async () => {
    const { autoLoginTokenFile } = settings().config;
    if (!autoLoginTokenFile) return new Response("there is no automatic sign-in\n", { status: 404 });
    const cookie = await signIn(readFileSync(autoLoginTokenFile, "utf8").trim(), { https: false });
    const target = nextPath(new URL(request.url).searchParams.get("next"));
    const response = new NextResponse(null, { status: 307, headers: { location: target } });
    response.cookies.set(cookie);
    return response;
  });
}
