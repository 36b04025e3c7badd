import { followHooks } from "../../../../../../../../hooks/follow-hooks.ts";
import { eventStream } from "../../../../../../../../live/event-stream.ts";
import { openStream, tooManyStreams } from "../../../../../../../../live/stream-limit.ts";
import { answerErrors } from "../../../../../../../../upstream/answer-errors.ts";
import { apiScope } from "../../../../../../../../upstream/api-scope.ts";

/** GET: all hooks of a repository, as a live list; protocol in `live/events.ts`. */
export async function GET(
  request: Request,
  { params }: { params: Promise<{ org: string; repository: string }> },
): Promise<Response> {
  return answerErrors(async () => {
    const { org, repository } = await params;
    if (!/^[a-z0-9.-]{1,253}$/.test(repository))
      return Response.json({ message: "no such repository" }, { status: 404 });
    const { api, user, namespace } = await apiScope(org);
    const slot = openStream(user);
    if (!slot) return tooManyStreams();
    const stop = new AbortController();
    request.signal.addEventListener("abort", () => stop.abort());
    stop.signal.addEventListener("abort", slot.release);
    return eventStream(followHooks(api, { namespace, repository, signal: stop.signal }), stop);
  });
}
