/** Clients that ask for much and read nothing, and clients that send nothing. */
import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { type TemporaryFolder, temporaryFolder } from "@krate/testing";
import { defaultLimits } from "../services.ts";
import { fixture, widgetPath } from "../testing/fixture.ts";
import { type Listener, listen } from "./listen.ts";

jest.setTimeout(60_000);

let folder: TemporaryFolder;
let listener: Listener;
const big = Buffer.alloc(32 * 1024 * 1024, "x");

beforeAll(async () => {
  folder = await temporaryFolder();
  const authority = await certificateAuthority(join(folder.path, "ca"), "test-ca");
  const issued = await issueCertificate(authority, join(folder.path, "s"), { name: "s", hosts: ["127.0.0.1"] });
  const { server } = fixture({
    services: {
      limits: { ...defaultLimits, requestTimeoutSeconds: 5, maxSlowClientsPerFlow: 1 },
      routes: [
        {
          path: "/big",
          handle: (ctx) => {
            ctx.response = { kind: "bytes", status: 200, contentType: "text/plain", body: big };
          },
        },
        {
          path: "/stream",
          handle: (ctx) => {
            const chunks = (async function* () {
              for (let at = 0; at < 32; at++) yield big.subarray(0, 1024 * 1024);
            })();
            ctx.response = { kind: "stream", status: 200, contentType: "text/plain", chunks };
          },
        },
      ],
    },
  });
  const [cert, key] = [readFileSync(issued.certFile, "utf8"), readFileSync(issued.keyFile, "utf8")];
  listener = await listen({ port: 0, tls: { cert, key }, onRequest: server.handle });
});
afterAll(async () => {
  await listener.close(0);
  await folder.remove();
});

const headersOf = (user: string) => ({ "x-user": `${user},system:authenticated` });

/** Reads nothing over HTTP/2. */
function stall(path: string, user: string): { began: Promise<void>; cutOff: Promise<void> } {
  const session = connectHttp2(`https://127.0.0.1:${listener.port}`, { rejectUnauthorized: false });
  session.on("error", () => {});
  const stream = session.request({ ":path": path, ...headersOf(user) });
  stream.on("error", () => {});
  return {
    began: new Promise((resolve) => stream.on("response", () => resolve())),
    cutOff: new Promise((resolve) =>
      stream.on("close", () => {
        session.destroy();
        resolve();
      }),
    ),
  };
}

function whole(path: string, user: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const target = { host: "127.0.0.1", port: listener.port, path, agent: false, rejectUnauthorized: false };
    request({ ...target, headers: headersOf(user) }, (response) => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on("end", () => resolve(bytes));
    })
      .on("error", reject)
      .end();
  });
}

test.each(["/big", "/stream"])(
  "who reads nothing of %s is cut off, sooner when there are too many such requests",
  async (path) => {
    const order: string[] = [];
    const first = stall(path, "slow");
    await first.began;
    const second = stall(path, "slow");
    const ends = [first.cutOff.then(() => order.push("first")), second.cutOff.then(() => order.push("second"))];
    expect(await whole(path, "fast")).toBe(big.length);
    await Promise.all(ends);
    // The second after its two seconds: there was one already. The first when its time is over.
    expect(order).toEqual(["second", "first"]);
  },
);

test("who sends a body and stops is answered when its time is over", async () => {
  const session = connectHttp2(`https://127.0.0.1:${listener.port}`, { rejectUnauthorized: false });
  const stream = session.request({ ":path": widgetPath, ":method": "POST", ...headersOf("mute") });
  stream.write("{");
  stream.resume();
  const status = await new Promise((resolve) => stream.on("response", (head) => resolve(head[":status"])));
  expect(status).toBe(504);
  session.destroy();
});
