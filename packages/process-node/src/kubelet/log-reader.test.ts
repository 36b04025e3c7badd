import { appendFile, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { temporaryFolder } from "@krate/testing";
import type { LogOptions } from "./log-options.ts";
import { readLog } from "./log-reader.ts";

const all: LogOptions = {
  follow: false,
  tailLines: undefined,
  limitBytes: undefined,
  timestamps: false,
  since: undefined,
};
/** Everything before byte 4 was written at second 1, the rest at second 2. */
const times = {
  timeOf: (offset: number) => (offset < 4 ? 1000 : 2000),
  offsetSince: (time: number) => (time <= 1000 ? 0 : time <= 2000 ? 4 : undefined),
};

async function read(text: string, options: Partial<LogOptions>): Promise<string> {
  await using folder = await temporaryFolder("log");
  const path = join(folder.path, "log");
  await writeFile(path, text);
  await using file = await open(path);
  const chunks = readLog({ file, times, hasEnded: () => true }, { ...all, ...options }, new AbortController().signal);
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}

const long = "x".repeat(70_000);
test.each([
  { text: "one\ntwo\n", options: {}, result: "one\ntwo\n", reason: "nothing was left out" },
  { text: "", options: { tailLines: 3 }, result: "", reason: "an empty log has no lines" },
  { text: "one\ntwo\n", options: { tailLines: 1 }, result: "two\n", reason: "the last line feed ends a line" },
  { text: "one\ntwo", options: { tailLines: 1 }, result: "two", reason: "a line without line feed counts" },
  { text: "one\n\n", options: { tailLines: 1 }, result: "\n", reason: "an empty line counts" },
  { text: "one\ntwo\n", options: { tailLines: 9 }, result: "one\ntwo\n", reason: "there are fewer" },
  { text: "one\ntwo\n", options: { tailLines: 0 }, result: "", reason: "none were wanted" },
  {
    text: `one\n${long}\n`,
    options: { tailLines: 1 },
    result: `${long}\n`,
    reason: "a line may be longer than a chunk",
  },
  { text: "one\ntwo\n", options: { limitBytes: 5 }, result: "one\nt", reason: "bytes count, not lines" },
  { text: "one\ntwo\n", options: { limitBytes: 0 }, result: "", reason: "no bytes were wanted" },
  { text: "one\ntwo\n", options: { since: 1500 }, result: "two\n", reason: "the first part is older" },
  { text: "one\ntwo\n", options: { since: 9000 }, result: "", reason: "all of it is older" },
  {
    text: "one\ntwo\n",
    options: { timestamps: true },
    result: "1970-01-01T00:00:01.000000000Z one\n1970-01-01T00:00:02.000000000Z two\n",
    reason: "each line has its own time",
  },
])("$options: $reason", async ({ text, options, result }) => {
  expect(await read(text, options)).toBe(result);
});

test("following goes on until the container has ended and everything was sent", async () => {
  await using folder = await temporaryFolder("log");
  const path = join(folder.path, "log");
  await writeFile(path, "one\n");
  await using file = await open(path);
  let ended = false;
  const source = { file, times, hasEnded: () => ended };
  const lines: string[] = [];
  for await (const chunk of readLog(source, { ...all, follow: true }, new AbortController().signal)) {
    lines.push(chunk.toString());
    if (lines.length === 1) await appendFile(path, "two\n");
    if (lines.length === 2) {
      ended = true;
      await appendFile(path, "three\n");
    }
  }
  expect(lines).toEqual(["one\n", "two\n", "three\n"]);
});
