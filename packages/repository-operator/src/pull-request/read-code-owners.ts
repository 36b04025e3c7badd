import { type ReadOptions, runGit } from "@krate/git";
import { codeOwnersPaths, type OwnerRule, parseCodeOwners } from "./code-owners.ts";

const maxBytes = 3 * 1024 * 1024;

/** Rules of the file at a commit; none when there is no file. */
export async function readCodeOwners(commit: string, read: ReadOptions): Promise<OwnerRule[]> {
  for (const path of codeOwnersPaths) {
    const { exitCode, stdout } = await runGit(["cat-file", "blob", `${commit}:${path}`], {
      ...read,
      maxOutputBytes: maxBytes,
      okExitCodes: [0, 128],
    });
    if (exitCode === 0) return parseCodeOwners(stdout.toString("utf8"));
  }
  return [];
}
