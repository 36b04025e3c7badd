/** `npm run bench -- SUITE`: measures beside the anchor in one run, prints a table, writes `bench/results/SUITE.json`. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Argument, Command } from "commander";
import { apiserver } from "./apiserver/suite.ts";
import { gitSuite } from "./git/suite.ts";
import { searchSuite } from "./search/suite.ts";
import { formatTable, judge, type Suite, writeResults } from "./suite.ts";
import { watchSuite } from "./watch/suite.ts";

const suites: Record<string, Suite> = { apiserver, git: gitSuite, search: searchSuite, watch: watchSuite };
const results = join(dirname(dirname(fileURLToPath(import.meta.url))), "results");

const list = Object.values(suites).map(({ name, about }) => `  ${name.padEnd(12)} ${about}`);

const program = new Command("bench")
  .description("Speed beside an anchor, measured in one run.")
  .addArgument(new Argument("<suite>", "what to measure").choices(Object.keys(suites)))
  .option("--quick", "few objects, short runs: shows that it works, says nothing about speed", false)
  .option("--large", "also with 1,000,000 objects: some 10 minutes more, 8 GB of disk", false)
  .option("--only <text>", "of apiserver, only the direct rows whose name contains this; not kept")
  .addHelpText(
    "after",
    `\nSuites:\n${list.join("\n")}\n\nExamples:\n  npm run bench -- apiserver\n  npm run bench -- apiserver --only create`,
  )
  .action(async (name: string, { quick, large, only }: { quick: boolean; large: boolean; only?: string }) => {
    const suite = suites[name] as Suite;
    const progress = (line: string) => process.stderr.write(`bench: ${line}\n`);
    const rows = (await suite.run({ quick, large, only, progress })).map(judge);
    process.stdout.write(`\n${formatTable(rows)}\n\n`);
    if (quick || only !== undefined) progress("part of a suite is not kept");
    else progress(`written to ${writeResults(results, name, new Date(), rows)}`);
  });

program.parseAsync().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
});
