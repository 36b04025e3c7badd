/**
 * The embedded code search beside Zoekt, where its programs are on PATH, or `git grep` over the same commit: the sources of this
 * checkout, several times over, each copy with words of its own. Indexing after a push has a goal instead.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Background, EmbeddedSearch, parseQuery } from "@krate/code-search";
import { freePort } from "@krate/testing/control-plane";
import type { Measurement, Suite, SuiteOptions } from "../suite.ts";

const repository = { uid: "bench", namespace: "bench", name: "bench" };
const signal = new AbortController().signal;
const limit = 50;

/** Each is asked with a number of a copy, so that no answer is remembered. */
const queries: { name: string; query: (copy: number) => string; grep: (copy: number) => string[] }[] = [
  {
    name: "a word that is rare, p95",
    query: (copy) => `needle${copy}copy`,
    grep: (copy) => ["-F", "-e", `needle${copy}copy`],
  },
  {
    name: "a common word in files of a name, p95",
    query: (copy) => `file:copy-${copy}/ defineController lang:typescript`,
    grep: (copy) => ["-F", "-e", "defineController", "--", `copy-${copy}/*.ts`],
  },
  {
    name: "an expression, p95",
    query: (copy) => `export\\s+function\\s+\\w*Controller\\( file:copy-${copy}/`,
    grep: (copy) => ["-E", "-e", "export\\s+function\\s+\\w*Controller\\(", "--", `copy-${copy}/`],
  },
];

interface Anchor {
  name: string;
  find(index: number, copy: number): Promise<void>;
  stop(): Promise<void>;
}

/** A bare repository with so many copies of the checkout's files; answers its commit. */
function makeSources(gitDir: string, copies: number): string {
  const checkout = join(import.meta.dirname, "../../..");
  const git = (args: string[], input?: string) =>
    execFileSync("git", ["--git-dir", gitDir, ...args], {
      encoding: "utf8",
      ...(input !== undefined && { input }),
    }).trim();
  execFileSync("git", ["clone", "-q", "--bare", "--no-hardlinks", checkout, gitDir]);
  const tree = git(["rev-parse", "HEAD^{tree}"]);
  const copyTrees = Array.from({ length: copies }, (_, copy) => {
    const blob = git(["hash-object", "-w", "--stdin"], `one needle${copy}copy in a haystack\n`);
    const words = git(["mktree"], `100644 blob ${blob}\tneedle.txt\n`);
    return `040000 tree ${git(["mktree"], `040000 tree ${tree}\tsources\n040000 tree ${words}\twords\n`)}\tcopy-${copy}\n`;
  });
  const author = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"];
  const commit = git([...author, "commit-tree", "-m", "copies", git(["mktree"], copyTrees.join(""))]);
  git(["update-ref", "refs/heads/main", commit]);
  return commit;
}

