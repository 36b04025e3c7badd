import type { Writable } from "node:stream";
import type { Body, BodyStream } from "./exchange.ts";

/** Several pieces reach the socket as one write. False when the stream would rather wait. */
export function writeBody(stream: Writable, body: Body): boolean {
  if (Buffer.isBuffer(body)) return stream.write(body);
  stream.cork();
  let flows = true;
  for (const piece of body) flows = stream.write(piece);
  stream.uncork();
  return flows;
}

/** Like `stream.end(body)`. */
export function endWith(stream: Writable, body: Body): void {
  if (Buffer.isBuffer(body)) {
    stream.end(body);
    return;
  }
  stream.cork();
  for (const piece of body) stream.write(piece);
  stream.end();
}

/** Resolves when everything is handed to the network, or will never be. */
export function whenTaken(stream: Writable): Promise<void> {
  if (stream.writableFinished || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.removeListener("finish", done);
      stream.removeListener("close", done);
      resolve();
    };
    stream.on("finish", done);
    stream.on("close", done);
  });
}

/** Writes at the pace of the client: `write` waits while the socket is full. */
export class WritableBody implements BodyStream {
  readonly #stream: Writable;
  readonly #abort: () => void;

  /** @param abort ends the stream so that the client notices */
  constructor(stream: Writable, abort: () => void) {
    this.#stream = stream;
    this.#abort = abort;
  }

  write(chunk: Body): void | Promise<void> {
    if (this.#stream.destroyed || this.#stream.writableEnded || writeBody(this.#stream, chunk)) return undefined;
    return new Promise((resolve) => {
      const go = () => {
        this.#stream.removeListener("drain", go);
        this.#stream.removeListener("close", go);
        resolve();
      };
      this.#stream.once("drain", go);
      this.#stream.once("close", go);
    });
  }

  end(): void {
    if (!this.#stream.destroyed) this.#stream.end();
  }

  abort(): void {
    this.#abort();
  }
}
