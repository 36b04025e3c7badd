import type { ObjectOf, Repository } from "@krate/kinds";

/** Branches of a repository that are searchable, the default branch first; none when its search is switched off. */
export function wantedBranches({ spec }: Pick<ObjectOf<typeof Repository>, "spec">): string[] {
  if (spec.search?.enabled === false) return [];
  return [...new Set([spec.defaultBranch ?? "main", ...(spec.search?.branches ?? [])])];
}
