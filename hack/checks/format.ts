import type { Check } from "./check.ts";
import { judge } from "./check.ts";
import { lines, runTool } from "./run-tool.ts";

/** How Biome ends: "Checked 214 files in 1s." */
const checkedFiles = /Checked (\d+) files?/;

export const format: Check = {
  name: "format",
  promise: "sources are formatted and imports sorted as biome.json says",
  async run({ root }) {
    const args = ["check", "--linter-enabled=false", "--max-diagnostics=none", "--reporter=summary"];
    const { code, output } = await runTool(root, "biome", args);
    const count = Number(checkedFiles.exec(output)?.[1] ?? 0);
    const findings = code === 0 ? [] : lines(output).filter((line) => !checkedFiles.test(line));
    return judge(count, "files", findings, "biome check --write --linter-enabled=false   (after `source hack/env.sh`)");
  },
};
