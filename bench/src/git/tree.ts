/** A large folder of a long history with the commit that last changed each entry, as the content API answers it. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { generateHistory } from "@krate/git/testing";
import type { Measurement } from "../suite.ts";
import type { Gateway } from "./gateway.ts";
import { git } from "./push-client.ts";

const folder = "src";
const name = "tree";
/** Entries the anchor is asked for; all of them would take minutes. */
const sampled = 40;

interface Tree {
  total: number;
  lastCommits: { complete: boolean };
}

/**
 * Every request is for a commit nobody asked for before, as the first reader after a push has it: what it brought is looked at, the rest is
 * known. One row beside `git log -1` for each entry, one beside the goal.
 */
export async function treeWithLastCommits(
  krate: Gateway,
  scratch: string,
  options: { commits: number; files: number; requests: number; progress(line: string): void },
): Promise<Measurement[]> {
  const source = join(scratch, "tree.git");
  git(["init", "-q", "--bare", "-b", "main", source], scratch);
  await generateHistory(source, { commits: options.commits, files: options.files, folders: [folder] });
  git(["repack", "-adq", "--write-bitmap-index"], source);
  git(["commit-graph", "write", "--reachable", "--changed-paths"], source);
  await krate.createRepository(name);
  for (const part of ["objects", "refs"])
    cpSync(join(source, part), join(krate.gitDir(name), part), { recursive: true, force: true });
  const ids = git(["rev-list", "--first-parent", `-n${options.requests + 1}`, "main"], source)
    .toString()
    .trim()
    .split("\n")
    .reverse();
  const cold = await read(krate, `lastcommits/${ids[0]}?path=${folder}`);
  options.progress(`  the first time: ${Math.round(cold.ms)} ms until the last entry was told`);
  const times: number[] = [];
  let total = 0;
  for (const id of ids.slice(1)) {
    const { ms, text } = await read(krate, `tree/${id}?path=${folder}&lastCommits=true&wait=10000`);
    const tree = JSON.parse(text) as Tree;
    if (!tree.lastCommits.complete) throw new Error("the answer is not whole");
    total = tree.total;
    times.push(ms);
  }
  const p95 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN;
  const row = `tree of ${total} entries with last commits, new commit, p95`;
  return [
    {
      name: row,
      unit: "ms",
      krate: p95,
      anchor: onePerEntry(source, total),
      anchorName: "git log -1 per entry",
      target: 10,
      smallerIsBetter: true,
    },
    { name: row, unit: "ms", krate: p95, anchor: 300, anchorName: "goal", target: 1, smallerIsBetter: true },
  ];
}

async function read(krate: Gateway, view: string): Promise<{ ms: number; text: string }> {
  const url = krate.url(name).replace(/\.git$/, `/-/${view}`);
  const startedAt = performance.now();
  const response = await fetch(url, { headers: krate.headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 500)}`);
  return { ms: performance.now() - startedAt, text };
}

/** Milliseconds `git log -1` would take for all entries, from an even sample of them. */
function onePerEntry(gitDir: string, total: number): number {
  const paths = git(["ls-tree", "--name-only", "main", `${folder}/`], gitDir)
    .toString()
    .trim()
    .split("\n");
  const chosen = paths.filter((_, index) => index % Math.ceil(paths.length / sampled) === 0);
  const startedAt = performance.now();
  for (const path of chosen) git(["log", "-1", "--format=%H", "main", "--", path], gitDir);
  return ((performance.now() - startedAt) / chosen.length) * total;
}
