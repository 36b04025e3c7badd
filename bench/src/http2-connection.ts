/**
 * A client connection that speaks as much HTTP/2 as a load generator needs. Node's own client costs more per request and byte
 * than the servers it would measure on the same machine, so both would look alike: receiving 23 MB takes it 100 ms, this 20 ms.
 *
 * Frames and HPACK: RFC 9113, RFC 7541. Response headers are looked at for `:status` alone; the header table is switched off
 * (SETTINGS_HEADER_TABLE_SIZE 0), so that every block can be read by itself.
 */
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { statusOf } from "./hpack-status.ts";

export interface Target {
  url: string;
  ca: Buffer;
  token: string;
}

export interface RequestPlan {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  body?: Buffer;
}

export interface Answer {
  status: number;
  bytes: number;
  /** The body, of errors and of requests sent with `keep`. */
  text: string;
}

export interface SendOptions {
  /** Keep the body. @defaultValue only of errors */
  keep?: boolean;
  /** Called with each piece of the body as it comes. */
  onData?: (piece: Buffer) => void;
}

interface Stream {
  status: number;
  bytes: number;
  kept: Buffer[];
  options: SendOptions;
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;
const headerBytes = 9;
const maxFrameBytes = 16_384;
/** So large that servers write at the pace of the socket. */
const windowBytes = 2 ** 30;
const firstServerWindow = 65_535;
const readBytes = 64 * 1024;
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export class Connection {
  readonly #socket: TLSSocket;
  readonly #streams = new Map<number, Stream>();
  readonly #indexed: Buffer;
  #opened = false;
  #nextStream = 1;
  #out: Buffer[] = [];
  /** Bytes the server takes on this connection. */
  #window = firstServerWindow;
  readonly #waiting: (() => void)[] = [];
  #received = 0;
  /** The frame being read: its header, and what has come of a payload that matters. */
  #rest: Buffer | undefined;
  /** Bytes of a DATA frame still to come, and whose they are. */
  #dataLeft = 0;
  #dataStream = 0;
  #dataEnds = false;

  static open(target: Target): Promise<Connection> {
    const { hostname, port } = new URL(target.url);
    return new Promise((resolve, reject) => {
      let connection: Connection | undefined;
      const options = {
        host: hostname,
        port: Number(port),
        ca: target.ca,
        ALPNProtocols: ["h2"],
        // One buffer for all that comes; @types/node does not know that TLS has it, too.
        onread: {
          buffer: Buffer.allocUnsafeSlow(readBytes),
          callback: (count: number, buffer: Uint8Array<ArrayBuffer>) => {
            connection?.receive(Buffer.from(buffer.buffer, buffer.byteOffset, count));
            return true;
          },
        },
      } as ConnectionOptions;
      const socket = connect(options, () => {
        connection = new Connection(socket, target);
        resolve(connection);
      });
      socket.setNoDelay(true);
      socket.on("error", (error) => {
        connection?.fail(error);
        reject(error);
      });
      socket.on("close", () => connection?.fail(new Error(`${target.url} closed the connection`)));
    });
  }

  private constructor(socket: TLSSocket, target: Target) {
    this.#socket = socket;
    const authority = new URL(target.url).host;
    this.#indexed = Buffer.concat([
      literal(0x41, authority), // from the second request on 64, 63 and 62 of the dynamic table
      literal(0x53, "application/json"),
      literal(0x57, `Bearer ${target.token}`),
    ]);
    const settings = Buffer.alloc(18);
    [0x1, 0, 0x2, 0, 0x4, windowBytes].forEach((value, index) => {
      if (index % 2 === 0) settings.writeUInt16BE(value, index * 3);
      else settings.writeUInt32BE(value, index * 3 - 1);
    });
    this.#write(preface, ...frameOf(frame.settings, 0, 0, settings));
    this.#grant(windowBytes - firstServerWindow);
  }

  /** One request. Fails when the connection does; an error status is an answer. */
  send(plan: RequestPlan, options: SendOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const go = () => {
        this.#window -= plan.body?.length ?? 0;
        const id = this.#nextStream;
        this.#nextStream += 2;
        this.#streams.set(id, { status: 0, bytes: 0, kept: [], options, resolve, reject });
        this.#request(id, plan);
      };
      if ((plan.body?.length ?? 0) <= this.#window) go();
      else this.#waiting.push(go);
    });
  }

  close(): void {
    this.#streams.clear();
    this.#socket.destroy();
  }

  fail(error: Error): void {
    for (const stream of this.#streams.values()) stream.reject(error);
    this.#streams.clear();
  }

  receive(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#dataLeft > 0) {
        const end = Math.min(at + this.#dataLeft, bytes.length);
        this.#data(bytes.subarray(at, end));
        at = end;
        continue;
      }
      const unread: Buffer = this.#rest ? Buffer.concat([this.#rest, bytes.subarray(at)]) : bytes.subarray(at);
      const taken = this.#readFrame(unread);
      if (taken === 0) {
        this.#rest = Buffer.from(unread);
        return;
      }
      at += taken - (this.#rest?.length ?? 0);
      this.#rest = undefined;
    }
  }

  /** Reads a frame, of DATA only its header; 0 when it has not come completely. */
  #readFrame(bytes: Buffer): number {
    if (bytes.length < headerBytes) return 0;
    const length = bytes.readUIntBE(0, 3);
    const type = bytes[3] as number;
    const flags = bytes[4] as number;
    const id = bytes.readUInt32BE(5);
    if (type === frame.data) {
      if (flags & flag.padded) throw new Error("padded DATA frames are not understood");
      this.#dataLeft = length;
      this.#dataStream = id;
      this.#dataEnds = (flags & flag.endStream) !== 0;
      if (length === 0) this.#endData();
      return headerBytes;
    }
    const end = headerBytes + length;
    if (bytes.length < end) return 0;
    this.#control(type, flags, id, bytes.subarray(headerBytes, end));
    return end;
  }

  #data(piece: Buffer): void {
    this.#dataLeft -= piece.length;
    this.#received += piece.length;
    const stream = this.#streams.get(this.#dataStream);
    if (stream) {
      stream.bytes += piece.length;
      if (stream.options.keep || stream.status >= 400) stream.kept.push(Buffer.from(piece));
      stream.options.onData?.(piece);
    }
    if (this.#received > windowBytes / 2) {
      this.#grant(this.#received);
      this.#received = 0;
    }
    if (this.#dataLeft === 0) this.#endData();
  }

  #endData(): void {
    if (this.#dataEnds) this.#end(this.#dataStream);
  }

  #end(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.resolve({ status: stream.status, bytes: stream.bytes, text: Buffer.concat(stream.kept).toString() });
  }

  #control(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case frame.headers: {
        const stream = this.#streams.get(id);
        const start = (flags & flag.padded ? 1 : 0) + (flags & flag.priority ? 5 : 0);
        if (stream && stream.status === 0) stream.status = statusOf(payload.subarray(start));
        if (flags & flag.endStream) this.#end(id);
        return;
      }
      case frame.reset: {
        this.#streams.get(id)?.reject(new Error(`the server reset the stream: code ${payload.readUInt32BE(0)}`));
        this.#streams.delete(id);
        return;
      }
      case frame.settings:
        if (!(flags & flag.ack)) this.#write(...frameOf(frame.settings, flag.ack, 0));
        return;
      case frame.ping:
        if (!(flags & flag.ack)) this.#write(...frameOf(frame.ping, flag.ack, 0, Buffer.from(payload)));
        return;
      case frame.goAway:
        this.fail(new Error(`the server ends the connection: code ${payload.readUInt32BE(4)}`));
        return;
      case frame.windowUpdate:
        if (id !== 0) return;
        this.#window += payload.readUInt32BE(0);
        while (this.#window >= maxFrameBytes && this.#waiting.length > 0) this.#waiting.shift()?.();
    }
  }

  #request(id: number, { method, path, body }: RequestPlan): void {
    const indexed = this.#opened ? Buffer.from([0xc0, 0xbf, 0xbe]) : this.#indexed;
    this.#opened = true;
    const known =
      method === "GET" ? Buffer.from([0x82]) : method === "POST" ? Buffer.from([0x83]) : literal(0x02, method);
    const block = [known, Buffer.from([0x87]), literal(0x04, path), indexed];
    if (body) block.push(literal(0x0f, "application/json", 0x10), literal(0x0f, String(body.length), 0x0d));
    const flags = flag.endHeaders | (body ? 0 : flag.endStream);
    this.#write(...frameOf(frame.headers, flags, id, Buffer.concat(block)));
    for (let at = 0; body && at < body.length; at += maxFrameBytes) {
      const last = at + maxFrameBytes >= body.length;
      this.#write(...frameOf(frame.data, last ? flag.endStream : 0, id, body.subarray(at, at + maxFrameBytes)));
    }
  }

  #grant(bytes: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(bytes);
    this.#write(...frameOf(frame.windowUpdate, 0, 0, payload));
  }

  /** What is written in one turn goes out in one piece. */
  #write(...buffers: Buffer[]): void {
    if (this.#out.length === 0) {
      setImmediate(() => {
        this.#socket.write(Buffer.concat(this.#out));
        this.#out = [];
      });
    }
    this.#out.push(...buffers);
  }
}

function frameOf(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer[] {
  const header = Buffer.alloc(headerBytes);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(id, 5);
  return [header, payload];
}

/** A header field with a name from a table and a literal value: first byte, more of the name's index, length, text. */
function literal(first: number, value: string, ...more: number[]): Buffer {
  const text = Buffer.from(value);
  const length = text.length < 127 ? [text.length] : [127, ...continued(text.length - 127)];
  return Buffer.concat([Buffer.from([first, ...more, ...length]), text]);
}

/** RFC 7541 §5.1. */
function continued(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...continued(value >>> 7)];
}
