/** Merge queues in the operator: our API server, the gateway, real git; a test reports the checks. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import {
  BranchProtection,
  CheckRun,
  Event,
  findCondition,
  GitEvent,
  MergeQueue,
  type ObjectOf,
  PullRequest,
} from "@krate/kinds";
import { eventually } from "@krate/testing";
import { withForge } from "./testing/forge.ts";
import type { WorkTree } from "./testing/git.ts";

type QueueSpec = ObjectOf<typeof MergeQueue>["spec"];
const namespace = "acme";

describe("a merge queue", () => {
  const forge = withForge();
  beforeAll(async () => {
    await forge().startOperator();
  }, 60_000);

  const createQueue = async (repository: string, spec: Partial<QueueSpec> = {}) => {
    await forge().admin.create(MergeQueue, {
      metadata: { namespace, name: repository },
      spec: { organizationRef: namespace, repository, requiredChecks: ["ci"], ...spec },
    });
    // The gate knows of it as soon as the API server's own cache does.
    await eventually(async () => (await queue(repository)).status?.phase !== undefined);
  };
  const queue = (name: string) => forge().admin.get(MergeQueue, { namespace, name });
  const patch = (name: string, spec: object, user = "ada") =>
    forge().as(user).patch(PullRequest, { namespace, name }, { spec }, { type: "merge" });
  const enter = (name: string, spec: object = {}) =>
    eventually(
      async () => {
        await patch(name, { queued: true, ...spec });
        return true;
      },
      { description: `${name} queued` },
    );

  /** Pull requests that each add one file; with the content "bad" its checks fail. */
  const open = async (tree: WorkTree, repository: string, files: Record<string, string>) => {
    const names: string[] = [];
    for (const [file, content] of Object.entries(files)) {
      await tree.checkout("main");
      await tree.branch(file);
      await tree.commit(`add ${file}`, { [file]: content });
      await tree.git("push", "-q", "origin", file);
      names.push(await forge().openPullRequest({ repository, head: file }));
    }
    return names;
  };
  /** Reports check `ci` for a commit. */
  const report = async (repository: string, sha: string, conclusion: "success" | "failure") => {
    const key = { namespace, name: `${repository}-${sha.slice(0, 12)}` };
    await forge().admin.create(CheckRun, {
      metadata: key,
      spec: { organizationRef: namespace, repository, sha, name: "ci", detailsUrl: "https://ci.example/1" },
    });
    const status = { phase: "Completed", conclusion };
    await forge().admin.patch(CheckRun, key, { status }, { type: "merge", subresource: "status" });
  };
  /** Until `done`, checks every candidate: those with a file whose content is "bad" fail. Answers the trees that passed. */
  const runChecks = async (tree: WorkTree, repository: string, done: () => Promise<boolean>) => {
    const seen = new Map<string, "success" | "failure">();
    await eventually(
      async () => {
        const { batch } = (await queue(repository)).status ?? {};
        if (batch && !seen.has(batch.candidate)) {
          await tree.git("fetch", "-q", "origin", `+refs/queue/*:refs/queue/*`);
          const known = await tree.git("cat-file", "-t", batch.candidate).catch(() => "none");
          if (known !== "commit") return false;
          const text = await tree.git("grep", "-l", "^bad$", batch.candidate).catch(() => "");
          const conclusion = text === "" ? "success" : "failure";
          seen.set(batch.candidate, conclusion);
          await report(repository, batch.candidate, conclusion);
        }
        return done();
      },
      { timeoutSeconds: 30, description: `checks of ${repository}` },
    );
    return seen;
  };
  const phases = async (names: string[]) =>
    Promise.all(names.map(async (name) => (await forge().pullRequest(name)).status?.phase));
  const gone = (names: string[]) => async () =>
    (await Promise.all(names.map((name) => forge().pullRequest(name)))).every(
      ({ status, spec }) => status?.phase === "Merged" || spec.queued !== true,
    );

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
  }, 60_000);
});
