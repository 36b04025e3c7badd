import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gitEnvironment } from "./environment.ts";
import { GitError } from "./git-error.ts";
import { gitText, runGit, streamGit } from "./git-process.ts";

let folder: string;
let gitDir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "krate-process-"));
  gitDir = join(folder, "r.git");
  await runGit(["init", "-q", "--bare", gitDir]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the environment", () => {
  test("nothing of the parent's git reaches the child", () => {
    process.env.GIT_SSH_COMMAND = "evil";
    process.env.GIT_DIR = "/elsewhere";
    process.env.GIT_CONFIG_PARAMETERS = "'core.pager=evil'";
    try {
      const env = gitEnvironment({ gitDir });
      expect(env.GIT_DIR).toBe(gitDir);
      expect(env.GIT_SSH_COMMAND).toBeUndefined();
      expect(env.GIT_CONFIG_PARAMETERS).toBeUndefined();
      expect(env.HOME).toBe("/nonexistent");
    } finally {
      for (const name of ["GIT_SSH_COMMAND", "GIT_DIR", "GIT_CONFIG_PARAMETERS"]) delete process.env[name];
    }
  });

  test.each([
    ["core.hooksPath", "/dev/null"],
    ["protocol.file.allow", "never"],
    ["core.fsmonitor", "false"],
  ])("%s is %s whatever the repository's config says", async (key, value) => {
    await writeFile(
      join(gitDir, "config.extra"),
      `[core]\n hooksPath = /tmp/evil\n fsmonitor = evil\n[protocol "file"]\n allow = always\n`,
    );
    await runGit(["config", "--file", join(gitDir, "config"), "include.path", "config.extra"]);
    expect(await gitText(["config", "--get", key], { gitDir })).toBe(value);
  });

  test("a hook in the repository is not run", async () => {
    await mkdir(join(gitDir, "hooks"), { recursive: true });
    const hook = join(gitDir, "hooks", "reference-transaction");
    await writeFile(hook, `#!/bin/sh\ntouch ${folder}/hook-ran\n`);
    await chmod(hook, 0o755);
    const tree = await gitText(["hash-object", "-w", "-t", "tree", "--stdin"], { gitDir, stdin: "" });
    await runGit(["update-ref", "refs/misc/x", tree], { gitDir });
    await expect(readFile(join(folder, "hook-ran"))).rejects.toThrow(/ENOENT/);
  });

  test("no transport may be used, not even a local one (CVE-2022-39253)", async () => {
    await expect(runGit(["fetch", gitDir, "HEAD"], { gitDir })).rejects.toThrow(/transport 'file' not allowed/);
    await expect(runGit(["fetch", "ext::sh -c true"], { gitDir })).rejects.toThrow(/transport 'ext' not allowed/);
  });
});

describe("limits", () => {
  test("a process that prints too much is ended", async () => {
    const blob = await gitText(["hash-object", "-w", "--stdin"], { gitDir, stdin: Buffer.alloc(2_000_000) });
    await expect(runGit(["cat-file", "blob", blob], { gitDir, maxOutputBytes: 1000 })).rejects.toMatchObject({
      failure: "output-limit",
    });
  });

  test("a process that waits for ever is ended", async () => {
    async function* silence(): AsyncGenerator<Buffer> {
      await new Promise(() => undefined);
    }
    await expect(runGit(["hash-object", "--stdin"], { gitDir, stdin: silence(), timeoutMs: 50 })).rejects.toMatchObject(
      { failure: "timeout" },
    );
  });

  test("an abort ends it, and what the source says is kept as the cause", async () => {
    const controller = new AbortController();
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from("x");
      throw new Error("the connection broke");
    }
    await expect(runGit(["hash-object", "--stdin"], { gitDir, stdin: broken() })).rejects.toMatchObject({
      failure: "aborted",
      cause: new Error("the connection broke"),
    });
    controller.abort();
    await expect(runGit(["version"], { signal: controller.signal })).rejects.toMatchObject({ failure: "aborted" });
  });

  test("an allocation above the limit is refused by git itself", async () => {
    const failed = runGit(["hash-object", "--stdin"], {
      gitDir,
      stdin: Buffer.alloc(3_000_000),
      maxAllocationBytes: 1_000_000,
    });
    await expect(failed).rejects.toThrow(/over limit/);
  });
});

test("a failure says what git said and never what it was given", async () => {
  const error = await runGit(["rev-parse", "--verify", "s3cret-name"], { gitDir }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(GitError);
  expect((error as GitError).message).toBe("git rev-parse failed: Needed a single revision");
});

test("a stream that nobody reads to its end ends its process", async () => {
  const blob = await gitText(["hash-object", "-w", "--stdin"], { gitDir, stdin: Buffer.alloc(5_000_000) });
  const stream = streamGit(["cat-file", "blob", blob], { gitDir });
  await new Promise((resolve) => stream.stdout.once("readable", resolve));
  stream.stdout.destroy();
  await expect(stream.finished).rejects.toMatchObject({ failure: "aborted" });
});
