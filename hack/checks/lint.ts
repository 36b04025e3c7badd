import { runBiome } from "./biome.ts";
import { type Check, judge } from "./check.ts";
import { lines, runTool } from "./run-tool.ts";

/** Biome finds what syntax shows; oxlint what only types show, above all promises nobody waits for. */
export const lint: Check = {
  name: "lint",
  promise: "no lint finding: biome.json (syntax), .oxlintrc.json (types)",
  async run({ root }) {
    const biome = await runBiome(root, ["lint"]);
    const oxlint = await runTool(root, "oxlint", ["--type-aware", "--format=unix", "--deny-warnings"]);
    const findings = [
      ...biome.findings,
      ...(oxlint.code === 0 ? [] : lines(oxlint.output).filter((line) => !/^\d+ problems?$/.test(line))),
    ];
    return judge(biome.files, "files", findings, "source hack/env.sh && biome lint --write; oxlint --type-aware --fix");
  },
};
