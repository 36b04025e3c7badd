import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { cacheHeaders } from "./answer.ts";
import type { ContentRequest } from "./serve.ts";

/** Answers JSON objects, one a line, as they come, no faster than the client reads. A failure on the way breaks the connection off. */
export async function streamLines(
  request: ContentRequest,
  options: { immutable: boolean },
  lines: () => AsyncGenerator<unknown>,
): Promise<void> {
  const { response } = request;
  cacheHeaders(request, options);
  response.setHeader("content-type", "application/x-ndjson; charset=utf-8");
  if (request.request.method === "HEAD") {
    response.end();
    return;
  }
  // The first line goes out with the headers, so that a failure before it can still be told.
  const source = lines();
  const first = await source.next();
  await pipeline(
    Readable.from(
      (async function* () {
        try {
          for (let next = first; !next.done; next = await source.next()) yield `${JSON.stringify(next.value)}\n`;
        } finally {
          await source.return(undefined);
        }
      })(),
      { objectMode: true, highWaterMark: 64 },
    ),
    response,
  );
}
