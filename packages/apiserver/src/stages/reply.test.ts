import { gunzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import { ApiError } from "@krate/kinds";
import { RequestContext } from "../context.ts";
import { MemoryExchange } from "../http/memory-exchange.ts";
import { fixture } from "../testing/fixture.ts";
import { reply } from "./reply.ts";

async function answer(
  body: Buffer,
  headers: Record<string, string> = {},
  warnings: string[] = [],
): Promise<MemoryExchange> {
  const exchange = new MemoryExchange({ url: "/", headers });
  const ctx = new RequestContext(fixture().services, exchange);
  ctx.requestId = "r1";
  for (const warning of warnings) ctx.warn(warning);
  ctx.response = { kind: "bytes", status: 200, contentType: "application/json", body };
  await reply(ctx, () => {});
  return exchange;
}

test("long bodies are compressed for those who can read it", async () => {
  const long = Buffer.alloc(200_000, "a");
  const compressed = await answer(long, { "accept-encoding": "gzip" });
  expect(compressed.responseHeaders["content-encoding"]).toBe("gzip");
  expect(gunzipSync(compressed.body).equals(long)).toBe(true);
  expect((await answer(long)).body.equals(long)).toBe(true);
  expect(
    (await answer(Buffer.from("short"), { "accept-encoding": "gzip" })).responseHeaders["content-encoding"],
  ).toBeUndefined();
});

async function* failingAfter(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
  throw new ApiError("ServiceUnavailable", "the database cannot be reached");
}

test.each([
  { chunks: [], opened: false, reason: "a list that cannot begin is refused like anything else" },
  { chunks: ["[1,"], opened: true, reason: "a list that cannot go on must not look complete" },
])("$reason", async ({ chunks, opened }) => {
  const exchange = new MemoryExchange({ url: "/" });
  const ctx = new RequestContext(fixture().services, exchange);
  ctx.response = { kind: "stream", status: 200, contentType: "application/json", chunks: failingAfter(...chunks) };
  await expect(reply(ctx, () => {})).rejects.toThrow("the database cannot be reached");
  expect(exchange).toMatchObject({ status: opened ? 200 : 0, aborted: opened });
});

test("warnings cannot break out of their header", async () => {
  const { responseHeaders } = await answer(Buffer.from("{}"), {}, ['say "hi"\r\nset-cookie: x', "ü"]);
  expect(responseHeaders["warning"]).toEqual([
    '299 - "say \\"hi\\"  set-cookie: x"',
    `299 - "${Buffer.from("ü").toString("latin1")}"`,
  ]);
  expect(responseHeaders["audit-id"]).toBe("r1");
});
