/**
 * git-gateway beside `git http-backend` over the same repositories, in turns. The gateway authenticates, authorizes, checks every
 * object (fsck), judges by 50 rules of which one is a WebAssembly hook, and records each push in Postgres before it answers; the anchor
 * takes what it gets, with `receive.fsckObjects` as the only check. Policy evaluation and sustained pushes have a goal instead; a folder
 * with the last commits of its entries stands beside `git log -1` for each of them, and its goal.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zeroObjectId } from "@krate/git";
import { generateHistory } from "@krate/git/testing";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import type { GitServer } from "./git-server.ts";
import { startHttpBackend } from "./http-backend.ts";
import { git, gitEnvironment, preparePush, sendPush } from "./push-client.ts";
import { treeWithLastCommits } from "./tree.ts";

interface Bench {
  folder: string;
  krate: Gateway;
  anchor: GitServer;
  progress(line: string): void;
}

const sides = ["krate", "anchor"] as const;

/** An empty repository on both sides. */
async function createOnBoth({ krate, anchor }: Bench, name: string): Promise<void> {
  await krate.createRepository(name);
  const path = anchor.gitDir(name);
  git(["init", "-q", "--bare", "-b", "main", path], tmpdir());
  git(["config", "http.receivepack", "true"], path);
  git(["config", "receive.fsckObjects", "true"], path);
}

/** A work tree with a chain of small commits; answers their ids. */
function smallCommits(folder: string, name: string, count: number): { path: string; ids: string[] } {
  const path = join(folder, name);
  git(["init", "-q", "-b", "main", path], folder);
  let stream = "";
  for (let n = 1; n <= count; n++) {
    const message = `change ${n} (#${n})`;
    const content = `line ${n}\n`.repeat(20);
    stream += `commit refs/heads/main\nmark :${n}\ncommitter Bench <bench@example.org> ${1_700_000_000 + n} +0000\n`;
    stream += `data ${message.length}\n${message}\n${n > 1 ? `from :${n - 1}\n` : ""}`;
    stream += `M 100644 inline src/file-${n % 17}.ts\ndata ${content.length}\n${content}\n`;
  }
  git(["fast-import", "--quiet", "--done"], path, `${stream}done\n`);
  const ids = git(["rev-list", "--reverse", "main"], path).toString().trim().split("\n");
  return { path, ids };
}

/** One commit after another to one branch: a small push, and how many of them a second. */
async function pushes(bench: Bench, count: number): Promise<Measurement[]> {
  await createOnBoth(bench, "small");
  const { path, ids } = smallCommits(bench.folder, "small-work", count + 1);
  const prepared = ids.map((id, index) => preparePush(path, ["refs/heads/main"], ids[index - 1] ?? zeroObjectId, id));
  const times = { krate: [] as number[], anchor: [] as number[] };
  for (const [index, push] of prepared.entries()) {
    for (const side of index % 2 === 0 ? sides : sides.toReversed()) {
      const elapsed = await sendPush(bench[side], "small", push);
      if (index > 0) times[side].push(elapsed); // the first starts threads and fills caches
    }
  }
  const total = times.krate.reduce((sum, value) => sum + value, 0);
  return [
    {
      name: "small push, 50 rules and a hook",
      unit: "ms",
      krate: median(times.krate),
      anchor: median(times.anchor),
      anchorName: bench.anchor.name,
      target: 0.77, // at most 1.3 times as long
      smallerIsBetter: true,
    },
    {
      name: "pushes to one branch, one at a time",
      unit: "pushes/s",
      krate: (times.krate.length / total) * 1000,
      anchor: 10,
      anchorName: "goal",
      target: 1,
    },
  ];
}

