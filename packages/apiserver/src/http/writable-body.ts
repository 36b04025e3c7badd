import type { Writable } from "node:stream";
import type { BodyStream } from "./exchange.ts";

/** Writes at the pace of the client: `write` waits while the socket is full. */
export class WritableBody implements BodyStream {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  write(chunk: Buffer): void | Promise<void> {
    if (this.#stream.destroyed || this.#stream.writableEnded || this.#stream.write(chunk)) return undefined;
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
}
