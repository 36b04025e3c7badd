import type { Readable } from "node:stream";
import { badRequest, tooLarge } from "@krate/kinds";

/**
 * Reads a stream to its end.
 * @throws RequestEntityTooLarge as soon as more than `limitBytes` have come; BadRequest when the client stops in the middle
 */
export function readAll(stream: Readable, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: Error) => {
      stream.removeListener("data", onData);
      stream.resume();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) stop(tooLarge(limitBytes));
      else chunks.push(chunk);
    };
    stream.on("data", onData);
    stream.once("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    stream.once("error", (cause) => stop(badRequest("the request body could not be read", cause)));
    stream.once("close", () => {
      if (!stream.readableEnded) stop(badRequest("the request body ended early"));
    });
  });
}
