import { describe, expect, test } from "@jest/globals";
import { formatTable, judge, median } from "./suite.ts";

describe("judging a measurement", () => {
  const base = { name: "create", unit: "requests/s", anchorName: "CRD", target: 2 };
  test.each([
    { reason: "more is better by default", smallerIsBetter: false, krate: 30, anchor: 10, ratio: 3, ok: true },
    { reason: "below target is not ok", smallerIsBetter: false, krate: 15, anchor: 10, ratio: 1.5, ok: false },
    { reason: "times are turned round", smallerIsBetter: true, krate: 10, anchor: 30, ratio: 3, ok: true },
  ])("$reason", ({ ratio, ok, ...measured }) => {
    expect(judge({ ...base, ...measured })).toMatchObject({ ratio, ok });
  });
});

test("the table names what is below target", () => {
  const row = judge({ name: "get", unit: "requests/s", krate: 1, anchor: 2, anchorName: "CRD", target: 1 });
  expect(formatTable([row]).split("\n")[1]).toMatch(/^get +requests\/s +1 +2 \(CRD\) +0\.50x +1x +below target$/);
});

test.each([
  { values: [3, 1, 2], middle: 2 },
  { values: [4, 1, 2, 3], middle: 2.5 },
])("the median of $values is $middle", ({ values, middle }) => {
  expect(median(values)).toBe(middle);
});
