import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { openLineFile } from "./line-file.ts";

const folder = mkdtempSync(join(tmpdir(), "krate-line-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const fail = (error: Error) => {
  throw error;
};

test("lines are appended, also after the file was moved away", async () => {
  const path = join(folder, "new/audit.log");
  const first = openLineFile({ path, onDropped: () => {}, onError: fail });
  first.write("one");
  await first.close();
  const file = openLineFile({ path, onDropped: () => {}, onError: fail });
  file.write("two");
  await file.close();
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  renameSync(path, `${path}.1`);
  const second = openLineFile({ path, onDropped: () => {}, onError: fail });
  second.write("three");
  await second.close();
  expect(readFileSync(path, "utf8")).toBe("three\n");
});

test("a file that was moved away is left alone after reopening", async () => {
  const path = join(folder, "rotated.log");
  const file = openLineFile({ path, onDropped: () => {}, onError: fail });
  file.write("one");
  await eventually(() => existsSync(path) && readFileSync(path, "utf8") === "one\n");
  renameSync(path, `${path}.1`);
  file.reopen();
  file.write("two");
  await file.close();
  expect([readFileSync(`${path}.1`, "utf8"), readFileSync(path, "utf8")]).toEqual(["one\n", "two\n"]);
});

test("what the disk does not take is dropped and counted, never waited for", async () => {
  let dropped = 0;
  const path = join(folder, "full.log");
  const file = openLineFile({ path, maxBufferedBytes: 1000, onDropped: () => dropped++, onError: fail });
  for (let at = 0; at < 100; at++) file.write("x".repeat(99));
  await file.close();
  const kept = readFileSync(path, "utf8").length / 100;
  expect(dropped).toBeGreaterThan(0);
  expect(kept + dropped).toBe(100);
});

test("a path that cannot be written is told, and nothing else happens", async () => {
  writeFileSync(join(folder, "plain"), "");
  const told = await new Promise<Error>((resolve) => {
    const file = openLineFile({ path: join(folder, "plain/audit.log"), onDropped: () => {}, onError: resolve });
    file.write("x");
  });
  expect(told.message).toMatch(/ENOTDIR|EEXIST/);
});
