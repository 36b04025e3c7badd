import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { lines, runTool } from "./run-tool.ts";

/**
 * Generates into the tree and compares the tree before and after, so uncommitted work does not disturb. What was out of
 * date is current afterwards.
 */
export const generated: Check = {
  name: "generated",
  promise: "`npm run generate` changes no file",
  async run({ root }) {
    const generator = "packages/codegen/src/main.ts";
    if (!existsSync(join(root, generator)))
      return { outcome: "failed", saw: "nothing", findings: [`${generator} does not exist`] };
    const before = await treeOf(root);
    const { code, output } = await runTool(root, process.execPath, ["--conditions=development", generator]);
    if (code !== 0)
      return { outcome: "failed", saw: "a failing generator", findings: lines(output), next: "npm run generate" };
    const after = await treeOf(root);
    const changed = before === after ? [] : lines((await git(root, ["diff", "--name-only", before, after])).output);
    const saw = "the working tree";
    if (changed.length === 0) return { outcome: "passed", saw, findings: [] };
    const findings = changed.map((file) => `${file}: was not current`);
    return { outcome: "failed", saw, findings, next: "they are written now: look at them and commit them" };
  },
};

/** Writes the working tree (without ignored files) as a Git tree, through an index of its own. */
async function treeOf(root: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "krate-index-"));
  try {
    const env = { GIT_INDEX_FILE: join(folder, "index") };
    await git(root, ["add", "--all"], env);
    return (await git(root, ["write-tree"], env)).output.trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function git(root: string, args: readonly string[], env?: Record<string, string>) {
  const result = await runTool(root, "git", args, env);
  if (result.code !== 0) throw new Error(`git ${args[0]} failed: ${result.output.trim()}`);
  return result;
}
