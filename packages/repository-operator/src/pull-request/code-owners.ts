/**
 * CODEOWNERS, as other forges read it:
 *
 *   line    = pattern *( SP owner ) [ "#" comment ]     ; the last pattern that matches a path decides; no owners = nobody is asked
 *   owner   = "@" user / "@" organization "/" team / mail
 *   pattern = as in gitignore(5), without "!" and "[ ]"
 */
import type { Approval, MissingOwners } from "./reviews.ts";

/** Where the file may be; the first that exists counts. It is read from the base: a change cannot appoint its own owners. */
export const codeOwnersPaths = [".krate/CODEOWNERS", ".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"] as const;

export interface OwnerRule {
  matches(path: string): boolean;
  owners: string[];
}

export function parseCodeOwners(text: string): OwnerRule[] {
  return text.split("\n").flatMap((line) => {
    const [pattern, ...owners] = line
      .replace(/(^|\s)#.*$/, "")
      .trim()
      .split(/\s+/);
    return pattern ? [{ matches: patternMatcher(pattern), owners }] : [];
  });
}

function patternMatcher(pattern: string): (path: string) => boolean {
  const isAnchored = pattern.replace(/\/$/, "").includes("/");
  const body = pattern.replace(/^\//, "").replace(/\/$/, "");
  const source = body
    .split(/(\/\*\*\/|\*\*\/|\/\*\*|\*\*|\*|\?)/)
    .map((part) => wildcards[part] ?? part.replace(/[.+^${}()|[\]\\]/g, "\\$&"))
    .join("");
  // A name stands for a folder and all in it as well, but `docs/*` means the files of docs alone.
  const below = pattern.endsWith("/") ? "/.+" : pattern.endsWith("/*") ? "" : "(/.*)?";
  const expression = new RegExp(`^${isAnchored ? "" : "(.*/)?"}${source}${below}$`, "s");
  return (path) => expression.test(path);
}

const wildcards: Record<string, string> = {
  "/**/": "/(.*/)?",
  "**/": "(.*/)?",
  "/**": "/.*",
  "**": ".*",
  "*": "[^/]*",
  "?": "[^/]",
};

/** Paths whose owners have not approved, path order. `userOf`: user name behind a mail address. */
export function missingOwners(
  paths: readonly string[],
  rules: readonly OwnerRule[],
  approvals: readonly Approval[],
  userOf: (mail: string) => string | undefined,
): MissingOwners[] {
  const approved = (owner: string) =>
    approvals.some(({ user, teams = [] }) => {
      const name = owner.replace(/^@/, "");
      if (owner.startsWith("@")) return name.includes("/") ? teams.includes(name.split("/")[1] ?? "") : user === name;
      return userOf(owner) === user;
    });
  return [...paths].sort().flatMap((path) => {
    const owners = rules.findLast((rule) => rule.matches(path))?.owners ?? [];
    return owners.length > 0 && !owners.some(approved) ? [{ path, owners }] : [];
  });
}
