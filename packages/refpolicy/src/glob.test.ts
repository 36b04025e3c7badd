import { describe, expect, it } from "@jest/globals";
import { globMatcher, matchRef, pathMatcher } from "./glob.ts";

describe("matchRef", () => {
  it.each([
    ["refs/heads/main", "refs/heads/main", true, "a name matches itself"],
    ["refs/heads/main", "refs/heads/main2", false, "a name matches nothing else"],
    ["refs/heads/release/*", "refs/heads/release/1.0", true, "* is one segment"],
    ["refs/heads/release/*", "refs/heads/release/1/0", false, "* does not cross a slash"],
    ["refs/heads/release/*", "refs/heads/release/", true, "* may be empty"],
    ["refs/heads/**", "refs/heads/a/b/c", true, "** crosses slashes"],
    ["refs/heads/**/x", "refs/heads/x", true, "** with a slash may be no segment"],
    ["refs/heads/**/x", "refs/heads/a/b/x", true, "or several"],
    ["refs/heads/**/x", "refs/heads/ax", false, "but only whole ones"],
    ["refs/internal/**", "refs/internal/", true, "** may be empty"],
    ["**", "refs/heads/main", true, "** alone is everything"],
    ["refs/heads/v*.x", "refs/heads/v1.2.x", true, "* in the middle"],
    ["refs/heads/v.x", "refs/heads/v1x", false, "a dot is a dot"],
  ])("%s against %s is %s: %s", (glob, ref, expected, _reason) => {
    expect(matchRef(glob, ref)).toBe(expected);
  });

  it("answers for whole text, and for one segment", () => {
    expect(["a", "a/b", "b"].map(globMatcher("*"))).toEqual([true, false, true]);
    expect(["", "a/b", "b"].map(globMatcher("**"))).toEqual([true, true, true]);
  });

  it("is linear whatever the pattern", () => {
    const started = performance.now();
    expect(matchRef(`refs/${"**a".repeat(80)}`, `refs/${"a".repeat(79)}`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("pathMatcher", () => {
  it.each([
    ["docs", "docs/a/b.md", true, "a folder locks what is in it"],
    ["docs/", "docs/a.md", true, "a trailing slash changes nothing"],
    ["*.lock", "pnpm.lock", true, "a glob at the top"],
    ["*.lock", "sub/pnpm.lock", false, "only at the top"],
    ["**/*.lock", "a/b/pnpm.lock", true, "anywhere"],
  ])("%s against %s is %s: %s", (glob, path, expected, _reason) => {
    expect(pathMatcher(glob)(path)).toBe(expected);
  });
});
