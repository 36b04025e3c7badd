import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createLogger } from "@krate/telemetry";
import { WorkQueue } from "./work-queue.ts";

const log = createLogger({ component: "test", level: "silent" });
let stop: AbortController;
beforeEach(() => {
  jest.useFakeTimers();
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  jest.useRealTimers();
});

function queue(work: (key: string) => Promise<number | undefined>, concurrency = 1): WorkQueue {
  return new WorkQueue({ name: "test", log, signal: stop.signal, work, concurrency });
}

test("a key waits once, and again when it comes while it is worked on", async () => {
  const done: string[] = [];
  const keys = queue(async (key) => {
    done.push(key);
    if (done.length === 1) for (let at = 0; at < 3; at++) keys.add("a");
    return undefined;
  });
  for (const key of ["a", "b", "b"]) keys.add(key);
  await jest.advanceTimersByTimeAsync(0);
  expect(done).toEqual(["a", "b", "a"]);
});

test("failures come again, later each time; a number comes again after it", async () => {
  const at: number[] = [];
  const keys = queue(async () => {
    at.push(Date.now());
    if (at.length < 3) throw new Error("not yet");
    return at.length === 3 ? 1000 : undefined;
  });
  keys.add("a");
  await jest.advanceTimersByTimeAsync(5000);
  const [first = 0] = at;
  expect(at.map((time) => time - first)).toEqual([0, 100, 300, 1300]);
});

test("nothing starts after the end", async () => {
  const done: string[] = [];
  const keys = queue(async (key) => {
    done.push(key);
    throw new Error("again");
  });
  keys.add("a");
  await jest.advanceTimersByTimeAsync(0);
  stop.abort();
  keys.add("b");
  await jest.advanceTimersByTimeAsync(60_000);
  expect(done).toEqual(["a"]);
});
