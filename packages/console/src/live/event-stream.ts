import { formatEvent } from "./events.ts";

const heartbeatMilliseconds = 15_000;
const encoder = new TextEncoder();

/**
 * Answers a request with server-sent events. The next event is asked for only when the browser has taken the last one, so a slow reader
 * slows its source instead of filling memory; between events a comment goes out every 15 s. When the reader leaves, `events` is returned.
 */
export function eventStream(
  events: AsyncIterator<{ event: string; id?: string; data?: unknown }>,
  stop: AbortController,
): Response {
  let heartbeat: NodeJS.Timeout | undefined;
  const end = () => {
    clearInterval(heartbeat);
    stop.abort();
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode("retry: 2000\n\n"));
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(": ping\n\n"));
      }, heartbeatMilliseconds);
    },
    async pull(controller) {
      try {
        const next = await events.next();
        if (!next.done) return controller.enqueue(encoder.encode(formatEvent(next.value)));
        end();
        controller.close();
      } catch (error) {
        end();
        if (stop.signal.aborted) controller.close();
        else controller.error(error);
      }
    },
    cancel: end,
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      // no-transform: a compressor would hold events back
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    },
  });
}
