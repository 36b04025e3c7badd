/** kill -9 at every step of a merge, then another operator: the change is on the base once, and the status says so. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { findCondition, GitEvent, PullRequest } from "@krate/kinds";
import { eventually } from "@krate/testing";
import type { MergeStep } from "./merge/merge.ts";
import { withForge } from "./testing/forge.ts";

const steps: MergeStep[] = ["begun", "built", "pushed", "branch-deleted"];

describe("a killed operator", () => {
  const forge = withForge();

  test.each(steps)(
    "after %s: the next one finishes the merge",
    async (step) => {
      const repository = `crash-${step}`;
      const operator = await forge().startOperator();
      const tree = await forge().repository(repository, { merge: { deleteHeadBranch: true } });
      await tree.branch("topic");
      await tree.commit("work", { "a.txt": "a\n" });
      await tree.git("push", "-q", "origin", "topic");
      const name = await forge().openPullRequest({ repository, head: "topic", mergeMethod: "squash" });
      await operator.stop();
      const patch = { spec: { merged: true } };
      await forge().as("ada").patch(PullRequest, { namespace: "acme", name }, patch, { type: "merge" });

      const crashing = new URL("./testing/crashing-operator.ts", import.meta.url).pathname;
      const child = spawn(process.execPath, ["--conditions=development", crashing, step], {
        stdio: "ignore",
        env: { ...process.env, ...forge().operatorEnvironment(), TMPDIR: forge().folder },
      });
      expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
      expect((await forge().pullRequest(name)).status?.phase).toBe("Merging");

      const next = await forge().startOperator();
      const merged = await eventually(async () => {
        const found = await forge().pullRequest(name);
        return found.status?.phase === "Merged" && found;
      });
      await tree.git("fetch", "-q", "--prune", "origin");
      expect(await tree.git("log", "--format=%s", "origin/main")).toBe(`merge topic (#1)\nfirst`);
      expect(await tree.git("rev-parse", "origin/main")).toBe(merged.status?.mergeCommitSha);
      expect(await tree.git("branch", "-r", "--list", "origin/topic")).toBe("");
      expect(findCondition(merged, "Merged")?.reason).toBe("MergedByRequest");
      expect(merged.status?.mergedBy).toBe("ada");
      const events = await forge().admin.list(GitEvent, {
        namespace: "acme",
        labelSelector: `krate.a5c.ai/repository=${repository}`,
      });
      expect(events.items.filter(({ spec }) => spec.pullRequest === name)).toHaveLength(1);
      await next.stop();
    },
    40_000,
  );
});
