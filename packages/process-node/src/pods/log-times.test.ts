import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { temporaryFolder } from "@krate/testing";
import { LogTimes } from "./log-times.ts";

test("knows when each part was written, also after a restart", async () => {
  await using folder = await temporaryFolder("log-times");
  const file = join(folder.path, "log.times");
  const times = new LogTimes(file);
  times.observe(10, 1000);
  times.observe(10, 2000);
  times.observe(25, 3000);
  appendFileSync(file, "4000 9"); // the node died while it wrote
  for (const one of [times, new LogTimes(file)]) {
    expect([0, 9, 10, 24, 25].map((offset) => one.timeOf(offset))).toEqual([1000, 1000, 3000, 3000, undefined]);
    expect([0, 1000, 1001, 3000, 3001].map((time) => one.offsetSince(time))).toEqual([0, 0, 10, 10, undefined]);
  }
});
