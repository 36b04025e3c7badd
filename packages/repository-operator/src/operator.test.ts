/** The operator as a whole: our API server, the gateway, real git, each program with its own ServiceAccount. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import { findCondition, PullRequest, Repository } from "@krate/kinds";
import { eventually } from "@krate/testing";
import { withForge } from "./testing/forge.ts";

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
      "BackendReady=True/BackendHealthy",
      "ProtectionSynced=True/Synced",
      "Provisioned=True/Created",
      "Ready=True/Ready",
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
});
