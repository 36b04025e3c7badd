/** The operator as a whole: our API server, the gateway, real git, each program with its own ServiceAccount. */
import { rename, stat } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { NativeGitBackend } from "@krate/git";
import {
  BranchProtection,
  CheckRun,
  Event,
  findCondition,
  IssueComment,
  PullRequest,
  Repository,
  Review,
  ReviewComment,
} from "@krate/kinds";
import { eventually } from "@krate/testing";
import { withForge } from "./testing/forge.ts";
import { git } from "./testing/git.ts";

describe("repository-operator", () => {
  const forge = withForge();
  beforeAll(async () => {
    await forge().startOperator();
  }, 60_000);

  const settled = (name: string, phase: string) =>
    eventually(async () => {
      const found = await forge().pullRequest(name);
      return found.status?.phase === phase && found;
    });

  const requestMerge = (name: string, spec: object = {}) =>
    forge()
      .as("ada")
      .patch(PullRequest, { namespace: "acme", name }, { spec: { merged: true, ...spec } }, { type: "merge" });
  const condition = async (name: string, type: string) => {
    const found = findCondition(await forge().pullRequest(name), type);
    return found && `${found.status}/${found.reason}`;
  };
  const mergeState = (name: string, state: string) =>
    eventually(async () => (await forge().pullRequest(name)).status?.mergeState === state, {
      description: `${name} ${state}`,
    });
  const review = (pullRequest: string, user: string, decision: "approve" | "request-changes") =>
    forge()
      .as(user)
      .create(Review, {
        metadata: { namespace: "acme", generateName: `${pullRequest}-` },
        spec: { organizationRef: "acme", pullRequest, decision },
      });
  const protect = async (repository: string, spec: object) => {
    const key = { namespace: "acme", name: repository };
    await forge().admin.create(BranchProtection, {
      metadata: key,
      spec: { organizationRef: "acme", refs: ["refs/heads/main"], repository, ...spec },
    });
    await eventually(async () => {
      const { status } = await forge().admin.get(BranchProtection, key);
      const synced = findCondition(await forge().admin.get(Repository, key), "ProtectionSynced");
      return status?.phase === "Active" && synced?.status === "True" && synced.message.startsWith("bundle ");
    });
  };

  test("a repository can be pushed to right after it is Ready, and its head follows", async () => {
    const tree = await forge().repository("shop");
    const head = await tree.git("rev-parse", "HEAD");
    const found = await eventually(async () => {
      const object = await forge().admin.get(Repository, { namespace: "acme", name: "shop" });
      return object.status?.headSha === head && object;
    });
    expect(found.status).toMatchObject({
      phase: "Ready",
      backend: { kind: "native", name: "native", id: "acme/shop", health: "Healthy" },
      cloneUrls: { http: `${forge().gitUrl}/acme/shop.git` },
      branchCount: 1,
    });
    expect(found.status?.lastPushedAt).toBeDefined();
    expect(found.metadata.finalizers).toEqual(["krate.a5c.ai/repository-backend"]);
    expect(found.status?.conditions?.map(({ type, status, reason }) => `${type}=${status}/${reason}`)).toEqual([
      "AccessSynced=True/NotRequired",
      "BackendReady=True/BackendHealthy",
      "ProtectionSynced=True/Synced",
      "Provisioned=True/Created",
      "Ready=True/Ready",
      "WebhooksSynced=True/NotRequired",
    ]);
  });

  test("a pull request is merged by changing its spec", async () => {
    const tree = await forge().repository("merged");
    await tree.branch("topic");
    const head = await tree.commit("topic work", { "topic.txt": "one\ntwo\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "merged", head: "topic", title: "Topic" });
    const open = await eventually(async () => {
      const found = await forge().pullRequest(name);
      return found.status?.mergeState === "Clean" && found;
    });
    expect(open.status).toMatchObject({
      phase: "Open",
      headSha: head,
      changedFiles: ["topic.txt"],
      changedFilesTotal: 1,
      additions: 2,
      deletions: 0,
    });
    await forge()
      .as("ada")
      .patch(PullRequest, { namespace: "acme", name }, { spec: { merged: true } }, { type: "merge" });
    const merged = await settled(name, "Merged");
    await tree.git("fetch", "-q", "origin");
    expect(await tree.git("rev-parse", "origin/main")).toBe(merged.status?.mergeCommitSha);
    expect(findCondition(merged, "Merged")).toMatchObject({ status: "True", reason: "MergedByRequest" });
    expect(merged.status?.mergedBy).toBe("ada");
    expect(await tree.git("log", "-1", "--format=%an <%ae>|%cn <%ce>|%s", "origin/main")).toBe(
      "ada <ada@users.noreply.krate.a5c.ai>|Krate <noreply@krate.a5c.ai>|Merge pull request #1: Topic",
    );
  });

  test("a conflict is told, and a merge that fails is taken back with the reason", async () => {
    const tree = await forge().repository("conflicting");
    await tree.branch("topic");
    await tree.commit("mine", { "README.md": "mine\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "conflicting", head: "topic", mergeMethod: "rebase" });
    await mergeState(name, "Clean");
    // The gate judges the status, the merge judges git: what was pushed in between makes a merge fail.
    await forge().stopOperators();
    await tree.checkout("main");
    const base = await tree.commit("theirs", { "README.md": "theirs\n" });
    await tree.git("push", "-q", "origin", "main");
    await requestMerge(name);
    await forge().startOperator();
    await mergeState(name, "Conflicting");
    const failed = await forge().pullRequest(name);
    expect(failed).toMatchObject({ spec: { merged: false }, status: { phase: "Open", baseSha: base } });
    expect(findCondition(failed, "Merged")).toMatchObject({
      status: "False",
      reason: "MergeFailed",
      message: "head and base conflict in README.md",
    });
    expect(await condition(name, "Mergeable")).toBe("False/Conflicts");
    await expect(requestMerge(name)).rejects.toThrow("head and base conflict");
  });

  test("a method the repository does not allow resets spec.merged with a Warning event, and can be corrected", async () => {
    const tree = await forge().repository("strict", { merge: { methods: ["squash"], default: "squash" } });
    await tree.branch("topic");
    await tree.commit("work", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "strict", head: "topic" });
    await requestMerge(name, { mergeMethod: "merge" });
    const failed = await eventually(async () => {
      const found = await forge().pullRequest(name);
      return found.spec.merged === false && found;
    });
    expect(failed.status?.phase).toBe("Open");
    expect(failed.status?.mergedBy).toBeUndefined();
    expect(findCondition(failed, "Merged")).toMatchObject({ status: "False", reason: "MergeFailed" });
    await eventually(async () => {
      const events = await forge().admin.list(Event, { namespace: "acme" });
      return events.items.some(
        ({ involvedObject, type, reason, message }) =>
          involvedObject.name === name &&
          type === "Warning" &&
          reason === "MergeFailed" &&
          message?.includes("merge method merge is not allowed"),
      );
    });
    await requestMerge(name, { mergeMethod: "squash" });
    await settled(name, "Merged");
  });

  test("a head that moves between request and merge is not merged", async () => {
    const tree = await forge().repository("moving");
    await tree.branch("topic");
    const approved = await tree.commit("good", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "moving", head: "topic" });
    await mergeState(name, "Clean");
    await forge().stopOperators();
    const sneaked = await tree.commit("sneaked in", { "evil.txt": "x\n" });
    await tree.git("push", "-q", "origin", "topic");
    await requestMerge(name);
    await forge().startOperator();
    const found = await eventually(async () => {
      const object = await forge().pullRequest(name);
      return object.spec.merged === false && object.status?.headSha === sneaked && object;
    });
    expect(findCondition(found, "Merged")).toMatchObject({
      reason: "HeadMoved",
      message: `the merge was requested for ${approved}, the head is now ${sneaked}`,
    });
    await requestMerge(name);
    await settled(name, "Merged");
  }, 30_000);

  test("reviews and checks of the head decide, and a force-push takes them back", async () => {
    const tree = await forge().repository("reviewed");
    await tree.branch("topic");
    const first = await tree.commit("work", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    await protect("reviewed", { requiredApprovals: 1, requiredChecks: ["ci"] });
    const name = await forge().openPullRequest({ repository: "reviewed", head: "topic" });
    await mergeState(name, "Blocked");
    expect(await condition(name, "ReviewsSatisfied")).toBe("False/ApprovalsMissing");
    expect(await condition(name, "ChecksPassed")).toBe("False/Pending");

    const approval = await review(name, "bob", "approve");
    await forge().admin.create(CheckRun, {
      metadata: { namespace: "acme", name: "reviewed-ci-1" },
      spec: { organizationRef: "acme", repository: "reviewed", sha: first, name: "ci" },
    });
    const check = { namespace: "acme", name: "reviewed-ci-1" };
    const complete = { status: { phase: "Completed", conclusion: "success" } };
    await forge().admin.patch(CheckRun, check, complete, { type: "merge", subresource: "status" });
    await mergeState(name, "Clean");
    const clean = await forge().pullRequest(name);
    expect(clean.status?.approvals).toMatchObject([{ user: "bob", sha: first }]);
    expect(clean.status?.checks).toEqual({ required: ["ci"], passed: 1, failed: 0, pending: 0 });

    await tree.git("commit", "-q", "--amend", "-m", "rewritten");
    await tree.git("push", "-q", "-f", "origin", "topic");
    await mergeState(name, "Blocked");
    const blocked = await forge().pullRequest(name);
    expect(blocked.status).toMatchObject({ approvals: [], checks: { passed: 0, pending: 1 } });
    await eventually(
      async () =>
        (await forge().admin.get(Review, { namespace: "acme", name: approval.metadata.name ?? "" })).status?.phase ===
        "Stale",
    );
    await expect(requestMerge(name)).rejects.toThrow("0 of 1 required approvals");
    await review(name, "bob", "request-changes");
    await eventually(async () => (await condition(name, "ReviewsSatisfied")) === "False/ChangesRequested");
    await review(name, "bob", "approve");
    await mergeState(name, "Blocked");
    const again = { ...check, name: "reviewed-ci-2" };
    await forge().admin.create(CheckRun, {
      metadata: again,
      spec: { organizationRef: "acme", repository: "reviewed", sha: blocked.status?.headSha ?? "", name: "ci" },
    });
    await forge().admin.patch(CheckRun, again, complete, { type: "merge", subresource: "status" });
    await mergeState(name, "Clean");
    await expect(tree.git("push", "-q", "origin", "topic:main")).rejects.toThrow("BranchProtection/reviewed");
    await requestMerge(name);
    await settled(name, "Merged");
  }, 30_000);

  test("code owners of what changed have to approve", async () => {
    const tree = await forge().repository("owned");
    await tree.commit("owners", { ".krate/CODEOWNERS": "* @carol\n*.md @bob\n" });
    await tree.git("push", "-q", "origin", "main");
    await tree.branch("topic");
    await tree.commit("docs", { "README.md": "other\n" });
    await tree.git("push", "-q", "origin", "topic");
    await protect("owned", { requireCodeOwners: true });
    const name = await forge().openPullRequest({ repository: "owned", head: "topic" });
    await mergeState(name, "Blocked");
    expect(findCondition(await forge().pullRequest(name), "ReviewsSatisfied")?.message).toBe(
      "README.md needs an approval of @bob",
    );
    await review(name, "bob", "approve");
    await mergeState(name, "Clean");
  }, 30_000);

  test("comments are counted, threads that are open apart", async () => {
    const tree = await forge().repository("talked");
    await tree.branch("topic");
    const sha = await tree.commit("work", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "talked", head: "topic" });
    const metadata = { namespace: "acme", generateName: `${name}-` };
    const bob = forge().as("bob");
    await bob.create(IssueComment, {
      metadata,
      spec: { organizationRef: "acme", target: { kind: "PullRequest", name }, body: "Hm." },
    });
    const onLine = { organizationRef: "acme", pullRequest: name, commitSha: sha, path: "a.txt", line: 1, body: "Why?" };
    const thread = await bob.create(ReviewComment, { metadata, spec: onLine });
    const replyTo = thread.metadata.name ?? "";
    await bob.create(ReviewComment, { metadata, spec: { ...onLine, replyTo } });
    const counts = async () => {
      const { status } = await forge().pullRequest(name);
      return [status?.comments, status?.unresolvedThreads];
    };
    await eventually(async () => expect(await counts()).toEqual([3, 1]) === undefined);
    const key = { namespace: "acme", name: replyTo };
    await bob.patch(ReviewComment, key, { spec: { resolved: true } }, { type: "merge" });
    await eventually(async () => expect(await counts()).toEqual([3, 0]) === undefined);
    const outdated = async () => (await forge().admin.get(ReviewComment, key)).status?.outdated;
    await eventually(async () => (await outdated()) === false);
    await tree.commit("below", { "a.txt": "a\nb\n" });
    await tree.git("push", "-q", "origin", "topic");
    await eventually(async () => (await forge().pullRequest(name)).status?.additions === 2);
    expect(await outdated()).toBe(false);
    await tree.commit("above", { "a.txt": "A\nb\n" });
    await tree.git("push", "-q", "origin", "topic");
    await eventually(async () => (await outdated()) === true);
  });

  test("the head branch is deleted when the repository says so", async () => {
    const tree = await forge().repository("tidy", { merge: { deleteHeadBranch: true } });
    await tree.branch("topic");
    await tree.commit("work", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "tidy", head: "topic" });
    await requestMerge(name);
    await settled(name, "Merged");
    expect(await tree.git("ls-remote", "--heads", "origin", "topic")).toBe("");
  });

  test("while the gateway is away a merge waits, and goes on when it is back", async () => {
    const tree = await forge().repository("waiting");
    await tree.branch("topic");
    await tree.commit("work", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "waiting", head: "topic" });
    await mergeState(name, "Clean");
    await forge().stopGateway();
    await requestMerge(name);
    await eventually(async () => (await condition(name, "Merged")) === "False/InProgress");
    await forge().startGateway();
    await eventually(async () => (await forge().pullRequest(name)).status?.phase === "Merged", { timeoutSeconds: 20 });
  }, 60_000);

  test("a branch that is missing is named, and the pull request goes on when it comes", async () => {
    const tree = await forge().repository("later");
    await forge()
      .as("ada")
      .create(PullRequest, {
        metadata: { namespace: "acme", name: "later-x" },
        spec: { organizationRef: "acme", repository: "later", title: "x", head: "topic" },
      });
    await eventually(async () => (await condition("later-x", "HeadResolved")) === "False/BranchMissing");
    await tree.branch("topic");
    await tree.commit("work", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    await mergeState("later-x", "Clean");
    await forge()
      .as("ada")
      .patch(PullRequest, { namespace: "acme", name: "later-x" }, { spec: { draft: true } }, { type: "merge" });
    await mergeState("later-x", "Blocked");
    expect(await condition("later-x", "Mergeable")).toBe("False/Draft");
  });

  test("a fork is read only when it says that it is one", async () => {
    const tree = await forge().repository("origin");
    await forge().repository("stranger");
    const fork = await forge().repository("fork", { forkOf: { name: "origin" } });
    for (const url of [forge().url("fork"), forge().url("stranger")]) {
      await tree.git("push", "-q", "-f", url, "main");
      await tree.git("push", "-q", url, "main:topic");
    }
    await fork.git("fetch", "-q", "origin");
    await fork.git("checkout", "-q", "-B", "topic", "origin/topic");
    const head = await fork.commit("from the fork", { "fork.txt": "f\n" });
    await fork.git("push", "-q", "origin", "topic");
    const spec = { repository: "origin", head: "topic" };
    const name = await forge().openPullRequest({ ...spec, headRepository: { organization: "acme", name: "fork" } });
    expect((await forge().pullRequest(name)).status).toMatchObject({
      headSha: head,
      changedFiles: ["fork.txt"],
      trust: { tier: "untrusted", fork: true },
    });
    const { metadata } = await forge()
      .as("ada")
      .create(PullRequest, {
        metadata: { namespace: "acme", generateName: "origin-" },
        spec: {
          organizationRef: "acme",
          title: "x",
          ...spec,
          headRepository: { organization: "acme", name: "stranger" },
        },
      });
    const stranger = metadata.name ?? "";
    await eventually(async () => (await condition(stranger, "HeadResolved")) === "False/RepositoryMissing");
    await requestMerge(name);
    await settled(name, "Merged");
  }, 30_000);

  describe("a repository", () => {
    const get = (name: string) => forge().admin.find(Repository, { namespace: "acme", name });
    const phase = (name: string, expected: string) =>
      eventually(async () => (await get(name))?.status?.phase === expected, { description: `${name} ${expected}` });

    test("is not deleted while pull requests are open, and its data is kept unless it says Delete", async () => {
      const tree = await forge().repository("kept");
      await tree.branch("topic");
      await tree.commit("work", { "a.txt": "a\n" });
      await tree.git("push", "-q", "origin", "topic");
      const name = await forge().openPullRequest({ repository: "kept", head: "topic" });
      await forge().admin.delete(Repository, { namespace: "acme", name: "kept" });
      await phase("kept", "Terminating");
      expect(findCondition(await get("kept"), "Ready")?.message).toContain("1 open pull requests: merge or close them");
      await forge()
        .as("ada")
        .patch(PullRequest, { namespace: "acme", name }, { spec: { closed: true } }, { type: "merge" });
      await eventually(async () => (await get("kept")) === undefined);
      const again = await forge().admin.create(Repository, {
        metadata: { namespace: "acme", name: "kept" },
        spec: { organizationRef: "acme", deletionPolicy: "Delete" },
      });
      await phase("kept", "Ready");
      expect(findCondition(await get("kept"), "Provisioned")?.reason).toBe("AdoptedExisting");
      expect((await get("kept"))?.status?.branchCount).toBe(2);
      expect(again.metadata.uid).not.toBeUndefined();
      await forge().admin.delete(Repository, { namespace: "acme", name: "kept" });
      await eventually(async () => (await get("kept")) === undefined);
      await forge().admin.create(Repository, {
        metadata: { namespace: "acme", name: "kept" },
        spec: { organizationRef: "acme" },
      });
      await phase("kept", "Ready");
      expect(findCondition(await get("kept"), "Provisioned")?.reason).toBe("Created");
    }, 30_000);

    test("follows its default branch and is Archived when it says so", async () => {
      const tree = await forge().repository("branchy");
      await tree.branch("next");
      const next = await tree.commit("next", { "n.txt": "n\n" });
      await tree.git("push", "-q", "origin", "next");
      const key = { namespace: "acme", name: "branchy" };
      await forge().admin.patch(Repository, key, { spec: { defaultBranch: "next" } }, { type: "merge" });
      await eventually(async () => (await get("branchy"))?.status?.headSha === next);
      expect(await tree.git("ls-remote", "--symref", "origin", "HEAD")).toContain("ref: refs/heads/next\tHEAD");
      await forge().admin.patch(Repository, key, { spec: { archived: true } }, { type: "merge" });
      await phase("branchy", "Archived");
      await expect(tree.git("push", "-q", "origin", "next:other")).rejects.toThrow("archived");
    }, 30_000);

    test("starts with a README when it asks for one, protected or not", async () => {
      await forge().admin.create(BranchProtection, {
        metadata: { namespace: "acme", name: "begun" },
        spec: { organizationRef: "acme", refs: ["refs/heads/main"], repository: "begun" },
      });
      await forge().admin.create(Repository, {
        metadata: { namespace: "acme", name: "begun" },
        spec: { organizationRef: "acme", initialize: { readme: true }, description: "For the test." },
      });
      await phase("begun", "Ready");
      const path = `${forge().folder}/begun`;
      await git("/", ["clone", "-q", forge().url("begun"), path]);
      expect(await git(path, ["show", "HEAD:README.md"])).toBe("# begun\n\nFor the test.");
    }, 30_000);

    test("whose data vanished is Degraded, never replaced by an empty one, and Ready when the data is back", async () => {
      const tree = await forge().repository("lost");
      const place = `${forge().repositoryRoot}/acme/lost.git`;
      await rename(place, `${place}.away`);
      const touch = (value: string) =>
        forge().admin.patch(
          Repository,
          { namespace: "acme", name: "lost" },
          { metadata: { annotations: { touched: value } } },
          { type: "merge" },
        );
      await touch("1");
      await phase("lost", "Degraded");
      expect(findCondition(await get("lost"), "Ready")).toMatchObject({
        status: "False",
        reason: "BackendUnavailable",
      });
      await expect(stat(place)).rejects.toThrow("ENOENT");
      await rename(`${place}.away`, place);
      await touch("2");
      await phase("lost", "Ready");
      expect(await tree.git("ls-remote", "--heads", "origin")).toContain("refs/heads/main");
    }, 30_000);

    test("whose place belongs to another object says so", async () => {
      const backend = new NativeGitBackend({ root: forge().repositoryRoot });
      await backend.ensure({ namespace: "acme", name: "taken", uid: "somebody-else" });
      await forge().admin.create(Repository, {
        metadata: { namespace: "acme", name: "taken" },
        spec: { organizationRef: "acme" },
      });
      await phase("taken", "Pending");
      expect(findCondition(await get("taken"), "Provisioned")).toMatchObject({
        status: "False",
        reason: "NameConflict",
      });
      expect(findCondition(await get("taken"), "Ready")).toMatchObject({ status: "False", reason: "ProvisionFailed" });
    });

    test("that asks for a backend that is not there says which there are", async () => {
      await forge().admin.create(Repository, {
        metadata: { namespace: "acme", name: "elsewhere" },
        spec: { organizationRef: "acme", backend: { name: "gitea" } },
      });
      await phase("elsewhere", "Pending");
      expect(findCondition(await get("elsewhere"), "Provisioned")?.message).toBe(
        'spec.backend.name is "gitea": this installation has only "native"',
      );
    });

    test("writes nothing while nothing changes", async () => {
      await forge().repository("calm");
      await eventually(async () => (await get("calm"))?.status?.headSha !== undefined);
      const before = (await get("calm"))?.metadata.resourceVersion;
      await forge().stopOperators();
      await forge().startOperator();
      await forge().repository("calm-too");
      expect((await get("calm"))?.metadata.resourceVersion).toBe(before);
    }, 30_000);
  });
});
