import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import {
  type Body,
  type BodyStream,
  bodyLength,
  type Exchange,
  type HeaderMap,
  namesOf,
  type Peer,
  splitTarget,
  valuesOf,
} from "./exchange.ts";
import { readAll } from "./read-body.ts";
import { endWith, WritableBody, whenTaken } from "./writable-body.ts";

/** One HTTP/2 stream, by Node's core `stream` API: half the CPU of the compatibility API. */
export class Http2Exchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly peer: Peer;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #rawHeaders: readonly string[];

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[], peer: Peer) {
    const { path, query } = splitTarget((headers[":path"] as string | undefined) ?? "/");
    this.method = (headers[":method"] as string | undefined) ?? "GET";
    this.path = path;
    this.query = query;
    this.peer = peer;
    this.#stream = stream;
    this.#headers = headers;
    this.#rawHeaders = rawHeaders;
    // A reset by the client is not our error; whoever waits learns of it by onClose.
    stream.on("error", () => {});
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  headerValues(name: string): string[] {
    return valuesOf(this.#rawHeaders, name);
  }

  headerNames(): Iterable<string> {
    return namesOf(this.#rawHeaders);
  }

  readBody(limitBytes: number): Promise<Buffer> {
    return readAll(this.#stream, limitBytes);
  }

  get closed(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#stream.once("close", listener);
  }

  send(status: number, headers: HeaderMap, body: Body): void {
    if (this.closed || this.#stream.headersSent) return;
    this.#stream.respond({ ":status": status, "content-length": bodyLength(body), ...headers });
    endWith(this.#stream, body);
    this.#refuseRest();
  }

  open(status: number, headers: HeaderMap): BodyStream {
    if (!this.closed) this.#stream.respond({ ":status": status, ...headers });
    return new WritableBody(this.#stream, () => this.abort());
  }

  taken(): Promise<void> {
    return whenTaken(this.#stream);
  }

  abort(): void {
    this.#stream.destroy(new Error("the answer was cut off"));
  }

  /** Answered before the body was read (401, 413): tell the client to stop sending. RFC 9113 §8.1. */
  #refuseRest(): void {
    if (this.#stream.readableEnded || this.method === "GET") return;
    this.#stream.once("finish", () => {
      if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }
}
