/** Clients that mean harm, before anybody knows who they are. */
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { type ConnectionLimits, type Listener, listen } from "./listen.ts";

jest.setTimeout(20_000);

let folder: TemporaryFolder;
let files: { cert: string; key: string };
const listeners: Listener[] = [];
let asked: number;

beforeAll(async () => {
  folder = await temporaryFolder();
  const authority = await certificateAuthority(join(folder.path, "ca"), "test-ca");
  const issued = await issueCertificate(authority, join(folder.path, "s"), { name: "s", hosts: ["127.0.0.1"] });
  files = { cert: readFileSync(issued.certFile, "utf8"), key: readFileSync(issued.keyFile, "utf8") };
});
beforeEach(() => {
  asked = 0;
});
afterAll(async () => {
  await Promise.all(listeners.map((each) => each.close(0)));
  await folder.remove();
});

async function serve(limits: Partial<ConnectionLimits>): Promise<number> {
  const listener = await listen({
    port: 0,
    tls: files,
    limits,
    onRequest: (exchange) => {
      asked++;
      exchange.send(200, {}, Buffer.from(String([...exchange.headerNames()].length)));
    },
  });
  listeners.push(listener);
  return listener.port;
}

/** What the server says until it closes. */
function untilClosed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}

function tls(port: number, protocol: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: [protocol] }, () =>
      resolve(socket),
    );
    socket.once("error", reject);
  });
}

test("who does not finish the handshake is cut off", async () => {
  const port = await serve({ handshakeMilliseconds: 100 });
  expect(await untilClosed(connectTcp(port, "127.0.0.1"))).toBe("");
});

test("HTTP/1.1: who says nothing gets 408", async () => {
  const port = await serve({ headersMilliseconds: 100 });
  expect(await untilClosed(await tls(port, "http/1.1"))).toMatch(/^HTTP\/1\.1 408 /);
  expect(asked).toBe(0);
});

test("HTTP/1.1: who sends headers byte by byte gets 408", async () => {
  const port = await serve({ headersMilliseconds: 300 });
  const socket = await tls(port, "http/1.1");
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n");
  const drip = setInterval(() => socket.write("x"), 20);
  try {
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 408 /);
    expect(asked).toBe(0);
  } finally {
    clearInterval(drip);
  }
});

test("HTTP/1.1: an idle connection is closed after its request", async () => {
  const port = await serve({ idleMilliseconds: 100 });
  const socket = await tls(port, "http/1.1");
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 200 /);
});

test("HTTP/1.1: headers that are too long get 431", async () => {
  const port = await serve({ maxHeaderBytes: 4096 });
  const socket = await tls(port, "http/1.1");
  socket.write(`GET / HTTP/1.1\r\nhost: x\r\nlong: ${"x".repeat(8192)}\r\n\r\n`);
  expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 431 /);
  expect(asked).toBe(0);
});

test("HTTP/2: who asks for nothing is cut off, preface or not", async () => {
  const port = await serve({ idleMilliseconds: 100 });
  await untilClosed(await tls(port, "h2"));
  const session = http2(port);
  await new Promise((resolve) => session.on("close", resolve));
});

function http2(port: number): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    maxSendHeaderBlockLength: 1024 * 1024,
  } as Parameters<typeof connectHttp2>[1]);
  session.on("error", () => {});
  return session;
}

function ask(session: ClientHttp2Session, headers: Record<string, string | string[]> = {}): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request({ ":path": "/", ...headers });
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    stream.on("error", () => {});
    stream.on("close", () => resolve(stream.rstCode === constants.NGHTTP2_NO_ERROR ? text : `reset ${stream.rstCode}`));
  });
}

test("HTTP/2: a user of three hundred groups is heard, a header list beyond the limits is not", async () => {
  const port = await serve({ maxHeaders: 400, maxHeaderBytes: 64 * 1024 });
  const session = http2(port);
  const groups = (count: number) => ({ "x-remote-group": Array.from({ length: count }, (_, at) => `group-${at}`) });
  expect(await ask(session, groups(300))).not.toContain("reset");
  expect(await ask(session, groups(500))).toContain("reset");
  expect(asked).toBe(1);
  session.destroy();
});

/** RFC 9113 §4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const [headersFrame, resetFrame, settingsFrame] = [1, 3, 4];
const endOfStreamAndHeaders = 5;
/** `GET https://x/` in HPACK. */
const getRoot = Buffer.from([0x82, 0x87, 0x84, 0x41, 0x01, 0x78]);
const cancel = Buffer.from([0, 0, 0, 8]);

test("HTTP/2: a flood of requests that are reset at once ends the connection, others go on", async () => {
  const port = await serve({ resetBurst: 100, resetsPerSecond: 1 });
  const other = http2(port);
  expect(await ask(other)).not.toContain("reset");
  const flood = await tls(port, "h2");
  const closed = untilClosed(flood);
  flood.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(settingsFrame, 0, 0)]));
  let stream = 1;
  const pour = setInterval(() => {
    const frames: Buffer[] = [];
    for (let at = 0; at < 50; at++, stream += 2) {
      frames.push(frame(headersFrame, endOfStreamAndHeaders, stream, getRoot), frame(resetFrame, 0, stream, cancel));
    }
    flood.write(Buffer.concat(frames));
  }, 10);
  try {
    await closed;
  } finally {
    clearInterval(pour);
  }
  expect(asked).toBeLessThan(1000);
  expect(await ask(other)).not.toContain("reset");
  other.destroy();
});

test("connections beyond the limit are closed as they come", async () => {
  const port = await serve({ maxConnections: 2 });
  const kept = [await tls(port, "http/1.1"), await tls(port, "http/1.1")];
  await untilClosed(connectTcp(port, "127.0.0.1"));
  for (const socket of kept) socket.destroy();
});
