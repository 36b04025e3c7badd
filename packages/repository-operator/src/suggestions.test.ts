/** Suggestions become commits of the one who asks (PR-04). */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { BranchProtection, findCondition, type ObjectOf, Repository, ReviewComment } from "@krate/kinds";
import { eventually } from "@krate/testing";
import { withForge } from "./testing/forge.ts";

type Spec = ObjectOf<typeof ReviewComment>["spec"];

describe("suggestions", () => {
  const forge = withForge();
  const key = (name: string) => ({ namespace: "acme", name });
  const get = (name: string) => forge().admin.get(ReviewComment, key(name));
  const suggest = async (
    user: string,
    spec: Omit<Spec, "organizationRef" | "body" | "suggestion"> & { text: string },
  ) => {
    const { text, ...rest } = spec;
    const created = await forge()
      .as(user)
      .create(ReviewComment, {
        metadata: { namespace: "acme", generateName: `${spec.pullRequest}-` },
        spec: { organizationRef: "acme", body: "How about this?", suggestion: { text }, ...rest },
      });
    return created.metadata.name ?? "";
  };
  const ask = (user: string, name: string, spec: Partial<Spec> = {}) =>
    forge()
      .as(user)
      .patch(ReviewComment, key(name), { spec: { applySuggestion: true, ...spec } }, { type: "merge" });
  const settled = (name: string) =>
    eventually(
      async () => {
        const found = findCondition(await get(name), "SuggestionApplied");
        return found && found.reason !== "InProgress" && found;
      },
      { description: `${name} settled` },
    );
  const applied = (name: string) =>
    eventually(async () => (await get(name)).status?.appliedCommit, { description: `${name} applied` });

  beforeAll(async () => {
    await forge().startOperator();
  }, 120_000);

  const opened = async (repository: string, files: Record<string, string>) => {
    const tree = await forge().repository(repository);
    await tree.branch("topic");
    const commitSha = await tree.commit("work", files);
    await tree.git("push", "-q", "origin", "topic");
    const pullRequest = await forge().openPullRequest({ repository, head: "topic" });
    return { tree, commitSha, pullRequest };
  };

  test("one click: a commit by who asks, with who suggested, on lines that have moved since", async () => {
    const { tree, commitSha, pullRequest } = await opened("clicked", { "a.txt": "one\ntwo\nthree\n" });
    const name = await suggest("bob", { pullRequest, commitSha, path: "a.txt", line: 2, text: "TWO\n" });
    const head = await tree.commit("above", { "a.txt": "zero\none\ntwo\nthree\n" });
    await tree.git("push", "-q", "origin", "topic");
    await eventually(async () => (await get(name)).status?.position?.line === 3);
    await ask("ada", name);
    const commit = await applied(name);
    await tree.git("fetch", "-q", "origin");
    expect(await tree.git("rev-parse", "origin/topic", "origin/topic~1")).toBe(`${commit}\n${head}`);
    expect(await tree.git("show", "origin/topic:a.txt")).toBe("zero\none\nTWO\nthree");
    expect(await tree.git("log", "-1", "--format=%an <%ae>|%cn|%B", "origin/topic")).toBe(
      [
        "ada <ada@users.noreply.krate.a5c.ai>|Krate|Apply suggestion to a.txt",
        "",
        "Co-authored-by: bob <bob@users.noreply.krate.a5c.ai>",
        `Krate-Suggestion: acme/${name}@${(await get(name)).metadata.uid}`,
        "",
      ]
        .join("\n")
        .trimEnd(),
    );
    expect(await settled(name)).toMatchObject({ status: "True", reason: "Applied", message: commit });
    await expect(ask("ada", name, { applySuggestion: false })).rejects.toThrow("is applied already");
  }, 120_000);

  test("several in one commit, over files", async () => {
    const { tree, commitSha, pullRequest } = await opened("together", { "a.txt": "one\ntwo\n", "b.txt": "b\n" });
    const at = { pullRequest, commitSha };
    const lead = await suggest("bob", { ...at, path: "a.txt", line: 1, text: "ONE" });
    const others = [
      await suggest("bob", { ...at, path: "a.txt", line: 2, text: "" }),
      await suggest("carol", { ...at, path: "b.txt", line: 1, text: "B\nBB" }),
    ];
    await ask("ada", lead, { applyTogether: others });
    const commit = await applied(lead);
    for (const other of others) expect(await applied(other)).toBe(commit);
    await tree.git("fetch", "-q", "origin");
    expect(await tree.git("show", "--format=%s", "--stat=80", "--summary", "origin/topic")).toContain(
      "Apply 3 suggestions to 2 files",
    );
    expect(await tree.git("show", "origin/topic:a.txt")).toBe("ONE");
    expect(await tree.git("show", "origin/topic:b.txt")).toBe("B\nBB");
  }, 120_000);

  test("what cannot be applied says why, and can be asked for again", async () => {
    const { tree, commitSha, pullRequest } = await opened("refused", { "a.txt": "one\ntwo\n" });
    const at = { pullRequest, commitSha, path: "a.txt" };
    const overlapping = await suggest("bob", { ...at, line: 2, startLine: 1, text: "x" });
    const name = await suggest("bob", { ...at, line: 2, text: "TWO" });
    await ask("ada", overlapping, { applyTogether: [name] });
    expect(await settled(overlapping)).toMatchObject({ status: "False", reason: "Overlapping" });
    const same = await suggest("bob", { ...at, line: 2, text: "two" });
    await ask("ada", same);
    expect(await settled(same)).toMatchObject({ status: "False", reason: "NoChange" });

    await tree.commit("changed", { "a.txt": "one\nother\n" });
    await tree.git("push", "-q", "origin", "topic");
    await eventually(async () => (await get(name)).status?.outdated === true);
    await ask("ada", name);
    expect(await settled(name)).toMatchObject({ status: "False", reason: "Outdated" });
    await tree.git("push", "-q", "-f", "origin", `${commitSha}:topic`);
    await eventually(async () => (await get(name)).status?.outdated === false);
    await ask("ada", name, { applySuggestion: false });
    await ask("ada", name);
    expect(await applied(name)).toBeDefined();
  }, 120_000);

  test("who may not push, and a protected head branch", async () => {
    const { commitSha, pullRequest } = await opened("barred", { "a.txt": "one\n" });
    const at = { pullRequest, commitSha, path: "a.txt", line: 1 };
    const byReader = await suggest("bob", { ...at, text: "1" });
    const reader = forge().admin.as({
      user: "system:serviceaccount:krate-system:refpolicy-compiler",
      groups: ["system:masters-of-nothing", "system:authenticated", "krate:commenters"],
    });
    await forge().admin.raw({
      method: "POST",
      path: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
      body: {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "commenters" },
        rules: [{ apiGroups: ["forge.krate.a5c.ai"], resources: ["reviewcomments"], verbs: ["get", "patch"] }],
      },
    });
    await forge().admin.raw({
      method: "POST",
      path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
      body: {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
        metadata: { name: "commenters" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "commenters" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "krate:commenters" }],
      },
    });
    await reader.patch(ReviewComment, key(byReader), { spec: { applySuggestion: true } }, { type: "merge" });
    expect(await settled(byReader)).toMatchObject({
      reason: "Forbidden",
      message: expect.stringContaining('may not push to "acme/barred"'),
    });

    await forge().admin.create(BranchProtection, {
      metadata: key("topics"),
      spec: { organizationRef: "acme", refs: ["refs/heads/topic"], repository: "barred" },
    });
    await eventually(async () => {
      const { status } = await forge().admin.get(BranchProtection, key("topics"));
      const synced = findCondition(await forge().admin.get(Repository, key("barred")), "ProtectionSynced");
      return status?.phase === "Active" && synced?.status === "True" && synced.message.startsWith("bundle ");
    });
    const guarded = await suggest("bob", { ...at, text: "2" });
    await ask("ada", guarded);
    expect(await settled(guarded)).toMatchObject({ reason: "BranchProtected" });
  }, 120_000);

  test("killed after the push: the next operator finds the commit", async () => {
    const { tree, commitSha, pullRequest } = await opened("killed", { "a.txt": "one\n" });
    const name = await suggest("bob", { pullRequest, commitSha, path: "a.txt", line: 1, text: "1" });
    await forge().stopOperators();
    await ask("ada", name);
    const crashing = new URL("./testing/crashing-operator.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--conditions=development", crashing, "suggestion-pushed"], {
      stdio: "ignore",
      env: { ...process.env, ...forge().operatorEnvironment(), TMPDIR: forge().folder },
    });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect((await get(name)).status?.appliedCommit).toBeUndefined();
    await forge().startOperator();
    const commit = await applied(name);
    await tree.git("fetch", "-q", "origin");
    expect(await tree.git("rev-parse", "origin/topic", "origin/topic~1")).toBe(`${commit}\n${commitSha}`);
  }, 120_000);
});
