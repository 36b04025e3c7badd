import { describe, expect, test } from "@jest/globals";
import { missingOwners, parseCodeOwners } from "./code-owners.ts";

describe("CODEOWNERS", () => {
  test.each([
    { pattern: "*", matches: ["a", "a/b.ts"], not: [] },
    { pattern: "*.ts", matches: ["a.ts", "a/b/c.ts"], not: ["a.tsx", "ts"] },
    { pattern: "/build/", matches: ["build/a", "build/b/c"], not: ["build", "x/build/a"] },
    { pattern: "docs/", matches: ["docs/a", "x/docs/a"], not: ["docs"] },
    { pattern: "docs/*", matches: ["docs/a"], not: ["docs/a/b", "x/docs/a"] },
    { pattern: "/docs", matches: ["docs", "docs/a/b"], not: ["docs2", "x/docs"] },
    { pattern: "apps/**/test", matches: ["apps/test", "apps/a/b/test/x"], not: ["apps/a/testing"] },
    { pattern: "**/logs", matches: ["logs", "a/logs/b"], not: ["a/logs2"] },
    { pattern: "a+(b).txt", matches: ["a+(b).txt"], not: ["aab.txt"] },
    { pattern: "a?.txt", matches: ["ab.txt"], not: ["a/.txt"] },
  ])("$pattern", ({ pattern, matches, not }) => {
    const [rule] = parseCodeOwners(`${pattern} @bob\n`);
    expect(matches.filter((path) => !rule?.matches(path))).toEqual([]);
    expect(not.filter((path) => rule?.matches(path))).toEqual([]);
  });

  const rules = parseCodeOwners(
    "# owners\n* @ada # everything else\n*.md @acme/docs bob@example.org\n/free/\n\n/core/ @carol @dave\n",
  );
  const userOf = (mail: string) => (mail === "bob@example.org" ? "bob" : undefined);
  const approval = (user: string, teams: string[] = []) => ({ user, teams, sha: "", at: "" });
  test.each([
    { reason: "the last match decides", path: "core/a.md", by: [approval("bob")], owners: ["@carol", "@dave"] },
    { reason: "one of several is enough", path: "core/a", by: [approval("dave")] },
    { reason: "a team", path: "a.md", by: [approval("x", ["docs"])] },
    { reason: "a mail address", path: "a.md", by: [approval("bob")] },
    { reason: "a pattern without owners asks nobody", path: "free/a.md", by: [] },
    { reason: "nobody approved", path: "x", by: [], owners: ["@ada"] },
  ])("$reason", ({ path, by, owners }) => {
    expect(missingOwners([path], rules, by, userOf)).toEqual(owners ? [{ path, owners }] : []);
  });
});
