import { tooLarge } from "@krate/kinds";
import { type Body, type BodyStream, type Exchange, type HeaderMap, type Peer, splitTarget } from "./exchange.ts";

export interface MemoryRequest {
  method?: string;
  /** Path with query. */
  url: string;
  headers?: Record<string, string | readonly string[]>;
  body?: Buffer | string | object;
  peer?: Peer;
}

/** A request without a socket: `inject` in tests, and calls the server makes to itself. */
export class MemoryExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly peer: Peer;
  status = 0;
  responseHeaders: HeaderMap = {};
  closed = false;
  /** The answer was cut off. */
  aborted = false;
  readonly #headers: Record<string, string | readonly string[]>;
  readonly #body: Buffer;
  readonly #chunks: Buffer[] = [];
  readonly #closeListeners: (() => void)[] = [];
  readonly #chunkListeners: ((chunk: Buffer) => void)[] = [];
  #finish: () => void = () => {};
  /** Resolves when the response is complete. */
  readonly finished: Promise<void>;

  constructor(request: MemoryRequest) {
    const { path, query } = splitTarget(request.url);
    this.method = request.method ?? "GET";
    this.path = path;
    this.query = query;
    this.peer = request.peer ?? { address: "memory" };
    this.#headers = Object.fromEntries(
      Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    );
    this.#body = toBuffer(request.body);
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return value === undefined || typeof value === "string" ? value : value.join(", ");
  }

  headerValues(name: string): string[] {
    const value = this.#headers[name];
    return value === undefined ? [] : typeof value === "string" ? [value] : [...value];
  }

  headerNames(): Iterable<string> {
    return Object.keys(this.#headers);
  }

  async readBody(limitBytes: number): Promise<Buffer> {
    if (this.#body.length > limitBytes) throw tooLarge(limitBytes);
    return this.#body;
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#closeListeners.push(listener);
  }

  /** The client goes away. */
  abort(): void {
    this.#close();
  }

  onChunk(listener: (chunk: Buffer) => void): void {
    this.#chunkListeners.push(listener);
  }

  send(status: number, headers: HeaderMap, body: Body): void {
    this.status = status;
    this.responseHeaders = headers;
    this.#chunks.push(wholeOf(body));
    this.#close();
  }

  async taken(): Promise<void> {}

  open(status: number, headers: HeaderMap): BodyStream {
    this.status = status;
    this.responseHeaders = headers;
    return {
      write: (chunk) => {
        const bytes = wholeOf(chunk);
        this.#chunks.push(bytes);
        for (const listener of this.#chunkListeners) listener(bytes);
      },
      end: () => this.#close(),
      abort: () => {
        this.aborted = true;
        this.#close();
      },
    };
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  json(): unknown {
    return JSON.parse(this.body.toString("utf8"));
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#closeListeners) listener();
    this.#finish();
  }
}

function wholeOf(body: Body): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.concat(body);
}

function toBuffer(body: MemoryRequest["body"]): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}
