import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { BackendRepository } from "@krate/git";
import { LastCommitStore } from "./store.ts";

let workDir: string;
let repository: BackendRepository;
beforeAll(async () => {
  workDir = await mkdtemp(join(tmpdir(), "krate-last-commits-"));
  repository = { gitDir: workDir, workDir } as BackendRepository;
});
afterAll(() => rm(workDir, { recursive: true, force: true }));

const id = (n: number) => n.toString(16).padStart(40, "0");
const answer = new Map<string, string>([
  ...Array.from({ length: 60 }, (_, n): [string, string] => [`f\xe9${n}`, id(n % 7)]),
  ["__proto__", id(3)],
]);

test("what one process found out another knows", async () => {
  await new LastCommitStore().add(repository, "src", [id(100), id(101)], answer);
  const known = await new LastCommitStore().folder(repository, "src");
  expect(new Map(known)).toEqual(
    new Map([
      [id(100), answer],
      [id(101), answer],
    ]),
  );
  expect(await new LastCommitStore().folder(repository, "docs")).toEqual(new Map());
});

test("a torn file, and one of something else, are as good as none", async () => {
  const [name] = await readdir(join(workDir, "last-commits"));
  const file = join(workDir, "last-commits", name ?? "");
  const whole = await readFile(file, "utf8");
  for (const content of [
    whole.slice(0, 500),
    "",
    "{}",
    whole.replace('"version":1', '"version":2'),
    whole.replaceAll(id(3), "x"),
  ]) {
    await writeFile(file, content);
    expect(await new LastCommitStore().folder(repository, "src")).toEqual(new Map());
  }
});

test("memory holds the answers at the last few commits of a folder, the disk the latest", async () => {
  const store = new LastCommitStore();
  for (let n = 200; n < 210; n++) await store.add(repository, "src", [id(n)], answer);
  expect([...(await store.folder(repository, "src")).keys()]).toEqual([206, 207, 208, 209].map(id));
  expect([...(await new LastCommitStore().folder(repository, "src")).keys()]).toEqual([id(209)]);
});

test("a repository keeps a bounded number of files", async () => {
  const store = new LastCommitStore();
  for (let n = 0; n < 140; n++) await store.add(repository, `folder-${n}`, [id(n)], answer);
  expect((await readdir(join(workDir, "last-commits"))).length).toBeLessThanOrEqual(128);
});
