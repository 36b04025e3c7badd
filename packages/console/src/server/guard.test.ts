import { createServer, request as httpRequest, type RequestOptions } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { contentSecurityPolicy, guard } from "./guard.ts";

const server = createServer(
  guard("127.0.0.1", (request, response) => response.end(request.headers["content-security-policy"])),
);
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());

function send(headers: Record<string, string>, options: RequestOptions = {}) {
  const { port } = server.address() as AddressInfo;
  return new Promise<{ status: number | undefined; policy: unknown; body: string }>((resolve, reject) => {
    httpRequest({ port, host: "127.0.0.1", headers, ...options }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({
        status: response.statusCode,
        policy: response.headers["content-security-policy"],
        body: Buffer.concat(chunks).toString(),
      });
    })
      .on("error", reject)
      .end();
  });
}

const fromElsewhere = { "sec-fetch-site": "cross-site" };

test.each<{ reason: string; headers: Record<string, string>; status: number }>([
  {
    reason: "typed into the address bar",
    headers: { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" },
    status: 200,
  },
  { reason: "a program", headers: {}, status: 200 },
  { reason: "the console's own script", headers: { "sec-fetch-site": "same-origin" }, status: 200 },
  {
    reason: "a link on another site",
    headers: { ...fromElsewhere, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    status: 200,
  },
  {
    reason: "a script of another site",
    headers: { ...fromElsewhere, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" },
    status: 403,
  },
  {
    reason: "a picture on another site",
    headers: { ...fromElsewhere, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    status: 403,
  },
  {
    reason: "a frame of another site",
    headers: { ...fromElsewhere, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" },
    status: 403,
  },
  {
    reason: "another port of this host",
    headers: { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" },
    status: 403,
  },
  { reason: "a foreign name that resolves here", headers: { host: "evil.test:7080" }, status: 421 },
  { reason: "localhost", headers: { host: "localhost:7080" }, status: 200 },
])("$reason: $status", async ({ headers, status }) => {
  expect((await send(headers)).status).toBe(status);
});

test("a form of another site is refused", async () => {
  const headers = { ...fromElsewhere, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  expect((await send(headers, { method: "POST" })).status).toBe(403);
});

test("request and answer carry the same policy, with a nonce of their own each time", async () => {
  const [first, second] = [await send({}), await send({})];
  expect(first.policy).toBe(first.body);
  expect(first.policy).not.toBe(second.policy);
});

test("the policy lets nothing in from elsewhere", () => {
  expect(contentSecurityPolicy("N")).toBe(
    "default-src 'none'; script-src 'self' 'nonce-N' 'strict-dynamic'; style-src 'self' 'nonce-N'; style-src-attr 'unsafe-inline'; " +
      "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  );
});
