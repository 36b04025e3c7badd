#!/usr/bin/env node
/** `npm run generate`: writes every generated file; with `--check` only says which are out of date and fails. */
import { dirname } from "node:path";
import { allKinds } from "@krate/kinds";
import { allGenerators, generatedFolders } from "./generators.ts";
import { readSamples } from "./read-samples.ts";
import { applyDifferences, differences } from "./write-files.ts";

const usage = `usage: npm run generate [-- --check]

  --check   write nothing; list files that are out of date and fail when there are any
`;

const [flag] = process.argv.slice(2);
if (flag === "--help") {
  process.stdout.write(usage);
} else if (flag !== undefined && flag !== "--check") {
  process.stderr.write(`unknown argument ${JSON.stringify(flag)}\n\n${usage}`);
  process.exitCode = 2;
} else {
  const root = dirname(dirname(dirname(import.meta.dirname)));
  const files = allGenerators(readSamples(root, allKinds))(allKinds);
  const found = differences(root, files, generatedFolders);
  for (const { path, change } of found) process.stdout.write(`${change.padEnd(8)} ${path}\n`);
  if (flag === "--check") {
    if (found.length > 0)
      process.stderr.write(`${found.length} generated files are out of date: run npm run generate\n`);
    process.exitCode = found.length > 0 ? 1 : 0;
  } else {
    applyDifferences(root, files, found);
    process.stdout.write(`${files.length} generated files, ${found.length} written\n`);
  }
}
