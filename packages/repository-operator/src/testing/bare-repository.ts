/** Test only: a bare repository with a work tree beside it, and a gateway that judges nothing. */
import { join } from "node:path";
import { zeroObjectId } from "@krate/git";
import { temporaryFolder } from "@krate/testing";
import { type GatewayPort, type GatewayUpdate, parsePush, worstOf } from "../git/push.ts";
import { git, WorkTree } from "./git.ts";

export interface TestRepository extends AsyncDisposable {
  folder: string;
  gitDir: string;
  tree: WorkTree;
  /** Commit a branch is at. */
  at(branch: string): Promise<string>;
  /** Runs git in the bare repository. */
  git(...args: string[]): Promise<string>;
}

export async function testRepository(): Promise<TestRepository> {
  const folder = await temporaryFolder("merge");
  const gitDir = join(folder.path, "bare.git");
  await git("/", ["init", "-q", "--bare", "-b", "main", gitDir]);
  const tree = await WorkTree.create(join(folder.path, "tree"));
  await tree.git("remote", "add", "origin", gitDir);
  await tree.git("push", "-q", "origin", "main");
  return {
    folder: folder.path,
    gitDir,
    tree,
    git: (...args) => git(gitDir, args),
    at: (branch) => git(gitDir, ["rev-parse", `refs/heads/${branch}`]),
    [Symbol.asyncDispose]: folder.remove,
  };
}

/** Pushes straight into `gitDir` with the real git. */
export function directGateway(gitDir: string): GatewayPort {
  const push = async (updates: readonly GatewayUpdate[], from: string) => {
    const leases = updates.map(({ ref, expectedId }) => `--force-with-lease=${ref}:${expectedId}`);
    const specs = updates.map(({ ref, newId }) => `${newId === zeroObjectId ? "" : newId}:${ref}`);
    const args = ["push", "--porcelain", "--atomic", ...leases, gitDir, ...specs];
    const output = await git(from, args, { GIT_DIR: from }).catch((error: Error) => error);
    if (typeof output === "string")
      return worstOf(updates.map(({ ref }) => parsePush(output, { exitCode: 0, stderr: "", ref })));
    const { stdout = "" } = output.cause as { stdout?: string };
    return worstOf(updates.map(({ ref }) => parsePush(stdout, { exitCode: 1, stderr: output.message, ref })));
  };
  return {
    push: (_repository, update, { from }) => push([update], from.gitDir),
    pushTogether: (_repository, updates, { from }) => push(updates, from.gitDir),
  };
}