/** Pushes of 100 refs each: how long the rules take. */
async function evaluation(bench: Bench, count: number): Promise<Measurement> {
  await bench.krate.createRepository("many-refs");
  const { path, ids } = smallCommits(bench.folder, "many-refs-work", count);
  for (const [index, id] of ids.entries()) {
    const refs = Array.from({ length: 100 }, (_, n) => `refs/heads/push-${index}/branch-${n}`);
    await sendPush(bench.krate, "many-refs", preparePush(path, refs, zeroObjectId, id));
  }
  const sorted = (await bench.krate.evaluationMs("many-refs")).sort((a, b) => a - b);
  bench.progress(`  median ${median(sorted)} ms`);
  return {
    name: "50 rules judge a push of 100 refs, p99",
    unit: "ms",
    krate: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
    anchor: 20,
    anchorName: "goal",
    target: 1,
    smallerIsBetter: true,
  };
}

/** The same packed history on both sides, as a repository is after its housekeeping. */
async function createHistory(bench: Bench, commits: number): Promise<void> {
  const source = join(bench.folder, "history.git");
  git(["init", "-q", "--bare", "-b", "main", source], bench.folder);
  await generateHistory(source, { commits });
  git(["repack", "-adq", "--write-bitmap-index"], source);
  await createOnBoth(bench, "history");
  for (const side of sides) {
    for (const part of ["objects", "refs"])
      cpSync(join(source, part), join(bench[side].gitDir("history"), part), { recursive: true, force: true });
  }
}

/** Clones by the real git; answers the time of all of them together, in milliseconds. */
async function clone(bench: Bench, side: (typeof sides)[number], count: number): Promise<number> {
  const server = bench[side];
  const folder = mkdtempSync(join(bench.folder, "clones-"));
  const header = Object.entries(server.headers).flatMap(([name, value]) => [
    "-c",
    `http.extraHeader=${name}: ${value}`,
  ]);
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const args = [...header, "clone", "-q", "--bare", server.url("history"), join(folder, `${n}.git`)];
      return new Promise<void>((resolve, reject) => {
        const child = spawn("git", args, { env: gitEnvironment, stdio: ["ignore", "ignore", "inherit"] });
        child.once("error", reject);
        child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`clone from ${server.name} failed`))));
      });
    }),
  );
  const elapsed = performance.now() - startedAt;
  rmSync(folder, { recursive: true, force: true });
  return elapsed;
}

async function clones(bench: Bench, count: number, rounds: number, target: number): Promise<Measurement> {
  const times = { krate: [] as number[], anchor: [] as number[] };
  for (let round = 0; round < rounds; round++)
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) times[side].push(await clone(bench, side, count));
  return {
    name: count === 1 ? "clone" : `${count} clones at once`,
    unit: "ms",
    krate: median(times.krate),
    anchor: median(times.anchor),
    anchorName: bench.anchor.name,
    target,
    smallerIsBetter: true,
  };
}

async function run({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), "krate-bench-git-"));
  mkdirSync(join(folder, "anchor"));
  progress("starting krate-apiserver + Postgres, git-gateway, and git http-backend");
  const krate = await startGateway(folder);
  const anchor = await startHttpBackend(join(folder, "anchor"));
  const bench: Bench = { folder, krate, anchor, progress };
  try {
    await krate.enforceFiftyRules();
    const rows: Measurement[] = [];
    progress("small pushes, in turns");
    rows.push(...(await pushes(bench, quick ? 5 : 100)));
    progress("pushes of 100 refs");
    rows.push(await evaluation(bench, quick ? 2 : 20));
    progress("a large folder of a long history");
    const size = quick ? { commits: 2_000, files: 300, requests: 5 } : { commits: 50_000, files: 5_000, requests: 60 };
    rows.push(...(await treeWithLastCommits(krate, folder, { ...size, progress })));
    progress("a history to clone");
    await createHistory(bench, quick ? 300 : 5_000);
    progress("clones, in turns");
    rows.push(await clones(bench, 1, quick ? 1 : 11, 0.95)); // at most 1.05 times as long
    progress("50 clones at once, in turns");
    rows.push(await clones(bench, quick ? 5 : 50, quick ? 1 : 3, 1));
    return rows;
  } finally {
    await krate.stop();
    await anchor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const gitSuite: Suite = {
  name: "git",
  about: "pushes with 50 rules and a hook, clones and large folders, beside git http-backend and git log",
  run,
};
