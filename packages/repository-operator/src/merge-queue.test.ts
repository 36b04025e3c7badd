/** Merge queues in the operator: our API server, the gateway, real git; a test reports the checks. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import {
  BranchProtection,
  Event,
  findCondition,
  GitEvent,
  MergeQueue,
  PullRequest,
  RefPolicy,
  Review,
} from "@krate/kinds";
import { eventually } from "@krate/testing";
import { withForge } from "./testing/forge.ts";
import { queueHands } from "./testing/queue-hands.ts";

const namespace = "acme";

describe("a merge queue", () => {
  const forge = withForge();
  beforeAll(async () => {
    await forge().startOperator();
  }, 60_000);

  const { createQueue, queue, patch, enter, open, runChecks, gone } = queueHands(forge);
  const protect = async (repository: string, spec: object) => {
    const key = { namespace, name: repository };
    await forge().admin.create(BranchProtection, {
      metadata: key,
      spec: { organizationRef: namespace, refs: ["refs/heads/main"], repository, ...spec },
    });
    await eventually(async () => (await forge().admin.get(BranchProtection, key)).status?.phase === "Active");
  };
  const queuedCondition = async (name: string) => findCondition(await forge().pullRequest(name), "Queued");

  test("lands one whose candidate passed, as exactly the commit that was tested", async () => {
    const tree = await forge().repository("one");
    await createQueue("one");
    const [name = ""] = await open(tree, "one", { "a.txt": "good\n" });
    await enter(name);
    const checked = await runChecks(tree, "one", gone([name]));
    const merged = await forge().pullRequest(name);
    expect(merged.status).toMatchObject({ phase: "Merged", mergedBy: "ada" });
    expect(findCondition(merged, "Merged")).toMatchObject({ status: "True", reason: "MergedByRequest" });
    await tree.git("fetch", "-q", "origin");
    const tip = await tree.git("rev-parse", "origin/main");
    expect([...checked]).toEqual([[tip, "success"]]);
    expect(merged.status?.mergeCommitSha).toBe(tip);
    await eventually(async () => (await queue("one")).status?.phase === "Empty");
    expect((await queue("one")).status).toMatchObject({ depth: 0, landed: 1, lastLandedCommit: tip });
    expect(await tree.git("ls-remote", "origin", "refs/queue/*")).toBe("");
    const { items } = await forge().admin.list(Event, { namespace });
    const told = items.filter(({ involvedObject }) => involvedObject?.name === "one").map(({ reason }) => reason);
    expect(told).toEqual(expect.arrayContaining(["CandidateBuilt", "ChecksPassed", "Landed"]));
  }, 60_000);

  test.each(["merge", "squash", "rebase"] as const)(
    "%s: of five, one bad: four land in order, the bad one is sent back with its check and what to do",
    async (mergeMethod) => {
      const repository = `five-${mergeMethod}`;
      const tree = await forge().repository(repository);
      await createQueue(repository, { mergeMethod, batch: { maxSize: 4, minSize: 4, waitSeconds: 3 } });
      const files = { "a.txt": "a\n", "b.txt": "b\n", "c.txt": "bad\n", "d.txt": "d\n", "e.txt": "e\n" };
      const names = await open(tree, repository, files);
      for (const name of names) await enter(name);
      const checked = await runChecks(tree, repository, gone(names));
      await tree.git("fetch", "-q", "origin");
      const landed = await Promise.all(names.map(async (name) => (await forge().pullRequest(name)).status));
      expect(landed.map((status) => status?.phase)).toEqual(["Merged", "Merged", "Open", "Merged", "Merged"]);
      expect(await tree.git("ls-tree", "--name-only", "origin/main")).toBe("README.md\na.txt\nb.txt\nd.txt\ne.txt");
      const line = (await tree.git("rev-list", "--first-parent", "--reverse", "origin/main")).split("\n");
      const commits = landed.flatMap((status) => (status?.phase === "Merged" ? [status.mergeCommitSha ?? ""] : []));
      expect(line.filter((commit) => commits.includes(commit))).toEqual(commits);
      // Where the branch ever was is what passed.
      const { items } = await forge().admin.list(GitEvent, {
        namespace,
        labelSelector: `krate.a5c.ai/repository=${repository}`,
      });
      const moves = items.filter(({ spec }) => spec.ref === "refs/heads/main" && spec.pullRequest !== undefined);
      expect(moves.length).toBeGreaterThan(0);
      for (const { spec } of moves) expect(checked.get(spec.newSha)).toBe("success");
      const why = await queuedCondition(names[2] ?? "");
      expect(why).toMatchObject({ status: "False", reason: "ChecksFailed" });
      expect(why?.message).toMatch(
        /check "ci" ended as failure \(log: https:\/\/ci\.example\/1\).*queued to true again/,
      );
      await eventually(async () => (await queue(repository)).status?.phase === "Empty");
      expect((await queue(repository)).status).toMatchObject({ landed: 4, ejected: 1, depth: 0 });
    },
    120_000,
  );

  test("a batch follows what people do: push, close, direct push; one that conflicts is sent back", async () => {
    const tree = await forge().repository("people");
    await createQueue("people", { batch: { maxSize: 4, minSize: 4, waitSeconds: 2 } });
    const files = { "a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n", "d.txt": "d\n" };
    const names = await open(tree, "people", files);
    const [pushed = "", closed = "", conflicting = "", good = ""] = names;
    for (const name of names) await enter(name);
    const first = await eventually(async () => (await queue("people")).status?.batch);
    expect(first.members.map(({ pullRequest }) => pullRequest)).toEqual(names);

    await patch(closed, { closed: true });
    expect((await forge().pullRequest(closed)).spec.queued).toBe(false);
    await tree.checkout("a.txt");
    await tree.commit("more", { "a2.txt": "a\n" });
    await tree.git("push", "-q", "origin", "a.txt");
    await tree.checkout("main");
    await tree.commit("direct", { "c.txt": "taken\n" });
    await tree.git("push", "-q", "origin", "main");
    const direct = await tree.git("rev-parse", "main");

    await runChecks(tree, "people", gone(names));
    expect(await queuedCondition(pushed)).toMatchObject({ status: "False", reason: "HeadMoved" });
    expect((await queuedCondition(conflicting))?.message).toMatch(/conflict in c\.txt: merge or rebase the base/);
    expect((await forge().pullRequest(good)).status?.phase).toBe("Merged");
    await tree.git("fetch", "-q", "origin");
    expect(await tree.git("ls-tree", "--name-only", "origin/main")).toBe("README.md\nc.txt\nd.txt");
    await tree.git("merge-base", "--is-ancestor", direct, "origin/main");
  }, 90_000);

  test("nobody gets past the queue but administrators, nobody but the server moves its refs", async () => {
    const tree = await forge().repository("past");
    await createQueue("past");
    const [waiting = "", other = ""] = await open(tree, "past", { "a.txt": "a\n", "b.txt": "b\n" });
    await expect(patch(waiting, { merged: true })).rejects.toThrow(
      "MergeQueue/past merges into main: set queued to true instead of merged",
    );
    await enter(waiting);
    await expect(patch(waiting, { merged: true })).rejects.toThrow("it is in the merge queue, which merges it");
    await expect(tree.git("push", "-q", "origin", "main:refs/queue/main/x")).rejects.toThrow(
      "refs below refs/queue/ belong to the merge queue",
    );
    await forge().admin.patch(PullRequest, { namespace, name: other }, { spec: { merged: true } }, { type: "merge" });
    await runChecks(tree, "past", gone([waiting]));
    expect((await forge().pullRequest(waiting)).status?.phase).toBe("Merged");
    expect((await forge().pullRequest(other)).status?.phase).toBe("Merged");
  }, 60_000);

  test("entering asks for approvals as merging does; one that is taken back sends it back", async () => {
    const tree = await forge().repository("gate");
    await createQueue("gate");
    await protect("gate", { requiredApprovals: 1 });
    const [name = ""] = await open(tree, "gate", { "a.txt": "a\n" });
    const review = (decision: "approve" | "request-changes") =>
      forge()
        .as("bob")
        .create(Review, {
          metadata: { namespace, generateName: `${name}-` },
          spec: { organizationRef: namespace, pullRequest: name, decision },
        });
    await expect(patch(name, { queued: true })).rejects.toThrow("0 of 1 required approvals");
    await review("approve");
    await enter(name);
    await eventually(async () => (await queue("gate")).status?.batch);
    await eventually(async () => findCondition(await forge().pullRequest(name), "ReviewsSatisfied")?.status === "True");
    // What is taken back within the second in which it was queued shows only when it is to land: times count seconds.
    const queuedAt = Date.parse((await forge().pullRequest(name)).status?.queue?.at ?? "");
    await eventually(() => Date.now() >= queuedAt + 1000);
    await review("request-changes");
    await eventually(async () => (await forge().pullRequest(name)).spec.queued === false);
    expect(await queuedCondition(name)).toMatchObject({ status: "False", reason: "ReviewsMissing" });
    await review("approve");
    await enter(name);
    await runChecks(tree, "gate", gone([name]));
    expect((await forge().pullRequest(name)).status?.phase).toBe("Merged");
  }, 60_000);

  test("what a policy refuses when it lands is sent back with the policy's words, and nothing has moved", async () => {
    const tree = await forge().repository("refused");
    await createQueue("refused", { mergeMethod: "merge" });
    await forge().admin.create(RefPolicy, {
      metadata: { namespace, name: "linear" },
      spec: {
        organizationRef: namespace,
        scope: { repositories: ["refused"] },
        rules: [{ name: "linear", type: "require-linear-history", refs: ["refs/heads/main"] }],
      },
    });
    await eventually(
      async () => (await forge().admin.get(RefPolicy, { namespace, name: "linear" })).status?.phase === "Active",
    );
    const before = await tree.git("rev-parse", "origin/main");
    const [name = ""] = await open(tree, "refused", { "a.txt": "a\n" });
    await enter(name);
    await runChecks(tree, "refused", gone([name]));
    const found = await forge().pullRequest(name);
    expect(found.status?.phase).toBe("Open");
    expect(found.spec).toMatchObject({ merged: false, queued: false });
    expect(findCondition(found, "Queued")).toMatchObject({ status: "False", reason: "PushRefused" });
    expect(findCondition(found, "Queued")?.message).toMatch(/linear/);
    await tree.git("fetch", "-q", "origin");
    expect(await tree.git("rev-parse", "origin/main")).toBe(before);
  }, 60_000);

  test("a queue that is deleted lets everybody go and leaves no ref", async () => {
    const tree = await forge().repository("deleted");
    await createQueue("deleted");
    const [name = ""] = await open(tree, "deleted", { "a.txt": "a\n" });
    await enter(name);
    await eventually(async () => (await tree.git("ls-remote", "origin", "refs/queue/*")) !== "");
    await forge().admin.delete(MergeQueue, { namespace, name: "deleted" });
    await eventually(async () => (await forge().pullRequest(name)).spec.queued === false);
    expect(await queuedCondition(name)).toMatchObject({ status: "False", reason: "NoQueue" });
    await eventually(async () => (await tree.git("ls-remote", "origin", "refs/queue/*")) === "");
  }, 60_000);
});
