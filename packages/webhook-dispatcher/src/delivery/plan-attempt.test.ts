import { describe, expect, it } from "@jest/globals";
import { delivery, subscription } from "../testing.ts";
import { type Attempt, planAttempt, retryPolicyOf, statusAfter } from "./plan-attempt.ts";

const now = new Date("2026-01-02T00:00:00Z");
const attempt = (n: number, responseCode?: number): Attempt => ({
  n,
  at: "2026-01-01T00:00:00Z",
  url: "https://example.org/",
  ...(responseCode !== undefined && { responseCode }),
});

describe("planAttempt", () => {
  it.each([
    [{}, {}, { action: "send", n: 1 }, "a new one is sent"],
    [{ phase: "Succeeded" }, {}, { action: "none" }, "a finished one is finished"],
    [{ phase: "Cancelled" }, {}, { action: "none" }, "also a cancelled one"],
    [
      { phase: "Retrying", attemptCount: 1, attempts: [attempt(1, 500)], nextAttemptAt: "2026-01-02T00:00:05Z" },
      {},
      { action: "wait", seconds: 5 },
      "not due yet",
    ],
    [
      { phase: "Retrying", attemptCount: 1, attempts: [attempt(1, 500)], nextAttemptAt: "2026-01-01T00:00:00Z" },
      {},
      { action: "send", n: 2 },
      "due",
    ],
    [
      { phase: "Delivering", attemptCount: 2, attempts: [attempt(1, 500)] },
      {},
      { action: "record-lost", n: 2 },
      "claimed but never answered: the dispatcher was killed",
    ],
    [{}, { active: false }, { action: "hold" }, "an inactive subscription keeps its queue"],
  ])("%j with %j is %j: %s", (status, spec, plan, _reason) => {
    expect(planAttempt(delivery(status as object), subscription(spec), now)).toMatchObject(plan);
  });

  it("sends what a person asked for even when the subscription is not active", () => {
    const inactive = subscription({ active: false });
    expect(planAttempt(delivery({}, { test: true }), inactive, now).action).toBe("send");
    expect(planAttempt(delivery({}, { replayOf: "d0" }), inactive, now).action).toBe("send");
  });

  it("cancels when the subscription is gone or going", () => {
    expect(planAttempt(delivery(), undefined, now).action).toBe("cancel");
    const going = subscription({}, { deletionTimestamp: "2026-01-01T00:00:00Z" });
    expect(planAttempt(delivery(), going, now).action).toBe("cancel");
  });
});

describe("statusAfter", () => {
  const policy = retryPolicyOf(subscription());
  const after = (before: Attempt[], last: Attempt, more = {}) =>
    statusAfter(before, last, { policy, now, random: () => 0.5, ...more });

  it.each([
    [200, "Succeeded"],
    [204, "Succeeded"],
    [302, "Retrying"],
    [404, "Retrying"],
    [500, "Retrying"],
    [undefined, "Retrying"],
  ])("HTTP %s is %s", (code, phase) => {
    expect(after([], attempt(1, code)).phase).toBe(phase);
  });

  it("waits longer each time, up to the maximum", () => {
    const seconds = [1, 2, 3, 4, 5, 6, 7].map((n) => {
      const before = Array.from({ length: n - 1 }, (_, index) => attempt(index + 1, 500));
      return (Date.parse(after(before, attempt(n, 500)).nextAttemptAt ?? "") - now.getTime()) / 1000;
    });
    expect(seconds).toEqual([10, 30, 90, 270, 810, 2430, 3600]);
  });

  it("spreads the waits, and honours Retry-After up to the maximum", () => {
    const wait = (more: object) =>
      (Date.parse(after([], attempt(1, 503), more).nextAttemptAt ?? "") - now.getTime()) / 1000;
    expect([wait({ random: () => 0 }), wait({ random: () => 0.999 })]).toEqual([8, 11]);
    expect([wait({ retryAfterSeconds: 60 }), wait({ retryAfterSeconds: 99_999 })]).toEqual([60, 3600]);
  });

  it("fails when no attempts are left", () => {
    const before = Array.from({ length: 7 }, (_, index) => attempt(index + 1, 500));
    expect(after(before, attempt(8, 500))).toMatchObject({
      phase: "Failed",
      attemptCount: 8,
      nextAttemptAt: undefined,
    });
  });
});
