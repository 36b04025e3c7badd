import { describe, expect, test } from "@jest/globals";
import { cacheFolder, programVersion } from "./binaries.ts";
import { isAtLeast } from "./build.ts";
import { type ProgramName, programs } from "./programs.ts";

describe("isAtLeast", () => {
  test.each([
    { version: "1.26.8", needed: "1.26.0", enough: true, reason: "a later patch" },
    { version: "1.26.0", needed: "1.26.0", enough: true, reason: "the same" },
    { version: "1.9.1", needed: "1.26.0", enough: false, reason: "numbers, not text, are compared" },
    { version: "1.25.12", needed: "1.26.0", enough: false, reason: "an earlier minor" },
  ])("$version against $needed: $reason", ({ version, needed, enough }) => {
    expect(isAtLeast(version, needed)).toBe(enough);
  });
});

test.each(Object.keys(programs) as ProgramName[])("the module of %s pins its version", (name) => {
  expect(programVersion(name)).toMatch(/^v\d+\.\d+\.\d+$/);
});

test("the cache is one for all clones, unless told otherwise", () => {
  expect(cacheFolder({ KRATE_CACHE_DIR: "/cache" })).toBe("/cache");
  expect(cacheFolder({ XDG_CACHE_HOME: "/caches" })).toBe("/caches/krate");
  expect(cacheFolder({})).toMatch(/\/\.cache\/krate$/);
});
