import { describe, expect, it, jest } from "@jest/globals";
import { WorkQueue } from "./work-queue.ts";

const noPanic = (key: string, error: unknown) => {
  throw new Error(`unexpected panic on ${key}`, { cause: error });
};

/** A queue whose workers wait until the test lets each key go. */
function started(concurrency: number) {
  const queue = new WorkQueue();
  const log: string[] = [];
  const gates = new Map<string, () => void>();
  const finished = queue.run(
    concurrency,
    (key) => {
      log.push(`start ${key}`);
      return new Promise<void>((resolve) => {
        gates.set(key, () => {
          log.push(`end ${key}`);
          resolve();
        });
      });
    },
    noPanic,
  );
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const letGo = async (key: string) => {
    gates.get(key)?.();
    await settle();
  };
  return { queue, log, letGo, settle, finished };
}

describe("WorkQueue", () => {
  it("works on a key once, however often it was added meanwhile waiting", async () => {
    const { queue, log, settle, letGo } = started(1);
    for (const key of ["a", "b", "b", "b"]) queue.add(key);
    await settle();
    await letGo("a");
    await letGo("b");
    expect(log).toEqual(["start a", "end a", "start b", "end b"]);
  });

  it("never has one key in two workers, and takes it again when it was added during work", async () => {
    const { queue, log, settle, letGo } = started(4);
    queue.add("a");
    await settle();
    queue.add("a");
    queue.add("a");
    await settle();
    expect(log).toEqual(["start a"]);
    await letGo("a");
    expect(log).toEqual(["start a", "end a", "start a"]);
  });

  it("works on different keys side by side up to its concurrency", async () => {
    const { queue, log, settle } = started(2);
    for (const key of ["a", "b", "c"]) queue.add(key);
    await settle();
    expect([log, queue.inWork, queue.depth]).toEqual([["start a", "start b"], 2, 1]);
  });

  it("stop lets work finish and hands out nothing more", async () => {
    const { queue, log, settle, letGo, finished } = started(1);
    queue.add("a");
    queue.add("b");
    await settle();
    queue.stop();
    await letGo("a");
    await finished;
    expect(log).toEqual(["start a", "end a"]);
  });

  it("doubles the wait of a key up to the maximum, and starts anew after forget", () => {
    const queue = new WorkQueue({ backoff: { initialMs: 100, maxMs: 1000 }, random: () => 0.5 });
    expect([1, 2, 3, 4, 5].map(() => queue.retry("a"))).toEqual([100, 200, 400, 800, 1000]);
    expect(queue.retry("b")).toBe(100);
    queue.forget("a");
    expect(queue.retry("a")).toBe(100);
    queue.stop();
  });

  it("of two delays of one key the earlier counts", () => {
    jest.useFakeTimers();
    try {
      const queue = new WorkQueue();
      queue.addAfter("a", 50);
      queue.addAfter("a", 10);
      queue.addAfter("a", 90);
      jest.advanceTimersByTime(20);
      expect(queue.depth).toBe(1);
      jest.advanceTimersByTime(200);
      expect(queue.depth).toBe(1);
      queue.stop();
    } finally {
      jest.useRealTimers();
    }
  });

  it("goes on after work that throws, tells it, and tries the key again", async () => {
    const queue = new WorkQueue({ backoff: { initialMs: 1, maxMs: 1 } });
    const panics: string[] = [];
    let calls = 0;
    const again = Promise.withResolvers<void>();
    const finished = queue.run(
      1,
      async () => {
        if (++calls === 1) throw new Error("defect");
        again.resolve();
      },
      (key) => panics.push(key),
    );
    queue.add("a");
    await again.promise;
    queue.stop();
    await finished;
    expect(panics).toEqual(["a"]);
  });
});
