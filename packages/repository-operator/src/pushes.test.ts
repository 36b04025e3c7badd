import { expect, test } from "@jest/globals";
import type { GitEvent, ObjectOf } from "@krate/kinds";
import { Pushes } from "./pushes.ts";

const [before, after] = ["a".repeat(40), "b".repeat(40)];
const repository = { namespace: "acme", name: "shop" };
const event = (fields: object) =>
  ({
    metadata: { namespace: "acme" },
    spec: {
      repository: "shop",
      ref: "refs/heads/main",
      newSha: after,
      receivedAt: "2026-01-01T00:00:00.000Z",
      ...fields,
    },
  }) as ObjectOf<typeof GitEvent>;

function at(seconds: number) {
  let now = Date.parse("2026-01-01T00:00:00Z") + seconds * 1000;
  const pushes = new Pushes(() => new Date(now));
  const pass = (more: number) => {
    now += more * 1000;
  };
  return { pushes, pass };
}
const isExpected = (pushes: Pushes, sha: string | undefined) =>
  pushes.isExpectedToMove(repository, "refs/heads/main", sha);

test("a ref is expected until it is where the event says", () => {
  const { pushes } = at(0.01);
  pushes.note(event({}));
  expect(isExpected(pushes, before)).toBe(true);
  expect(isExpected(pushes, undefined)).toBe(true);
  expect(isExpected(pushes, after)).toBe(false);
  expect(isExpected(pushes, before)).toBe(false);
});

test("a deletion is expected until the ref is gone", () => {
  const { pushes } = at(0.01);
  pushes.note(event({ newSha: "0".repeat(40) }));
  expect(isExpected(pushes, before)).toBe(true);
  expect(isExpected(pushes, undefined)).toBe(false);
});

test("nothing is expected for ever, and nothing of old events", () => {
  const { pushes, pass } = at(0.01);
  pushes.note(event({}));
  pass(5);
  expect(isExpected(pushes, before)).toBe(false);
  pushes.note(event({}));
  expect(isExpected(pushes, before)).toBe(false);
});

test("the newest push counts, in whatever order events come", () => {
  const { pushes } = at(0);
  pushes.note(event({ receivedAt: "2026-01-01T00:00:02.000Z" }));
  pushes.note(event({ receivedAt: "2026-01-01T00:00:01.000Z" }));
  expect(pushes.lastPushedAt(repository)).toBe("2026-01-01T00:00:02.000Z");
  pushes.forget(repository);
  expect(pushes.lastPushedAt(repository)).toBeUndefined();
});
