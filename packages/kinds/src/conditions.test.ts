import { describe, expect, test } from "@jest/globals";
import { findCondition, isConditionTrue, isFalse, isTrue, isUnknown, mergeConditions } from "./conditions.ts";

const earlier = "2026-05-04T10:00:00Z";
const now = "2026-05-04T11:00:00Z";
const ready = {
  type: "Ready",
  status: "True",
  reason: "Ready",
  message: "",
  observedGeneration: 1,
  lastTransitionTime: earlier,
} as const;

describe("merging conditions", () => {
  test("keeps the transition time while the status stays, though reason and message change", () => {
    const merged = mergeConditions([ready], [isTrue("Ready", "Renewed", "again")], { now, observedGeneration: 2 });
    expect(merged).toEqual([
      { ...ready, reason: "Renewed", message: "again", observedGeneration: 2, lastTransitionTime: earlier },
    ]);
  });

  test("moves the transition time when the status changes", () => {
    const [merged] = mergeConditions([ready], [isFalse("Ready", "Broken")], { now, observedGeneration: 1 });
    expect(merged).toMatchObject({ status: "False", reason: "Broken", lastTransitionTime: now });
  });

  test("keeps types that are not mentioned and sorts, so that equal truth is equal bytes", () => {
    const one = mergeConditions([ready], [isUnknown("Available", "NotProbed")], { now });
    const other = mergeConditions(mergeConditions(undefined, [isUnknown("Available", "NotProbed")], { now }), [], {
      now,
    });
    expect(one.map(({ type }) => type)).toEqual(["Available", "Ready"]);
    expect(one[0]).toEqual(other[0]);
  });

  test("does not change what it was given", () => {
    const current = Object.freeze([Object.freeze({ ...ready })]);
    mergeConditions(current, [isFalse("Ready", "Broken")], { now });
    expect(current).toEqual([ready]);
  });
});

test("a condition that is not there is not true", () => {
  expect(isConditionTrue(undefined, "Ready")).toBe(false);
  expect(isConditionTrue({ status: {} }, "Ready")).toBe(false);
  expect(isConditionTrue({ status: { conditions: [ready] } }, "Ready")).toBe(true);
  expect(findCondition({ status: { conditions: [ready] } }, "Other")).toBeUndefined();
});
