import type { IncomingMessage } from "node:http";
import { createGunzip } from "node:zlib";
import { GatewayError } from "../access/gateway-error.ts";

/**
 * The decoded body of a request. It may be left unread: the connection then stays usable for the answer.
 * @throws {GatewayError} 415 for an encoding other than gzip and identity; 413 while reading beyond `maxBytes`.
 */
export async function* requestBody(request: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity" && encoding !== "gzip" && encoding !== "x-gzip") {
    throw new GatewayError(415, `content encoding ${JSON.stringify(encoding)} is not supported: use gzip or none`);
  }
  const raw = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  let size = 0;
  for await (const chunk of encoding === "identity" ? raw : gunzip(request)) {
    size += chunk.length;
    if (size > maxBytes) throw new GatewayError(413, `the request is larger than ${maxBytes} bytes`);
    yield chunk;
  }
}

async function* gunzip(request: IncomingMessage): AsyncGenerator<Buffer> {
  const decoder = createGunzip();
  request.once("error", (error) => decoder.destroy(error));
  request.once("aborted", () => decoder.destroy(new Error("the connection was closed")));
  try {
    yield* request.pipe(decoder).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith("Z_"))
      throw new GatewayError(400, "the body is not valid gzip");
    throw error;
  } finally {
    request.unpipe(decoder);
    decoder.destroy();
  }
}

/** Most bytes that are read and thrown away so that a client still sending gets to read its answer. */
const maxDrainBytes = 256 * 1024 * 1024;
const maxDrainMs = 30_000;

/** Reads what is left of a body after an early answer. Gives up, and closes the connection, beyond 256 MiB or 30 s. */
export async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  let size = 0;
  const timer = setTimeout(() => request.destroy(), maxDrainMs);
  await new Promise<void>((resolve) => {
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxDrainBytes) request.destroy();
    });
    request
      .once("end", resolve)
      .once("close", resolve)
      .once("error", () => resolve());
    request.resume();
  });
  clearTimeout(timer);
}
