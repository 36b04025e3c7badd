import { eventStream } from "../../../../../../../live/event-stream.ts";
import { followLog } from "../../../../../../../live/follow-log.ts";
import { openStream, tooManyStreams } from "../../../../../../../live/stream-limit.ts";
import { answerErrors } from "../../../../../../../upstream/answer-errors.ts";
import { apiScope } from "../../../../../../../upstream/api-scope.ts";

/** GET: the log of a job as it is written, as server-sent events; protocol in `live/follow-log.ts`. */
export async function GET(
  request: Request,
  { params }: { params: Promise<{ org: string; job: string }> },
): Promise<Response> {
  return answerErrors(async () => {
    const { org, job } = await params;
    const { api, user, namespace } = await apiScope(org);
    const slot = openStream(user);
    if (!slot) return tooManyStreams();
    const stop = new AbortController();
    request.signal.addEventListener("abort", () => stop.abort());
    stop.signal.addEventListener("abort", slot.release);
    const skip = Number(request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("since") ?? 0);
    return eventStream(
      followLog(api, { namespace, job, skip: Number.isSafeInteger(skip) ? skip : 0, signal: stop.signal }),
      stop,
    );
  });
}
