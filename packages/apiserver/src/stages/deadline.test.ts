import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { parseRequestInfo } from "../request-info.ts";
import { fixture, widgetPath } from "../testing/fixture.ts";
import { deadline } from "./deadline.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const never = () => new Promise<void>(() => {});

test("a request that takes too long fails and its signal is aborted", async () => {
  const stage = deadline({ requestTimeoutSeconds: 5 });
  const ctx = fixture().context({ url: widgetPath });
  const { signal } = ctx;
  const outcome = expect(stage(ctx, never)).rejects.toThrow("no answer after 5 s");
  await jest.advanceTimersByTimeAsync(7000);
  await outcome;
  expect(signal.aborted).toBe(true);
  expect(ctx.deadlineReached).toBe(true);
  stage.stop();
});

const wishes = [
  { wish: "2s", seconds: 2, reason: "less than the limit" },
  { wish: "1m0s", seconds: 5, reason: "more than the limit" },
  { wish: "0", seconds: 5, reason: "no wish" },
  { wish: "-1s", seconds: 5, reason: "in the past" },
  { wish: "1s500ms", seconds: 1.5, reason: "in parts" },
];
test.each(wishes)("?timeout=$wish ends after $seconds s: $reason", async ({ wish, seconds }) => {
  const stage = deadline({ requestTimeoutSeconds: 5 });
  const ctx = fixture().context({ url: `${widgetPath}?timeout=${wish}` });
  const outcome = expect(stage(ctx, never)).rejects.toThrow(`no answer after ${seconds} s`);
  await jest.advanceTimersByTimeAsync(7000);
  await outcome;
  stage.stop();
});

test.each(["2", "soon", "1s2", "s"])("?timeout=%s is no duration", async (wish) => {
  const { status, json } = await fixture().send({ url: `${widgetPath}?timeout=${wish}` });
  expect({ status, message: json["message"] }).toEqual({
    status: 400,
    message: `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(wish)}`,
  });
});

test("a watch may last", async () => {
  const stage = deadline({ requestTimeoutSeconds: 5 });
  const url = `${widgetPath}?watch=true`;
  const ctx = fixture().context({ url });
  void stage(ctx, () => {
    ctx.info = parseRequestInfo("GET", widgetPath, new URLSearchParams("watch=true"));
    return never();
  });
  await jest.advanceTimersByTimeAsync(60_000);
  expect(ctx.deadlineReached).toBe(false);
  stage.stop();
});
