import { gitText, listRefs } from "@krate/git";
import type { RepositorySummary } from "./status.ts";

/** Branches and size as git counts them. `defaultBranch` without refs/heads/. */
export async function summarize(gitDir: string, defaultBranch: string): Promise<RepositorySummary> {
  const branches = await listRefs({ gitDir }, ["refs/heads/"]);
  const head = branches.find(({ name }) => name === `refs/heads/${defaultBranch}`);
  return {
    ...(head && { headSha: head.objectId }),
    branchCount: branches.length,
    sizeBytes: parseCountObjects(await gitText(["count-objects", "-v"], { gitDir })),
  };
}

/** Bytes of loose objects and packs; git counts in KiB. */
export function parseCountObjects(output: string): number {
  const kibibytes = (field: string) => Number(new RegExp(`^${field}: (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  return (kibibytes("size") + kibibytes("size-pack")) * 1024;
}
