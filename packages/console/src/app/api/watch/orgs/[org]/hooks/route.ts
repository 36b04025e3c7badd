import { answerHooks } from "../../../../../../hooks/answer-hooks.ts";

/** GET: all hooks of an organization, as a live list; protocol in `live/events.ts`. */
export async function GET(request: Request, { params }: { params: Promise<{ org: string }> }): Promise<Response> {
  return answerHooks(request, await params);
}
