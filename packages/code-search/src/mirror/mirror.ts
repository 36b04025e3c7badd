/**
 * What is indexed, brought here: a bare repository with the newest commit of each wanted branch and nothing of its history. It comes
 * through git-gateway, whatever the storage backend behind it, and only what is new since the fetch before.
 */
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { GitError, gitText, runGit } from "@krate/git";
import type { BranchTip } from "../engine/code-search.ts";

export interface FetchOptions {
  /** Where the mirror is. */
  gitDir: string;
  url: string;
  /** Names without refs/heads/, the default branch first; those that do not exist are left out. */
  branches: readonly string[];
  /** Value of the Authorization header. */
  authorization?: string | undefined;
  caFile?: string | undefined;
  timeoutMs: number;
}

const prefix = "refs/heads/";

/** Fetches; answers the branches that exist, in the order asked for. @throws GitError */
export async function fetchMirror(options: FetchOptions): Promise<BranchTip[]> {
  const { gitDir, url, timeoutMs } = options;
  const config = configOf(options);
  if (!existsSync(`${gitDir}/HEAD`)) {
    await mkdir(gitDir, { recursive: true, mode: 0o700 });
    await runGit(["init", "--quiet", "--bare", gitDir]);
  }
  const refs = options.branches.map((name) => `${prefix}${name}`);
  const listed = await runGit(["ls-remote", "--quiet", url, ...refs], { config, timeoutMs });
  const there = new Set(
    listed.stdout
      .toString("utf8")
      .split("\n")
      .map((line) => line.split("\t")[1] ?? ""),
  );
  const wanted = refs.filter((ref) => there.has(ref));
  await dropOthers(gitDir, wanted);
  if (wanted.length === 0) return [];
  await fetchRefs(gitDir, url, wanted, { config, timeoutMs });
  const tips: BranchTip[] = [];
  for (const ref of wanted)
    tips.push({
      name: ref.slice(prefix.length),
      commit: await gitText(["rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`], { gitDir }),
    });
  return tips;
}

async function fetchRefs(
  gitDir: string,
  url: string,
  refs: readonly string[],
  options: { config: Record<string, string>; timeoutMs: number },
): Promise<void> {
  const args = [
    "fetch",
    "--quiet",
    "--depth=1",
    "--no-tags",
    "--no-write-fetch-head",
    "--update-shallow",
    "--refmap=",
    url,
  ];
  try {
    await runGit([...args, ...refs.map((ref) => `+${ref}:${ref}`)], { gitDir, ...options });
  } catch (error) {
    if (!(error instanceof GitError) || error.failure !== "exit" || !isBroken(error)) throw error;
    // Damaged by a crash: it holds nothing that cannot be fetched again.
    await rm(gitDir, { recursive: true, force: true });
    throw error;
  }
  await runGit(["gc", "--auto", "--quiet", "--prune=now"], {
    gitDir,
    config: { "gc.auto": "2000", "gc.autoPackLimit": "20", "gc.autoDetach": "false" },
    timeoutMs: options.timeoutMs,
  });
}

function isBroken({ stderr }: GitError): boolean {
  return /bad object|missing (blob|tree|commit)|corrupt|unable to read|not a git repository|shallow\.lock|\.lock/i.test(
    stderr,
  );
}

/** A branch that is deleted or not wanted any more goes before the rest comes: `a` may have made room for `a/b`. */
async function dropOthers(gitDir: string, wanted: readonly string[]): Promise<void> {
  const here = (await gitText(["for-each-ref", "--format=%(refname)"], { gitDir })).split("\n").filter(Boolean);
  const gone = here.filter((ref) => !wanted.includes(ref));
  if (gone.length === 0) return;
  await runGit(["update-ref", "--stdin"], { gitDir, stdin: gone.map((ref) => `delete ${ref}\n`).join("") });
}

function configOf({ authorization, caFile }: FetchOptions): Record<string, string> {
  return {
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "http.followRedirects": "false",
    "fetch.unpackLimit": "1",
    "fetch.fsckObjects": "false",
    ...(caFile && { "http.sslCAInfo": caFile }),
    ...(authorization && { "http.extraHeader": `Authorization: ${authorization}` }),
  };
}
