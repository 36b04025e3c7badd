import { type PktLine, parsePktLine } from "./pkt-line.ts";
import { ProtocolError } from "./protocol-error.ts";

/**
 * Reads pkt-lines off a byte stream and hands over what follows them untouched: a push is a list of pkt-lines and then a
 * raw pack. Holds at most one pkt-line plus the chunk it came in; never reads ahead of what is asked for.
 */
export class PktLineReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #pending: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /**
   * The next frame, or undefined when the peer closed between two frames.
   * @throws {ProtocolError} on a malformed length or when the stream ends inside a frame.
   */
  async read(): Promise<PktLine | undefined> {
    for (;;) {
      const parsed = parsePktLine(this.#pending);
      if (parsed) {
        this.#pending = this.#pending.subarray(parsed.size);
        return parsed.line;
      }
      if (!(await this.#pull())) {
        if (this.#pending.length === 0) return undefined;
        throw new ProtocolError("the request ends in the middle of a pkt-line");
      }
    }
  }

  /** The first `size` bytes of what follows, without consuming them; fewer when the stream ends first. */
  async peek(size: number): Promise<Buffer> {
    while (this.#pending.length < size && (await this.#pull()));
    return this.#pending.subarray(0, size);
  }

  /** Everything after the frames read so far, as it arrives. The reader is spent afterwards. */
  async *rest(): AsyncGenerator<Buffer> {
    try {
      if (this.#pending.length > 0) {
        const first = this.#pending;
        this.#pending = Buffer.alloc(0);
        yield first;
      }
      while (!this.#ended) {
        const next = await this.#source.next();
        if (next.done) this.#ended = true;
        else yield Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      }
    } finally {
      if (!this.#ended) await this.#source.return?.();
    }
  }

  async #pull(): Promise<boolean> {
    if (this.#ended) return false;
    const next = await this.#source.next();
    if (next.done) {
      this.#ended = true;
      return false;
    }
    this.#pending = this.#pending.length === 0 ? Buffer.from(next.value) : Buffer.concat([this.#pending, next.value]);
    return true;
  }
}
