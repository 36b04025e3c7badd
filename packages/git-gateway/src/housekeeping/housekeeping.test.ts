import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gitText, runGit } from "@krate/git";
import { generateHistory } from "@krate/git/testing";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";
import { choresOf } from "./chores.ts";
import { Housekeeping } from "./housekeeping.ts";

let gateway: GatewayFixture;
beforeAll(async () => {
  gateway = await GatewayFixture.start();
});
afterAll(() => gateway.stop());

/** Runs housekeeping until `count` chores were done. */
async function tidy(count: number, before?: (housekeeping: Housekeeping) => void): Promise<string[]> {
  const ending = new AbortController();
  const done: string[] = [];
  const problems: unknown[] = [];
  const housekeeping = new Housekeeping({
    backend: gateway.backend,
    settleMs: 0,
    onProblem: (_, error) => problems.push(error),
    onDone: ({ name }, chore) => {
      done.push(`${name} ${chore}`);
      if (done.length >= count) ending.abort();
    },
  });
  before?.(housekeeping);
  await housekeeping.run(ending.signal);
  expect(problems).toEqual([]);
  return done;
}

const openRepository = (name: string) => gateway.backend.open({ namespace: "acme", name });
const graphOf = (gitDir: string) => join(gitDir, "objects", "info", "commit-graphs", "commit-graph-chain");

test("a new process writes the commit-graph of what has none, with filters, and leaves the rest alone", async () => {
  const gitDir = await gateway.createRepository("history");
  await gateway.createRepository("empty");
  await generateHistory(gitDir, { commits: 200 });
  expect(await tidy(1)).toEqual(["history commit-graph"]);
  expect(existsSync(graphOf(gitDir))).toBe(true);
  await runGit(["commit-graph", "verify"], { gitDir });
  expect(await choresOf(await openRepository("history"))).toEqual([]);
  expect(await choresOf(await openRepository("empty"))).toEqual([]);
});

test("many pushes are rolled into few packs with a bitmap, and every object stays: hidden, unreachable, of a running push", async () => {
  const gitDir = await gateway.createRepository("busy");
  const work = await gateway.workTree("busy-work", "busy");
  await ok(gateway.git(["push", "-q", "origin", "main"], work));
  for (let n = 0; n < 16; n++) {
    const blobs = Array.from(
      { length: 12 },
      (_, m) => `blob\nmark :${m + 1}\ndata 9\n${String(n * 100 + m).padStart(9)}\n`,
    ).join("");
    await runGit(["fast-import", "--quiet", "--done"], {
      gitDir,
      stdin: `${blobs}done\n`,
      config: { "fastimport.unpackLimit": "1" },
    });
  }
  const unreachable = await gitText(["hash-object", "--stdin"], { gitDir, stdin: "      311" });
  const hidden = await gitText(["hash-object", "-w", "--stdin"], { gitDir, stdin: "of a pull request" });
  await runGit(["update-ref", "refs/pull/1/head", await gitText(["rev-parse", "main"], { gitDir })], { gitDir });
  const quarantine = join(gitDir, "krate", "incoming", "push", "objects");
  await mkdir(quarantine, { recursive: true });
  await writeFile(join(quarantine, "pack-x.pack"), "under way");

  expect(await choresOf(await openRepository("busy"))).toEqual(["repack", "commit-graph"]);
  expect(await tidy(2)).toEqual(["busy repack", "busy commit-graph"]);

  const names = await readdir(join(gitDir, "objects", "pack"));
  expect(names.filter((name) => name.endsWith(".pack")).length).toBeLessThanOrEqual(2);
  expect(names).toContain("multi-pack-index");
  expect(names.some((name) => name.endsWith(".bitmap"))).toBe(true);
  for (const id of [unreachable, hidden]) await runGit(["cat-file", "-e", id], { gitDir });
  expect(await readdir(quarantine)).toEqual(["pack-x.pack"]);
  await runGit(["fsck", "--full", "--strict"], { gitDir });
  await ok(gateway.git(["clone", "-q", gateway.url("busy"), join(gateway.folder, "busy-clone")]));
});

describe("of several processes", () => {
  test("one works; what a dead one left is taken over, git's lock too", async () => {
    const gitDir = await gateway.createRepository("shared");
    await generateHistory(gitDir, { commits: 30 });
    const lock = join(gitDir, "krate", "housekeeping.lock");
    await writeFile(lock, JSON.stringify({ host: "elsewhere", pid: 1 }));
    await gateway.createRepository("other");
    await generateHistory((await openRepository("other")).gitDir, { commits: 5 });
    expect(await tidy(1, (housekeeping) => housekeeping.add({ namespace: "acme", name: "shared" }))).toEqual([
      "other commit-graph",
    ]);
    await writeFile(lock, JSON.stringify({ host: hostname(), pid: 2 ** 22, startTicks: "1" }));
    await mkdir(join(gitDir, "objects", "info", "commit-graphs"), { recursive: true });
    await writeFile(`${graphOf(gitDir)}.lock`, "");
    expect(await tidy(1)).toEqual(["shared commit-graph"]);
    expect(existsSync(lock)).toBe(false);
  });
});
