/** A long history through the gateway: what is pushed is what is cloned back, to the last object. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { generateHistory } from "@krate/git/testing";
import { cloneUrl, freshNamespace, gitOk, kubectlOk } from "./shared-forge.ts";

const seed = Number(process.env["KRATE_SEED"] ?? 5000);
const commits = 5000;
const timeoutMilliseconds = 240_000;

describe(`a history of ${commits} commits (KRATE_SEED=${seed})`, () => {
  let folder: string;
  let namespace: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "krate-history-"));
    namespace = freshNamespace("history");
    const repository = {
      apiVersion: "krate.a5c.ai/v1alpha1",
      kind: "Repository",
      metadata: { name: "long" },
      spec: { organizationRef: "demo" },
    };
    kubectlOk(["create", "-f", "-"], { namespace, input: JSON.stringify(repository) });
    kubectlOk(["wait", "repositories.krate.a5c.ai/long", "--for=condition=Ready", "--timeout=60s"], { namespace });
  }, timeoutMilliseconds);
  afterAll(() => {
    kubectlOk(["delete", "repositories.krate.a5c.ai/long", "--ignore-not-found"], { namespace });
    kubectlOk(["delete", "namespace", namespace, "--wait=false"]);
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "comes back from the gateway as it was pushed",
    async () => {
      const source = join(folder, "source.git");
      const copy = join(folder, "copy.git");
      gitOk(["init", "-q", "--bare", "-b", "main", source]);
      const summary = await generateHistory(source, { seed, commits });
      expect(summary.commits).toBe(commits);
      gitOk(["-C", source, "push", "-q", "--mirror", cloneUrl(namespace, "long")], { as: "alice" });
      gitOk(["clone", "-q", "--mirror", cloneUrl(namespace, "long"), copy], { as: "alice" });

      const count = (gitDir: string) => Number(gitOk(["-C", gitDir, "rev-list", "--all", "--count"]));
      const refs = (gitDir: string) => gitOk(["-C", gitDir, "for-each-ref"]);
      expect(count(copy)).toBe(count(source));
      expect(count(copy)).toBe(commits);
      expect(refs(copy)).toBe(refs(source));
      expect(gitOk(["-C", copy, "symbolic-ref", "HEAD"])).toBe("refs/heads/main\n");
      expect(gitOk(["-C", copy, "fsck", "--strict", "--no-dangling", "--no-progress"])).toBe("");
    },
    timeoutMilliseconds,
  );
});
