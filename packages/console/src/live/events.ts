/**
 * The protocol of a live list, over server-sent events (WHATWG HTML §9.2):
 *
 *   event: snapshot   data: [row, …]            objects that exist, page by page
 *   event: synced     id: <resourceVersion>     the list is complete; changes follow
 *   event: change     id: <resourceVersion>     data: { type: "ADDED" | "MODIFIED" | "DELETED", row }
 *   event: reset                                forget everything: a new snapshot follows
 *   event: problem    data: { reason, message } the stream ends and coming back would not help
 *   : ping                                      every 15 s, so that a dead connection is noticed
 *
 * Coming back with the last id (header Last-Event-ID, or parameter `since`) continues there; when that version is gone, a reset follows.
 */
export type LiveEvent =
  | { event: "snapshot"; data: unknown[] }
  | { event: "synced"; id: string }
  | { event: "change"; id: string; data: { type: string; row: unknown } }
  | { event: "reset" }
  | { event: "problem"; data: { reason: string; message: string } };

/** One event as it goes over the wire. JSON holds no line breaks, so one `data:` line is enough. */
export function formatEvent(event: { event: string; id?: string; data?: unknown }): string {
  const id = event.id === undefined ? "" : `id: ${event.id}\n`;
  return `event: ${event.event}\n${id}data: ${JSON.stringify(event.data ?? null)}\n\n`;
}
