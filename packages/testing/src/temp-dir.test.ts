import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { temporaryFolder } from "./temp-dir.ts";

test("a temporary folder is gone with its content after its block", async () => {
  let path: string;
  {
    await using folder = await temporaryFolder("gone");
    path = folder.path;
    writeFileSync(join(path, "file"), "content");
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
});
