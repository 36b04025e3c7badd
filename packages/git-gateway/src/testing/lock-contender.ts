/**
 * One of several gateways that lock the same file: `node lock-contender.ts <repository> <owner> <rounds>`. Whoever has the lock makes a
 * file that must not be there, so that two who have it at once are found. Fails when they are, or when a lock is taken from another.
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { BackendRepository } from "@krate/git";
import { LfsLocks } from "../lfs/lock-store.ts";

const [workDir = "", owner = "", rounds = "0"] = process.argv.slice(2);
const locks = new LfsLocks({ workDir } as BackendRepository);
const witness = join(workDir, "held");

for (let held = 0; held < Number(rounds); ) {
  const outcome = await locks.create("hero.psd", owner);
  if (!("created" in outcome)) {
    await turn();
    continue;
  }
  await (await open(witness, "wx")).close();
  const { id } = outcome.created;
  await rm(witness);
  if (!(await locks.remove(id, () => undefined))) throw new Error(`lock ${id} of ${owner} was taken away by somebody`);
  if (await locks.remove(id, () => undefined)) throw new Error(`lock ${id} was taken away twice`);
  held++;
}
