import type { Answer, Asker } from "./asker.ts";
import { type WatchStep, watchStart } from "./watch-steps.ts";

interface Event {
  type: string;
  object: { metadata?: { name?: string; annotations?: object }; rows?: { object?: Event["object"] }[] };
}

/** What a watch says until its time is up. Bookmarks come when a server likes, but for the one that ends the initial events. */
export async function observeWatch(asker: Asker, step: WatchStep): Promise<Answer> {
  const answer = await asker.ask({
    ...step,
    path: step.replays ? ({ revision }) => `${step.path}&resourceVersion=${revision(watchStart.name)}` : step.path,
  });
  if (!Array.isArray(answer.body)) return answer;
  const events = (answer.body as Event[]).filter(
    ({ type, object }) => type !== "BOOKMARK" || object.metadata?.annotations !== undefined,
  );
  return { ...answer, body: step.replays ? events : sortedUpToBookmark(events) };
}

function sortedUpToBookmark(events: Event[]): Event[] {
  const at = events.findIndex(({ type }) => type === "BOOKMARK");
  const end = at === -1 ? events.length : at;
  const name = ({ object }: Event) => object.metadata?.name ?? object.rows?.[0]?.object?.metadata?.name ?? "";
  return [...events.slice(0, end).sort((a, b) => (name(a) < name(b) ? -1 : 1)), ...events.slice(end)];
}
