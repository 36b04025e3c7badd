import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { temporaryFolder } from "@krate/testing";
import { runnerCommand, writeRunnerScript } from "./runner-script.ts";

test("krate-runner starts the program with this Node, whatever its path is", async () => {
  await using folder = await temporaryFolder("runner");
  const entry = join(folder.path, "it's a runner.mjs");
  writeFileSync(entry, "console.log(process.execPath, ...process.argv.slice(2))");
  writeRunnerScript(folder.path, runnerCommand(folder.path, entry));
  const output = execFileSync(join(folder.path, "krate-runner"), ["a b", "c"], { encoding: "utf8", env: {} });
  expect(output).toBe(`${process.execPath} a b c\n`);
});

test("a bundle is preferred to sources", async () => {
  await using folder = await temporaryFolder("runner");
  expect(runnerCommand(folder.path).entry).toBe(join(folder.path, "runner", "src", "main.ts"));
  mkdirSync(join(folder.path, "runner", "dist"), { recursive: true });
  writeFileSync(join(folder.path, "runner", "dist", "main.mjs"), "");
  expect(runnerCommand(folder.path).entry).toBe(join(folder.path, "runner", "dist", "main.mjs"));
});
