import { expect, test } from "@jest/globals";
import { Pushes } from "./pushes.ts";

const key = { namespace: "acme", name: "app" };
const [old, next, zero] = ["a".repeat(40), "b".repeat(40), "0".repeat(40)];
const at = "2026-01-01T00:00:00.000Z";

function pushesAt(secondsLater: number) {
  let now = Date.parse(at);
  const pushes = new Pushes(() => now);
  const enqueued: unknown[] = [];
  pushes.repositories.onEnqueue((found) => enqueued.push(found));
  pushes.note(key, "main", next, at);
  now += secondsLater * 1000;
  return { pushes, enqueued };
}

test("a push is waited for until its ref has moved", () => {
  const { pushes, enqueued } = pushesAt(1);
  expect(enqueued).toEqual([key]);
  expect(pushes.arePending(key, [{ name: "main", commit: old }])).toBe(true);
  expect(pushes.arePending(key, [])).toBe(true);
  expect(pushes.arePending(key, [{ name: "main", commit: next }])).toBe(false);
});

test("but not for ever: another push may have replaced it", () => {
  expect(pushesAt(6).pushes.arePending(key, [{ name: "main", commit: old }])).toBe(false);
});

test("a deletion is waited for as well", () => {
  const { pushes } = pushesAt(1);
  pushes.note(key, "main", zero, at);
  expect(pushes.arePending(key, [{ name: "main", commit: next }])).toBe(true);
  expect(pushes.arePending(key, [])).toBe(false);
});

test("the lag is that of the oldest push, and ends when it is indexed", () => {
  const { pushes } = pushesAt(4);
  pushes.note(key, "topic", next, "2026-01-01T00:00:03.000Z");
  expect([pushes.lagSeconds(key), pushes.maxLagSeconds()]).toEqual([4, 4]);
  pushes.settled(key);
  expect([pushes.lagSeconds(key), pushes.maxLagSeconds(), pushes.arePending(key, [])]).toEqual([undefined, 0, false]);
});
