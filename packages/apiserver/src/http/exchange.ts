/**
 * One HTTP request and its answer, whatever carried it. The pipeline knows only this; HTTP/2, HTTP/1.1 and tests implement it.
 */
import type { TLSSocket } from "node:tls";

export type HeaderMap = Record<string, string | readonly string[]>;

/** The other end of a connection. Computed once per connection and shared by its requests. */
export interface Peer {
  readonly address: string;
  /** Absent without TLS and in tests that do not care. */
  readonly socket?: TLSSocket;
}

/** Bytes in one piece, or in several that follow each other: written in one go, without joining them. */
export type Body = Buffer | readonly Buffer[];

export function bodyLength(body: Body): number {
  return Buffer.isBuffer(body) ? body.length : body.reduce((sum, piece) => sum + piece.length, 0);
}

/** A response whose length is not known: watch, logs, long lists. */
export interface BodyStream {
  /** Resolves when more may be written; rejects never: after the client has gone, writes are dropped. */
  write(chunk: Body): void | Promise<void>;
  end(): void;
  /** The rest will not come: the client must not take what it has for the whole. */
  abort(): void;
}

export interface Exchange {
  readonly method: string;
  /** Path without the query, still percent-encoded. */
  readonly path: string;
  /** Query without `?`, still encoded. */
  readonly query: string;
  readonly peer: Peer;
  /** Value of a header by lower-case name; several are joined by `, `. */
  header(name: string): string | undefined;
  /** Every value of a header apart: a group name may hold a comma. */
  headerValues(name: string): string[];
  /** Distinct lower-case header names. */
  headerNames(): Iterable<string>;
  /** The whole body. @throws RequestEntityTooLarge above the limit */
  readBody(limitBytes: number): Promise<Buffer>;
  /** True once the client has gone. */
  readonly closed: boolean;
  /** Called at once when the client has gone already. */
  onClose(listener: () => void): void;
  /** Dropped when the client has gone or something was sent already. */
  send(status: number, headers: HeaderMap, body: Body): void;
  /** Resolves when the client has taken what was sent, or has gone. */
  taken(): Promise<void>;
  /** Cuts the answer off: the client must not take what it has for the whole. */
  abort(): void;
  open(status: number, headers: HeaderMap): BodyStream;
}

/** Splits a request target at its `?`. */
export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf("?");
  return at === -1 ? { path: target, query: "" } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

/** Values of one header in `[name, value, name, value…]`. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) values.push(rawHeaders[at + 1] as string);
  }
  return values;
}

/** Distinct lower-case names in `[name, value, name, value…]`. */
export function namesOf(rawHeaders: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) names.add((rawHeaders[at] as string).toLowerCase());
  return names;
}

/** A header value as the text its sender meant: Go sends UTF-8, which Node reads byte by byte. */
export function headerText(value: string): string {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length === Buffer.byteLength(value) || bytes.toString("latin1") !== value) return value;
  const text = bytes.toString("utf8");
  return text.includes("\ufffd") ? value : text;
}
