import { expect, test } from "@jest/globals";
import { conflict, serviceUnavailable, tooManyRequests } from "@krate/kinds";
import { RequestContext } from "../context.ts";
import { MemoryExchange } from "../http/memory-exchange.ts";
import { fixture } from "../testing/fixture.ts";
import { recover } from "./recover.ts";

const cases = [
  { error: conflict({ plural: "widgets", name: "a" }, "stale"), status: 409, reason: "Conflict", retry: undefined },
  { error: tooManyRequests("slow down", 7), status: 429, reason: "TooManyRequests", retry: "7" },
  { error: serviceUnavailable("no database"), status: 503, reason: "ServiceUnavailable", retry: undefined },
  { error: new TypeError("x is undefined"), status: 500, reason: "InternalError", retry: undefined },
];

test.each(cases)("answers $reason as a Status", async ({ error, status, reason, retry }) => {
  const exchange = new MemoryExchange({ url: "/" });
  await recover(new RequestContext(fixture().services, exchange), () => {
    throw error;
  });
  expect(exchange.status).toBe(status);
  expect(exchange.json()).toMatchObject({ kind: "Status", apiVersion: "v1", status: "Failure", reason, code: status });
  expect(exchange.responseHeaders["retry-after"]).toBe(retry);
});

test("whatever fails after the deadline is a timeout", async () => {
  const exchange = new MemoryExchange({ url: "/" });
  const ctx = new RequestContext(fixture().services, exchange);
  ctx.expire();
  await recover(ctx, () => Promise.reject(new Error("aborted")));
  expect(exchange.json()).toMatchObject({ reason: "Timeout", code: 504 });
});
