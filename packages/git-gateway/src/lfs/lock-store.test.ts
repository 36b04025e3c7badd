import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LfsRepositories } from "../testing/lfs-store-conformance.ts";
import { lfsFolder } from "./file-store.ts";
import { LfsLocks } from "./lock-store.ts";

let repositories: LfsRepositories;
beforeAll(async () => {
  repositories = await LfsRepositories.create();
});
afterAll(() => repositories.folder.remove());

test("of several gateways on one disk never two have a lock, and none takes another's away", async () => {
  const { backend } = await repositories.add();
  const contenders = ["a", "b", "c"].map((owner) =>
    spawn(
      process.execPath,
      [
        "--conditions=development",
        join(import.meta.dirname, "../testing/lock-contender.ts"),
        backend.workDir,
        owner,
        "40",
      ],
      { stdio: "inherit", env: { ...process.env, NODE_OPTIONS: "" } },
    ),
  );
  const codes = await Promise.all(contenders.map(async (child) => (await once(child, "exit"))[0] as number));
  expect(codes).toEqual([0, 0, 0]);
  expect(await readdir(join(lfsFolder(backend), "locks"))).toEqual([]);
}, 180_000);

test("a lock that was taken away in between is not taken away for who made the next", async () => {
  const { backend } = await repositories.add();
  const locks = new LfsLocks(backend);
  const first = await locks.create("a", "alice");
  if (!("created" in first)) throw new Error("nobody else is there");
  const removed = locks.remove(first.created.id, async () => {
    // While this one is being judged it goes, and bob locks the same path.
    await locks.remove(first.created.id, () => undefined);
    await locks.create("a", "bob");
  });
  expect(await removed).toBeUndefined();
  const { locks: left } = await locks.list({ limit: 10 });
  expect(left.map(({ path, owner }) => [path, owner.name])).toEqual([["a", "bob"]]);
});
