import { expect, test } from "@jest/globals";
import { parseRequestInfo } from "../request-info.ts";
import { fixture, widgetPath } from "../testing/fixture.ts";
import { limit } from "./limit.ts";

function setUp() {
  const { context } = fixture();
  const stage = limit({ maxReads: 1, maxWrites: 1, maxWaiting: 1 });
  const finished: (() => void)[] = [];
  const order: string[] = [];
  /** Runs until its turn in `finished` is called. */
  const start = (name: string, method: string, query = "") => {
    const ctx = context({ method, url: widgetPath });
    ctx.info = parseRequestInfo(method, widgetPath, new URLSearchParams(query));
    return stage(ctx, () => {
      order.push(name);
      return new Promise<void>((resolve) => finished.push(resolve));
    }) as Promise<void>;
  };
  return { start, finished, order };
}

test("more than the limit wait their turn, and more than may wait get 429", async () => {
  const { start, finished, order } = setUp();
  const first = start("first", "GET");
  const second = start("second", "GET");
  await expect(start("third", "GET")).rejects.toMatchObject({ code: 429, details: { retryAfterSeconds: 1 } });
  expect(order).toEqual(["first"]);
  finished[0]?.();
  await first;
  expect(order).toEqual(["first", "second"]);
  finished[1]?.();
  await second;
  void start("fourth", "GET");
  expect(order).toEqual(["first", "second", "fourth"]);
});

test("reads do not wait for writes, and watches for nobody", () => {
  const { start, order } = setUp();
  void start("write", "POST");
  void start("read", "GET");
  void start("watch", "GET", "watch=1");
  void start("another watch", "GET", "watch=1");
  expect(order).toEqual(["write", "read", "watch", "another watch"]);
});
