/** Files by which a step tells the runner things: `NAME=value` lines and `NAME<<DELIMITER` blocks. Source: GitHub, "Workflow commands". */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface CommandFiles {
  /** Variables that name the files. */
  env: Record<string, string>;
  read(): { env: Record<string, string>; outputs: Record<string, string>; path: string[] };
}

const maxFileBytes = 1024 * 1024;

/** Parses the content of a command file; a line that is neither form is an error that shows it. */
export function parseCommandFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] ?? "").replace(/\r$/, "");
    if (line.trim() === "") continue;
    const block = /^([^=<]+)<<(.+)$/.exec(line);
    if (block?.[1] && block[2]) {
      const end = lines.findIndex((each, index) => index > at && each.replace(/\r$/, "") === block[2]);
      if (end < 0) throw new Error(`the value of ${block[1]} is not ended by a line "${block[2]}"`);
      values[block[1]] = lines.slice(at + 1, end).join("\n");
      at = end;
      continue;
    }
    const separator = line.indexOf("=");
    if (separator < 1) throw new Error(`"${line.slice(0, 100)}" must be NAME=value or NAME<<DELIMITER`);
    values[line.slice(0, separator)] = line.slice(separator + 1);
  }
  return values;
}

function readFile(file: string): string {
  if (!existsSync(file)) return "";
  const text = readFileSync(file, "utf8");
  if (text.length > maxFileBytes)
    throw new Error(`a step wrote more than ${maxFileBytes} bytes to one of its command files`);
  return text;
}

/** Fresh files for one step. */
export function commandFiles(folder: string, step: number): CommandFiles {
  const file = (name: string) => join(folder, `step-${step}-${name}`);
  const files = { env: file("env"), output: file("output"), path: file("path"), summary: file("summary") };
  for (const each of Object.values(files)) writeFileSync(each, "");
  return {
    env: {
      GITHUB_ENV: files.env,
      KRATE_ENV: files.env,
      GITHUB_OUTPUT: files.output,
      KRATE_OUTPUT: files.output,
      GITHUB_PATH: files.path,
      GITHUB_STEP_SUMMARY: files.summary,
    },
    read: () => ({
      env: parseCommandFile(readFile(files.env)),
      outputs: parseCommandFile(readFile(files.output)),
      path: readFile(files.path)
        .split("\n")
        .filter((line) => line !== ""),
    }),
  };
}
