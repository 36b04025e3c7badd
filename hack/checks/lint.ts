import { type Check, judge } from "./check.ts";
import { lines, runTool } from "./run-tool.ts";

/** Biome finds what syntax shows; oxlint what only types show, above all promises nobody waits for. */
export const lint: Check = {
  name: "lint",
  promise: "no lint finding: biome.json (syntax), .oxlintrc.json (types)",
  async run({ root }) {
    const [biome, oxlint] = await Promise.all([
      runTool(root, "biome", ["lint", "--error-on-warnings", "--diagnostic-level=warn", "--reporter=github"]),
      runTool(root, "oxlint", ["--type-aware", "--format=unix", "--deny-warnings"]),
    ]);
    const count = Number(/Checked (\d+) files?/.exec(biome.output)?.[1] ?? 0);
    const findings = [
      ...(biome.code === 0
        ? []
        : lines(biome.output)
            .filter((line) => line.startsWith("::"))
            .map(readable)),
      ...(oxlint.code === 0 ? [] : lines(oxlint.output)),
    ];
    if (biome.code !== 0 && findings.length === 0) findings.push(...lines(biome.output));
    return judge(
      count,
      "files",
      findings,
      "biome lint --write; oxlint --type-aware --fix   (after `source hack/env.sh`)",
    );
  },
};

/** `::error title=lint/x,file=a.ts,line=1,…::text` → `a.ts:1: lint/x: text` */
function readable(line: string): string {
  const part = (name: string) => new RegExp(`[ ,]${name}=([^,:]+)`).exec(line)?.[1] ?? "?";
  return `${part("file")}:${part("line")}: ${part("title")}: ${line.slice(line.lastIndexOf("::") + 2)}`;
}
