/** kill -9 at every step of a merge queue, then another operator: everything lands once, and only what was tested. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "@jest/globals";
import { GitEvent } from "@krate/kinds";
import { eventually } from "@krate/testing";
import type { QueueStep } from "./merge-queue/state.ts";
import { withForge } from "./testing/forge.ts";
import { queueHands } from "./testing/queue-hands.ts";

const steps: QueueStep[] = [
  "queue-after-remember",
  "queue-before-push-candidate",
  "queue-after-push-candidate",
  "queue-before-claim",
  "queue-after-claim",
  "queue-before-move-base",
  "queue-after-move-base",
  "queue-before-delete-candidate",
];

describe("a killed operator", () => {
  const forge = withForge();
  const { createQueue, queue, enter, open, runChecks, gone } = queueHands(forge);

  test.each(steps)(
    "%s: the next one lands both, once",
    async (step) => {
      const repository = step;
      const operator = await forge().startOperator();
      const tree = await forge().repository(repository);
      await createQueue(repository, { mergeMethod: "squash" });
      const names = await open(tree, repository, { "a.txt": "a\n", "b.txt": "b\n" });
      await operator.stop();
      for (const name of names) await enter(name);

      const crashing = new URL("./testing/crashing-operator.ts", import.meta.url).pathname;
      const child = spawn(process.execPath, ["--conditions=development", crashing, step], {
        stdio: "ignore",
        env: { ...process.env, ...forge().operatorEnvironment(), TMPDIR: forge().folder },
      });
      const exited = once(child, "exit");
      const before = await runChecks(
        tree,
        repository,
        async () => child.exitCode !== null || child.signalCode !== null,
      );
      expect(await exited).toEqual([null, "SIGKILL"]);

      const next = await forge().startOperator();
      const afterwards = await runChecks(tree, repository, gone(names), before);
      await tree.git("fetch", "-q", "origin");
      expect(await tree.git("log", "--format=%s", "origin/main")).toBe("merge b.txt (#2)\nmerge a.txt (#1)\nfirst");
      for (const [index, name] of names.entries()) {
        const { status } = await forge().pullRequest(name);
        const commit = await tree.git("rev-parse", `origin/main~${names.length - 1 - index}`);
        expect(status).toMatchObject({ phase: "Merged", mergeCommitSha: commit, mergedBy: "ada" });
      }
      const { items } = await forge().admin.list(GitEvent, {
        namespace,
        labelSelector: `krate.a5c.ai/repository=${repository}`,
      });
      const moves = items.filter(({ spec }) => spec.ref === "refs/heads/main" && spec.pullRequest !== undefined);
      for (const { spec } of moves) expect(afterwards.get(spec.newSha)).toBe("success");
      await eventually(async () => (await queue(repository)).status?.phase === "Empty");
      expect((await queue(repository)).status).toMatchObject({ landed: 2, ejected: 0 });
      expect(await tree.git("ls-remote", "origin", "refs/queue/*")).toBe("");
      await next.stop();
    },
    90_000,
  );
});

const namespace = "acme";
