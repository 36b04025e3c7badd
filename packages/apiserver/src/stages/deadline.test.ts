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
