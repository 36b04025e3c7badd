import { expect, test } from "@jest/globals";
import { toLabelValue } from "./labels.ts";

const legal = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

test.each([
  ["auth_test:142", "auth_test_142", "the failure signature of C-05"],
  ["pull_request.merged", "pull_request.merged", "legal values stay"],
  ["", "", "the empty value is legal"],
  ["-.lead and trail._", "lead_and_trail", "ends are alphanumeric"],
  ["::::", "", "nothing legal is left"],
  ["größe", "gr__e", "letters beyond ASCII are not legal"],
  ["x".repeat(100), "x".repeat(63), "63 characters at most"],
  [`${"x".repeat(62)}-${"y".repeat(9)}`, "x".repeat(62), "the cut may not leave an illegal end"],
])("%j becomes %j: %s", (text, expected) => {
  const value = toLabelValue(text);
  expect(value).toBe(expected);
  expect(value).toMatch(legal);
  expect(toLabelValue(value)).toBe(value);
});
