/** What merging does besides merging: issues are closed, the head branch goes. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import { BranchProtection, Event, findCondition, Issue, PullRequest, Repository } from "@krate/kinds";
import { eventually } from "@krate/testing";
import { withForge } from "./testing/forge.ts";

describe("merging", () => {
  const forge = withForge();
  beforeAll(async () => {
    await forge().startOperator();
  }, 120_000);

  const key = (name: string) => ({ namespace: "acme", name });
  const issue = async (repository: string, title: string) => {
    const { metadata, status } = await forge()
      .as("bob")
      .create(Issue, {
        metadata: { namespace: "acme", generateName: `${repository}-` },
        spec: { organizationRef: "acme", repository, title },
      });
    return { name: metadata.name ?? "", number: status?.number ?? 0 };
  };
  const getIssue = (name: string) => forge().admin.get(Issue, key(name));
  const merge = (name: string) =>
    forge()
      .as("ada")
      .patch(PullRequest, key(name), { spec: { merged: true } }, { type: "merge" });
  const merged = (name: string) =>
    eventually(async () => {
      const found = await forge().pullRequest(name);
      return found.status?.phase === "Merged" && found;
    });

  test("closes the issues that body and commits name, once, and each names the pull request before", async () => {
    const tree = await forge().repository("closing");
    const byBody = await issue("closing", "by the body");
    const byCommit = await issue("closing", "by a commit");
    const other = await issue("closing", "not named");
    await tree.branch("topic");
    await tree.commit(`work\n\nCloses #${byCommit.number}`, { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({
      repository: "closing",
      head: "topic",
      body: `Fixes #${byBody.number}, see #${other.number}, fixes #999`,
    });
    for (const { name: linked } of [byBody, byCommit])
      await eventually(async () => (await getIssue(linked)).status?.linkedPullRequests?.join() === name);
    expect((await forge().pullRequest(name)).status?.closes).toEqual([byBody.name, byCommit.name].sort());
    await eventually(async () => (await forge().pullRequest(name)).status?.mergeState === "Clean");
    await merge(name);
    await merged(name);
    for (const { name: closed } of [byBody, byCommit])
      await eventually(async () => {
        const { spec, status } = await getIssue(closed);
        return spec.state === "closed" && spec.closeReason === "completed" && status?.phase === "Closed";
      });
    expect((await getIssue(other.name)).spec.state).not.toBe("closed");
    await eventually(async () => findCondition(await forge().pullRequest(name), "IssuesClosed")?.reason === "Closed");
    expect((await getIssue(byBody.name)).status?.linkedPullRequests).toEqual([name]);

    const open = { spec: { state: "open", closeReason: null } };
    await forge().as("bob").patch(Issue, key(byBody.name), open, { type: "merge" });
    await forge().stopOperators();
    await forge().startOperator();
    await forge()
      .as("ada")
      .patch(PullRequest, key(name), { metadata: { labels: { touched: "yes" } } }, { type: "merge" });
    await eventually(async () => (await forge().pullRequest(name)).metadata.labels?.["touched"] === "yes");
    expect((await getIssue(byBody.name)).spec.state).toBe("open");
  }, 120_000);

  test("closes nothing from another branch than the default one, and elsewhere only what who merges may", async () => {
    const tree = await forge().repository("apart");
    const own = await issue("apart", "own");
    await forge().repository("elsewhere");
    const far = await issue("elsewhere", "far");
    await tree.git("push", "-q", "origin", "main:release");
    await tree.branch("topic");
    await tree.commit("work", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const body = `fixes #${own.number} and closes elsewhere#${far.number}, fixes other-namespace/secret#1`;
    const toRelease = await forge().openPullRequest({ repository: "apart", head: "topic", base: "release", body });
    await eventually(async () => (await forge().pullRequest(toRelease)).status?.mergeState === "Clean");
    await merge(toRelease);
    await merged(toRelease);
    expect((await getIssue(own.name)).spec.state).not.toBe("closed");
    expect((await forge().pullRequest(toRelease)).status?.closes).toBeUndefined();

    const toMain = await forge().openPullRequest({ repository: "apart", head: "topic", body });
    await eventually(async () => (await forge().pullRequest(toMain)).status?.mergeState === "Clean");
    await merge(toMain);
    await merged(toMain);
    // A developer may close any issue of the namespace.
    for (const { name } of [own, far]) await eventually(async () => (await getIssue(name)).spec.state === "closed");
  }, 120_000);

  describe("a repository that deletes head branches", () => {
    const opened = async (repository: string, branch = "topic") => {
      const tree = await forge().repository(repository, { merge: { deleteHeadBranch: true } });
      await tree.branch(branch);
      await tree.commit("work", { "a.txt": "a\n" });
      await tree.git("push", "-q", "origin", branch);
      return tree;
    };

    test("leaves one that is pushed again after its merge", async () => {
      const tree = await opened("raced");
      const name = await forge().openPullRequest({ repository: "raced", head: "topic" });
      await eventually(async () => (await forge().pullRequest(name)).status?.mergeState === "Clean");
      await merge(name);
      await merged(name);
      await eventually(async () => (await tree.git("ls-remote", "--heads", "origin", "topic")) === "");
      // The branch is made anew by a push that raced; its pull request is over, and nothing deletes it.
      const late = await tree.commit("late", { "b.txt": "b\n" });
      await tree.git("push", "-q", "origin", "topic");
      expect(await tree.git("ls-remote", "--heads", "origin", "topic")).toContain(late);
      // What was merged can be had back.
      const { number } = (await forge().pullRequest(name)).status ?? {};
      await tree.git("fetch", "-q", "origin", `refs/pull/${number}/head`);
    }, 120_000);

    test("keeps a protected one, and says so", async () => {
      const tree = await opened("guarded", "release");
      await forge().admin.create(BranchProtection, {
        metadata: key("guarded-release"),
        spec: { organizationRef: "acme", refs: ["refs/heads/release"], repository: "guarded" },
      });
      await eventually(async () => {
        const { status } = await forge().admin.get(BranchProtection, key("guarded-release"));
        const synced = findCondition(await forge().admin.get(Repository, key("guarded")), "ProtectionSynced");
        return status?.phase === "Active" && synced?.status === "True" && synced.message.startsWith("bundle ");
      });
      const name = await forge().openPullRequest({ repository: "guarded", head: "release" });
      await eventually(async () => (await forge().pullRequest(name)).status?.mergeState === "Clean");
      await merge(name);
      await merged(name);
      expect(await tree.git("ls-remote", "--heads", "origin", "release")).not.toBe("");
      await eventually(async () => {
        const { items } = await forge().admin.list(Event, { namespace: "acme" });
        return items.some(
          ({ involvedObject, reason, message }) =>
            involvedObject.name === name &&
            reason === "HeadBranchKept" &&
            message === "release is protected by BranchProtection/guarded-release",
        );
      });
    }, 120_000);
  });
});
