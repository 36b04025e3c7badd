import { runTool, type ToolResult } from "./run-tool.ts";

/** The part of Biome's JSON report that is read here. */
interface BiomeReport {
  summary: { changed: number; unchanged: number };
  diagnostics: {
    severity: string;
    category: string;
    message: string;
    location: { path: string; start?: { line: number } };
  }[];
}

export interface BiomeFindings {
  files: number;
  findings: string[];
}

/**
 * Runs Biome over the tree and returns errors and warnings as `path:line: category: message`.
 * @throws when Biome gives no report, with what it said instead.
 */
export async function runBiome(root: string, args: readonly string[]): Promise<BiomeFindings> {
  const result = await runTool(root, "biome", [...args, "--reporter=json", "--max-diagnostics=none"]);
  const { summary, diagnostics } = parseReport(result);
  return {
    files: summary.changed + summary.unchanged,
    findings: diagnostics
      .filter(({ severity }) => severity === "error" || severity === "warning" || severity === "fatal")
      .map(
        ({ category, message, location }) =>
          `${location.path}:${location.start?.line ?? 1}: ${category}: ${message.replaceAll(/\s+/g, " ").trim()}`,
      )
      .sort(),
  };
}

/** The report is one line of standard output; notes of Biome may stand round it. */
function parseReport({ output }: ToolResult): BiomeReport {
  const line = output.split("\n").find((text) => text.startsWith('{"summary"'));
  if (line === undefined) throw new Error(`biome gave no report: ${output.trim().slice(0, 400)}`);
  return JSON.parse(line.slice(0, line.lastIndexOf("}") + 1)) as BiomeReport;
}
