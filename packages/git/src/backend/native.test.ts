import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { runGit } from "../process/git-process.ts";
import { gitBackendConformance } from "../testing/conformance.ts";
import { NativeGitBackend } from "./native.ts";

describe("the native backend", () => {
  gitBackendConformance(async () => {
    const root = await mkdtemp(join(tmpdir(), "krate-backend-"));
    return { backend: new NativeGitBackend({ root }), dispose: () => rm(root, { recursive: true, force: true }) };
  });
});

describe("on disk", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "krate-backend-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test("a bare repository somebody put there is adopted", async () => {
    await mkdir(join(root, "acme"), { recursive: true });
    await runGit(["init", "-q", "--bare", join(root, "acme", "found.git")]);
    expect((await new NativeGitBackend({ root }).ensure({ namespace: "acme", name: "found", uid: "u" })).outcome).toBe(
      "AdoptedExisting",
    );
  });

  test("what a crash left is swept and never seen as a repository", async () => {
    await mkdir(join(root, ".tmp", "half-made"), { recursive: true });
    const backend = new NativeGitBackend({ root });
    expect(await backend.list()).toEqual([]);
    await backend.sweep();
    expect(await readdir(root)).toEqual([]);
  });

  test("a root that cannot be written is reported, not thrown", async () => {
    const health = await new NativeGitBackend({ root: "/dev/null/nowhere" }).health();
    expect(health).toMatchObject({ state: "Unreachable", reason: "StorageDegraded" });
  });
});
