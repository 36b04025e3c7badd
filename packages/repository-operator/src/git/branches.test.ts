import { expect, test } from "@jest/globals";
import { NativeGitBackend } from "@krate/git";
import { temporaryFolder } from "@krate/testing";
import { WorkTree } from "../testing/git.ts";
import { Branches } from "./branches.ts";

test("a branch is where it is now, however often it moves, is packed, deleted and comes again", async () => {
  await using folder = await temporaryFolder("branches");
  const backend = new NativeGitBackend({ root: folder.path });
  const repository = { namespace: "acme", name: "shop" };
  const branches = new Branches(backend);
  const main = { repository, ref: "refs/heads/main" };
  await expect(branches.resolve(main)).rejects.toThrow("does not exist in the Git backend");
  await backend.ensure(repository);
  const gitDir = backend.gitDir(repository);
  expect(await branches.resolve(main)).toEqual({ gitDir });
  const tree = await WorkTree.create(`${folder.path}/tree`);
  await tree.git("remote", "add", "origin", gitDir);
  for (const name of ["a", "b"]) {
    const sha = await tree.commit(name, { [name]: name });
    await tree.git("push", "-q", "origin", "main");
    expect(await branches.resolve(main)).toEqual({ gitDir, sha });
    await tree.git(`--git-dir=${gitDir}`, "repack", "-qad");
    await tree.git(`--git-dir=${gitDir}`, "pack-refs", "--all");
    expect(await branches.resolve(main)).toEqual({ gitDir, sha });
    await tree.git(`--git-dir=${gitDir}`, "update-ref", "-d", "refs/heads/main");
    expect(await branches.resolve(main)).toEqual({ gitDir });
  }
  branches.close();
});
