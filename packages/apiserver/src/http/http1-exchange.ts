import type { IncomingMessage, ServerResponse } from "node:http";
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

/** One HTTP/1.1 request. */
export class Http1Exchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly peer: Peer;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, peer: Peer) {
    const { path, query } = splitTarget(request.url ?? "/");
    this.method = request.method ?? "GET";
    this.path = path;
    this.query = query;
    this.peer = peer;
    this.#request = request;
    this.#response = response;
    response.on("error", () => {});
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  headerValues(name: string): string[] {
    return valuesOf(this.#request.rawHeaders, name);
  }

  headerNames(): Iterable<string> {
    return namesOf(this.#request.rawHeaders);
  }

  readBody(limitBytes: number): Promise<Buffer> {
    return readAll(this.#request, limitBytes);
  }

  get closed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#response.once("close", listener);
  }

  send(status: number, headers: HeaderMap, body: Body): void {
    if (this.closed || this.#response.headersSent) return;
    // A body that was never read would be taken for the next request.
    const rest = this.#request.readableEnded || this.method === "GET" ? {} : { connection: "close" };
    this.#response.writeHead(status, { "content-length": bodyLength(body), ...headersOf(headers), ...rest });
    endWith(this.#response, body);
  }

  open(status: number, headers: HeaderMap): BodyStream {
    if (!this.closed) {
      this.#response.writeHead(status, headersOf(headers));
      this.#response.flushHeaders();
    }
    return new WritableBody(this.#response, () => this.abort());
  }

  taken(): Promise<void> {
    return whenTaken(this.#response);
  }

  abort(): void {
    this.#response.destroy();
  }
}

function headersOf(headers: HeaderMap): Record<string, string | string[]> {
  return headers as Record<string, string | string[]>;
}
