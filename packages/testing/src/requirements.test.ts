import { describe, expect, test } from "@jest/globals";
import { findCommand, requiredByEnvironment } from "./requirements.ts";

describe("KRATE_REQUIRE", () => {
  test.each([
    { value: undefined, name: "docker", required: false, reason: "unset requires nothing" },
    { value: "docker, envtest", name: "envtest", required: true, reason: "names are separated by commas and trimmed" },
    { value: "docker", name: "envtest", required: false, reason: "only what is listed" },
    { value: "all", name: "envtest", required: true, reason: "all means every requirement" },
  ])("$value and $name: $reason", ({ value, name, required }) => {
    expect(requiredByEnvironment({ KRATE_REQUIRE: value })(name)).toBe(required);
  });
});

test("a command is searched on PATH only", () => {
  expect(findCommand("sh")).toMatch(/\/sh$/);
  expect(findCommand("no-such-command")).toBeUndefined();
  expect(findCommand("sh", "")).toBeUndefined();
});
