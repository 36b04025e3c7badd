import { readFileSync } from "node:fs";
import { connect, constants } from "node:http2";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { CertificateVerifier } from "../auth/client-certificate.ts";
import type { Exchange } from "./exchange.ts";
import { type Listener, listen } from "./listen.ts";

let folder: TemporaryFolder;
let listener: Listener;
let ca: string;
const certificates: Record<string, { cert: string; key: string }> = {};
let handle: (exchange: Exchange) => void | Promise<void>;

const read = ({ certFile, keyFile }: { certFile: string; keyFile: string }) => ({
  cert: readFileSync(certFile, "utf8"),
  key: readFileSync(keyFile, "utf8"),
});

beforeAll(async () => {
  folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const authority = await certificateAuthority(at("ca"), "test-ca");
  const stranger = await certificateAuthority(at("other"), "other-ca");
  ca = readFileSync(authority.certFile, "utf8");
  certificates["ada"] = read(await issueCertificate(authority, at("ada"), { name: "ada", groups: ["dev", "a, b"] }));
  certificates["eve"] = read(await issueCertificate(stranger, at("eve"), { name: "ada", groups: ["system:masters"] }));
  const serving = read(await issueCertificate(authority, at("serving"), { name: "server", hosts: ["127.0.0.1"] }));
  listener = await listen({ port: 0, tls: { ...serving, ca }, onRequest: (exchange) => void handle(exchange) });
});
afterAll(async () => {
  await listener.close(0);
  await folder.remove();
});

interface Answer {
  status: number;
  body: string;
}

function overHttp2(
  path: string,
  options: { body?: Buffer; headers?: Record<string, string>; as?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://127.0.0.1:${listener.port}`, { ca, ...certificates[options.as ?? ""] });
    session.on("error", reject);
    const stream = session.request({
      ":path": path,
      ":method": options.body === undefined ? "GET" : "POST",
      ...options.headers,
    });
    let status = 0;
    let body = "";
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    stream.on("close", () => {
      session.close();
      if (stream.rstCode === constants.NGHTTP2_INTERNAL_ERROR) reject(new Error("the stream was cut off"));
      else resolve({ status, body });
    });
    stream.on("error", () => {});
    stream.end(options.body);
  });
}

function overHttp1(
  path: string,
  options: { body?: Buffer; headers?: Record<string, string>; as?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = options.body === undefined ? "GET" : "POST";
    const { headers = {}, as = "" } = options;
    const call = request(
      { host: "127.0.0.1", port: listener.port, path, method, headers, ca, agent: false, ...certificates[as] },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    call.on("error", reject);
    call.end(options.body);
  });
}

describe.each([
  { protocol: "HTTP/2", call: overHttp2 },
  { protocol: "HTTP/1.1", call: overHttp1 },
])("over $protocol", ({ call }) => {
  test("a request arrives whole and its answer too", async () => {
    handle = async (exchange) => {
      const body = await exchange.readBody(100);
      const told = {
        method: exchange.method,
        path: exchange.path,
        query: exchange.query,
        header: exchange.header("x-a"),
        body: body.toString(),
      };
      exchange.send(201, { "content-type": "application/json" }, Buffer.from(JSON.stringify(told)));
    };
    const { status, body } = await call("/p%20q?x=1&y", { headers: { "x-a": "1" }, body: Buffer.from("hello") });
    expect({ status, told: JSON.parse(body) }).toEqual({
      status: 201,
      told: { method: "POST", path: "/p%20q", query: "x=1&y", header: "1", body: "hello" },
    });
  });

  test("a body over the limit is refused while it is still coming", async () => {
    handle = (exchange) => {
      exchange
        .readBody(1000)
        .catch((error: { code: number }) => exchange.send(error.code, {}, Buffer.from("too large")));
    };
    expect(await call("/", { body: Buffer.alloc(5000) })).toEqual({ status: 413, body: "too large" });
  });

  test("a stream is written at the pace of the client and ends", async () => {
    handle = async (exchange) => {
      const stream = exchange.open(200, {});
      for (let at = 0; at < 50; at++) await stream.write(Buffer.alloc(64 * 1024, "x"));
      stream.end();
    };
    expect((await call("/")).body.length).toBe(50 * 64 * 1024);
  });

  test("a stream that cannot go on does not look complete, and what is sent afterwards is dropped", async () => {
    handle = async (exchange) => {
      const stream = exchange.open(200, {});
      await stream.write(Buffer.from("half"));
      stream.abort();
      exchange.send(500, {}, Buffer.from("too late"));
    };
    await expect(call("/")).rejects.toThrow();
  });

  test("a client certificate names its user; one of another authority nobody", async () => {
    const verifier = new CertificateVerifier(ca);
    handle = (exchange) => exchange.send(200, {}, Buffer.from(JSON.stringify(verifier.verify(exchange.peer) ?? null)));
    expect(JSON.parse((await call("/", { as: "ada" })).body)).toMatchObject({
      commonName: "ada",
      organizations: ["dev", "a, b"],
    });
    expect(JSON.parse((await call("/", { as: "eve" })).body)).toBeNull();
    expect(JSON.parse((await call("/")).body)).toBeNull();
  });
});

test("a client that leaves is noticed", async () => {
  const left = new Promise<void>((resolve) => {
    handle = (exchange) => {
      exchange.onClose(resolve);
      exchange.open(200, {});
    };
  });
  const session = connect(`https://127.0.0.1:${listener.port}`, { ca });
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => {});
  stream.on("response", () => session.destroy());
  await left;
});
