import { dirname } from "node:path";
import { type Check, judge } from "./check.ts";
import { findFiles } from "./files.ts";
import { lines, runTool } from "./run-tool.ts";

/**
 * One program over everything the root tsconfig.json includes, and one for each package that it leaves out and that has
 * a tsconfig.json of its own (other libraries or JSX).
 */
export const types: Check = {
  name: "types",
  promise: "TypeScript 7 finds no error",
  async run({ root }) {
    const own = findFiles(root, { in: ["packages"], matching: /^packages\/(console|admission)\/tsconfig\.json$/ });
    const projects = ["tsconfig.json", ...own];
    const results = [];
    for (const project of projects) {
      // one after the other: each run uses every core
      results.push(
        await runTool(root, "tsc", ["--noEmit", "--listFiles", "--pretty", "false", "-p", dirname(project)]),
      );
    }
    const output = results.flatMap((result) => lines(result.output));
    const isFile = (line: string) => line.startsWith("/");
    const seen = output.filter((line) => line.startsWith(root) && !line.includes("/node_modules/"));
    const failed = results.some(({ code }) => code !== 0);
    const findings = failed ? output.filter((line) => !isFile(line)) : [];
    return judge(new Set(seen).size, "files", findings, "source hack/env.sh && tsc --noEmit -p .");
  },
};
