import { gunzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";
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

test("warnings cannot break out of their header", async () => {
  const { responseHeaders } = await answer(Buffer.from("{}"), {}, ['say "hi"\r\nset-cookie: x', "ü"]);
  expect(responseHeaders["warning"]).toEqual([
    '299 - "say \\"hi\\"  set-cookie: x"',
    `299 - "${Buffer.from("ü").toString("latin1")}"`,
  ]);
  expect(responseHeaders["audit-id"]).toBe("r1");
});
