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
    const forget = () => {
      stream.removeListener("data", onData);
      stream.removeListener("end", onEnd);
      stream.removeListener("error", onError);
      stream.removeListener("close", onClose);
    };
    const stop = (error: Error) => {
      forget();
      stream.resume();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limitBytes) stop(tooLarge(limitBytes));
      else chunks.push(chunk);
    };
    const onEnd = () => {
      forget();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const onError = (cause: Error) => stop(badRequest("the request body could not be read", cause));
    const onClose = () => stop(badRequest("the request body ended early"));
    stream.on("data", onData);
    stream.on("end", onEnd);
    stream.on("error", onError);
    stream.on("close", onClose);
  });
}
