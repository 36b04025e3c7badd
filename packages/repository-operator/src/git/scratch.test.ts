import { readdir, utimes } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { temporaryFolder } from "@krate/testing";
import { scratchRepository, sweepScratch } from "./scratch.ts";

test("a scratch repository is gone at the end, and swept when its process died", async () => {
  await using folder = await temporaryFolder("scratch");
  {
    await using scratch = await scratchRepository(["/nowhere"], { folder: folder.path });
    expect(scratch.read.gitDir.startsWith(folder.path)).toBe(true);
  }
  expect(await readdir(folder.path)).toEqual([]);
  const left = await scratchRepository([], { folder: folder.path });
  const running = await scratchRepository([], { folder: folder.path });
  await utimes(left.read.gitDir, 0, 0);
  await sweepScratch(folder.path);
  expect(await readdir(folder.path)).toEqual([running.read.gitDir.slice(folder.path.length + 1)]);
});
