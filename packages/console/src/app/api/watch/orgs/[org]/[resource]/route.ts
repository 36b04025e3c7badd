import { eventStream } from "../../../../../../live/event-stream.ts";
import { fieldSelectorOf, liveResources } from "../../../../../../live/resources.ts";
import { openStream, tooManyStreams } from "../../../../../../live/stream-limit.ts";
import { watchList } from "../../../../../../live/watch-list.ts";
import { answerErrors } from "../../../../../../upstream/answer-errors.ts";
import { apiScope } from "../../../../../../upstream/api-scope.ts";

/** GET: a live list; protocol in `live/events.ts`. */
export async function GET(
  request: Request,
  { params }: { params: Promise<{ org: string; resource: string }> },
): Promise<Response> {
  return answerErrors(async () => {
    const { org, resource: plural } = await params;
    const resource = Object.hasOwn(liveResources, plural) ? liveResources[plural] : undefined;
    if (!resource) return Response.json({ message: `no live list "${plural}"` }, { status: 404 });
    const { api, user, namespace } = await apiScope(org);
    const slot = openStream(user);
    if (!slot) return tooManyStreams();
    const stop = new AbortController();
    request.signal.addEventListener("abort", () => stop.abort());
    stop.signal.addEventListener("abort", slot.release);
    const query = new URL(request.url).searchParams;
    const since = request.headers.get("last-event-id") ?? query.get("since") ?? undefined;
    const fieldSelector = fieldSelectorOf(resource, query);
    const events = watchList(api, resource, {
      namespace,
      signal: stop.signal,
      ...(fieldSelector && { fieldSelector }),
      ...(since && /^\d+$/.test(since) && { since }),
    });
    return eventStream(events, stop);
  });
}
