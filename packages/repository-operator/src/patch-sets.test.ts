/** The life of a head: kept in the repository itself, one PatchSet for each push of it. */
import { beforeAll, describe, expect, test } from "@jest/globals";
import { findCondition, type ObjectOf, PatchSet, PullRequest, Repository } from "@krate/kinds";
import { eventually } from "@krate/testing";
import { withForge } from "./testing/forge.ts";

describe("patch sets", () => {
  const forge = withForge();
  beforeAll(async () => {
    await forge().startOperator();
  }, 120_000);

  const setsOf = async (pullRequest: string) => {
    const { items } = await forge().admin.list(PatchSet, {
      namespace: "acme",
      fieldSelector: `spec.pullRequest=${pullRequest}`,
    });
    return items.map(({ spec }) => spec).sort((a, b) => a.number - b.number);
  };
  const untilSets = (pullRequest: string, count: number) =>
    eventually(
      async () => {
        const found = await setsOf(pullRequest);
        const { status } = await forge().pullRequest(pullRequest);
        return found.length === count && status?.patchSet === count && found;
      },
      { description: `${count} patch sets of ${pullRequest}`, timeoutSeconds: 20 },
    );
  const rangeOf = ({ rangeDiff = [] }: ObjectOf<typeof PatchSet>["spec"]) =>
    rangeDiff.map((line) => line.replace(/[0-9a-f]{12}/g, "x"));

  test("every push of the head is an entry: new commits, an amendment, a rebase", async () => {
    const tree = await forge().repository("sets");
    await tree.branch("topic");
    const first = await tree.commit("one", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "sets", head: "topic" });
    await untilSets(name, 1);
    const second = await tree.commit("two", { "b.txt": "b\n" });
    await tree.git("push", "-q", "origin", "topic");
    await untilSets(name, 2);
    await tree.git("commit", "-q", "--amend", "-m", "two, better");
    await tree.git("push", "-q", "-f", "origin", "topic");
    const third = await tree.git("rev-parse", "HEAD");
    await untilSets(name, 3);
    await tree.checkout("main");
    const base = await tree.commit("base", { "base.txt": "b\n" });
    await tree.git("push", "-q", "origin", "main");
    await tree.checkout("topic");
    await tree.git("rebase", "-q", "main");
    await tree.git("push", "-q", "-f", "origin", "topic");
    const sets = await untilSets(name, 4);
    expect(sets.map(({ number, kind, headSha, commits }) => [number, kind, headSha, commits])).toEqual([
      [1, "Opened", first, 1],
      [2, "NewCommits", second, 2],
      [3, "Amend", third, 2],
      [4, "Rebase", await tree.git("rev-parse", "HEAD"), 2],
    ]);
    expect(sets.map(({ mergeBaseSha }) => mergeBaseSha === base)).toEqual([false, false, false, true]);
    expect(sets.map(({ previousHeadSha }) => previousHeadSha)).toEqual([undefined, first, second, third]);
    expect(sets.map(rangeOf)).toEqual([
      [],
      [],
      ["1: x = 1: x one", "2: x ! 2: x two"],
      ["1: x = 1: x one", "2: x = 2: x two, better"],
    ]);
    expect(
      sets.every(({ pusher, gitEvent }) => pusher === "system:serviceaccount:krate-system:pusher" && gitEvent),
    ).toBe(true);

    // Each can be fetched by name, whatever became of the branch.
    for (const { ref, headSha } of sets) {
      await tree.git("fetch", "-q", "origin", ref);
      expect(await tree.git("rev-parse", "FETCH_HEAD")).toBe(headSha);
    }
    await tree.git("push", "-q", "origin", ":topic");
    await tree.git("fetch", "-q", "origin", "refs/pull/1/head");
    expect(await tree.git("rev-parse", "FETCH_HEAD")).toBe(sets[3]?.headSha);
    expect(findCondition(await forge().pullRequest(name), "HeadKept")).toMatchObject({
      status: "True",
      reason: "Kept",
      message: "refs/pull/1/head",
    });
    const changed = { spec: { headSha: base } };
    const key = { namespace: "acme", name: `${name}-1` };
    await expect(forge().admin.patch(PatchSet, key, changed, { type: "merge" })).rejects.toThrow();
    await expect(
      forge()
        .as("ada")
        .create(PatchSet, { metadata: { namespace: "acme", name: "mine" }, spec: { ...sets[0], number: 9 } as never }),
    ).rejects.toThrow('cannot create resource "patchsets"');
  }, 120_000);

  test("pushes made while nobody looked are entries too, there and back again", async () => {
    const tree = await forge().repository("missed");
    await tree.branch("topic");
    const first = await tree.commit("one", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "missed", head: "topic" });
    await untilSets(name, 1);
    await forge().stopOperators();
    const heads = [first];
    for (const message of ["two", "three"]) {
      heads.push(await tree.commit(message, { [message]: message }));
      await tree.git("push", "-q", "origin", "topic");
    }
    await tree.git("push", "-q", "-f", "origin", `${first}:topic`);
    await tree.git("push", "-q", "-f", "origin", `${heads[1]}:topic`);
    await forge().startOperator();
    const sets = await untilSets(name, 5);
    expect(sets.map(({ headSha }) => headSha)).toEqual([...heads, first, heads[1]]);
  }, 120_000);

  test("the head of a fork is in the repository, and stays when the fork is deleted", async () => {
    const tree = await forge().repository("source");
    const fork = await forge().repository("forked", { forkOf: { name: "source" }, deletionPolicy: "Delete" });
    await tree.git("push", "-q", "-f", forge().url("forked"), "main");
    await fork.git("fetch", "-q", "origin");
    await fork.git("checkout", "-q", "-B", "topic", "origin/main");
    const head = await fork.commit("from the fork", { "fork.txt": "f\n" });
    await fork.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({
      repository: "source",
      head: "topic",
      headRepository: { organization: "acme", name: "forked" },
    });
    await untilSets(name, 1);
    const number = (await forge().pullRequest(name)).status?.number;
    await tree.git("fetch", "-q", "origin", `refs/pull/${number}/head`);
    expect(await tree.git("rev-parse", "FETCH_HEAD")).toBe(head);
    const push = tree.git("push", "origin", `+main:refs/pull/${number}/head`);
    await expect(push).rejects.toThrow("belong to the server");

    await forge().admin.delete(Repository, { namespace: "acme", name: "forked" });
    await eventually(async () => !(await forge().admin.find(Repository, { namespace: "acme", name: "forked" })));
    await eventually(async () => {
      return findCondition(await forge().pullRequest(name), "HeadResolved")?.reason === "RepositoryMissing";
    });
    await tree.git("fetch", "-q", "origin", `refs/pull/${number}/head`);
    expect(await tree.git("rev-parse", "FETCH_HEAD")).toBe(head);
  }, 120_000);

  test("the records go with the pull request", async () => {
    const tree = await forge().repository("gone");
    await tree.branch("topic");
    await tree.commit("one", { "a.txt": "a\n" });
    await tree.git("push", "-q", "origin", "topic");
    const name = await forge().openPullRequest({ repository: "gone", head: "topic" });
    await untilSets(name, 1);
    await forge().admin.delete(PullRequest, { namespace: "acme", name });
    await eventually(async () => (await setsOf(name)).length === 0, { timeoutSeconds: 20 });
    await eventually(async () => (await tree.git("ls-remote", "origin", "refs/pull/*")) === "", { timeoutSeconds: 20 });
  }, 120_000);
});