/** The file a command is, if it is on PATH. */
function commandFile(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

const startTimeoutMs = 120_000;

async function untilFound(ask: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  while ((await ask().catch(() => 0)) === 0) {
    if (performance.now() > deadline) throw new Error("Zoekt found nothing");
    await sleep(100);
  }
}

function gitGrep(gitDir: string, commit: string): Anchor {
  return {
    name: "git grep",
    async find(index, copy) {
      const [before, after] = splitAt(queries[index]?.grep(copy) ?? []);
      spawnSync("git", ["--git-dir", gitDir, "grep", "-n", "-m", "20", ...before, commit, ...after]);
    },
    stop: async () => undefined,
  };
}

function splitAt(args: string[]): [string[], string[]] {
  const at = args.indexOf("--");
  return at < 0 ? [args, []] : [args.slice(0, at), args.slice(at)];
}

/** Zoekt on an index folder of its own, asked over its HTTP API. */
async function zoekt(folder: string, gitDir: string, webserver: string, indexer: string): Promise<Anchor> {
  const index = join(folder, "zoekt");
  mkdirSync(index);
  execFileSync(indexer, ["-index", index, "-disable_ctags", "-submodules=false", "-branches", "main", gitDir], {
    stdio: "ignore",
  });
  const port = await freePort();
  const child: ChildProcess = spawn(webserver, ["-index", index, "-listen", `127.0.0.1:${port}`, "-rpc"], {
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}/api/search`;
  const ask = async (query: string) => {
    const body = JSON.stringify({ Q: query, Opts: { MaxDocDisplayCount: limit } });
    const response = await fetch(url, { method: "POST", body });
    return ((await response.json()) as { Result?: { Files?: unknown[] } }).Result?.Files?.length ?? 0;
  };
  await untilFound(() => ask("needle0copy"));
  return {
    name: "Zoekt",
    async find(index, copy) {
      await ask(queries[index]?.query(copy) ?? "");
    },
    async stop() {
      child.kill("SIGTERM");
    },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? Number.NaN;
}

async function run({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const [copies, rounds] = quick ? [2, 5] : [12, 60];
  const folder = mkdtempSync(join(tmpdir(), "krate-bench-search-"));
  const gitDir = join(folder, "bench.git");
  progress(`${copies} times the sources of this checkout`);
  const commit = makeSources(gitDir, copies);
  const background = new Background();
  const engine = new EmbeddedSearch({ folder: join(folder, "index"), background });
  const [webserver, indexer] = [commandFile("zoekt-webserver"), commandFile("zoekt-git-index")];
  try {
    progress("indexing");
    const index = (tip: string) =>
      engine.index({ repository, branches: [{ name: "main", commit: tip }], gitDir, signal });
    const seconds = (await timed(() => index(commit))) / 1000;
    progress(`  the embedded index took ${seconds.toFixed(1)} s`);
    const anchor = webserver && indexer ? await zoekt(folder, gitDir, webserver, indexer) : gitGrep(gitDir, commit);
    const rows: Measurement[] = [];
    try {
      const find = (query: string) =>
        engine.search({ query: parseQuery(query), repositories: [repository], limit, signal });
      for (const [at, { name, query }] of queries.entries()) {
        progress(`${name}, in turns with ${anchor.name}`);
        const times = { krate: [] as number[], anchor: [] as number[] };
        for (let round = -2; round < rounds; round++) {
          const copy = Math.abs(round) % copies;
          const krate = await timed(() => find(query(copy)));
          const other = await timed(() => anchor.find(at, copy));
          if (round < 0) continue; // the first start threads and fill caches
          times.krate.push(krate);
          times.anchor.push(other);
        }
        rows.push({
          name,
          unit: "ms",
          krate: p95(times.krate),
          anchor: p95(times.anchor),
          anchorName: anchor.name,
          target: 1,
          smallerIsBetter: true,
        });
      }
    } finally {
      await anchor.stop();
    }
    progress("a push of one file");
    const author = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"];
    const git = (args: string[], input = "") =>
      execFileSync("git", ["--git-dir", gitDir, ...args], { encoding: "utf8", input }).trim();
    const entries = git(["ls-tree", commit]);
    const blob = git(["hash-object", "-w", "--stdin"], "one more file\n");
    const next = git([
      ...author,
      "commit-tree",
      "-m",
      "next",
      "-p",
      commit,
      git(["mktree"], `${entries}\n100644 blob ${blob}\tone-more.txt\n`),
    ]);
    const lag = (await timed(() => index(next))) / 1000;
    return [
      ...rows,
      {
        name: "one file more is searchable",
        unit: "s",
        krate: lag,
        anchor: 10,
        anchorName: "goal",
        target: 1,
        smallerIsBetter: true,
      },
    ];
  } finally {
    await engine.close();
    await background.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const searchSuite: Suite = {
  name: "search",
  about:
    "queries of the embedded code search beside Zoekt (on PATH) or git grep, and the time until a push is searchable",
  run,
};
