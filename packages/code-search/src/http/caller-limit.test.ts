import { expect, test } from "@jest/globals";
import { CallerLimit } from "./caller-limit.ts";

test("a caller has so many at once, and others have their own", () => {
  const limit = new CallerLimit(2);
  const first = limit.enter("alice");
  expect([limit.enter("alice"), limit.enter("alice"), limit.enter("bob")].map((leave) => leave !== undefined)).toEqual([
    true,
    false,
    true,
  ]);
  first?.();
  expect(limit.enter("alice")).toBeDefined();
});
