import "server-only";
import { eventStream } from "../live/event-stream.ts";
import { openStream, tooManyStreams } from "../live/stream-limit.ts";
import { answerErrors } from "../upstream/answer-errors.ts";
import { apiScope } from "../upstream/api-scope.ts";
import { followHooks } from "./follow-hooks.ts";

/** The live list of hooks of a repository, or of the whole organization; see `follow-hooks.ts`. */
export function answerHooks(
  request: Request,
  { org, repository }: { org: string; repository?: string },
): Promise<Response> {
  return answerErrors(async () => {
    if (repository !== undefined && !/^[a-z0-9.-]{1,253}$/.test(repository))
      return Response.json({ message: "no such repository" }, { status: 404 });
    const { api, user, namespace } = await apiScope(org);
    const slot = openStream(user);
    if (!slot) return tooManyStreams();
    const stop = new AbortController();
    request.signal.addEventListener("abort", () => stop.abort());
    stop.signal.addEventListener("abort", slot.release);
    const scope = { namespace, ...(repository !== undefined && { repository }) };
    return eventStream(followHooks(api, { ...scope, signal: stop.signal }), stop);
  });
}
