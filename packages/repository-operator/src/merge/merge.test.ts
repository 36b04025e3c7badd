import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { GatewayPort } from "../git/push.ts";
import { directGateway, type TestRepository, testRepository } from "../testing/bare-repository.ts";
import type { MergeMethod } from "./build.ts";
import { type MergePorts, type MergeRequest, type MergeStep, mergePullRequest } from "./merge.ts";

const repository = { namespace: "acme", name: "shop" };
const pullRequest = {
  ...repository,
  name: "shop-7",
  uid: "u-7",
  number: 7,
  title: "Better  greeting",
  body: "Because.",
};
const trailer = "Krate-Pull-Request: acme/shop-7@u-7";
const methods: MergeMethod[] = ["merge", "squash", "rebase"];

describe("merging", () => {
  let repo: TestRepository;
  let ports: MergePorts;
  beforeEach(async () => {
    repo = await testRepository();
    ports = { gateway: directGateway(repo.gitDir), now: () => new Date("2026-03-01T12:00:00.500Z") };
  });
  afterEach(async () => {
    await repo[Symbol.asyncDispose]();
  });

  /** Commits on branch topic, pushed. Answers its head. */
  async function topic(...changes: [string, Record<string, string | null>, string?][]): Promise<string> {
    await repo.tree.branch("topic");
    for (const [message, files, author] of changes) await repo.tree.commit(message, files, author);
    await repo.tree.git("push", "-q", "-f", "origin", "topic");
    return repo.at("topic");
  }

  async function moveMain(files: Record<string, string>): Promise<string> {
    await repo.tree.checkout("main");
    const commit = await repo.tree.commit("meanwhile", files);
    await repo.tree.git("push", "-q", "origin", "main");
    return commit;
  }

  const request = (approvedHeadSha: string, method: MergeMethod = "merge"): MergeRequest => ({
    pullRequest,
    repository,
    base: { gitDir: repo.gitDir, ref: "refs/heads/main" },
    head: { gitDir: repo.gitDir, ref: "refs/heads/topic" },
    approvedHeadSha,
    method,
    author: { name: "Ada", email: "ada@example.org" },
    committer: { name: "Krate", email: "noreply@krate.a5c.ai" },
  });

  const show = (format: string, rev = "main") => repo.git("log", "-1", `--format=${format}`, rev);
  const content = (path: string, rev = "main") => repo.git("show", `${rev}:${path}`);

  test("merge: two parents, the title in the subject, the author's name, the operator as committer", async () => {
    const base = await moveMain({ "b.txt": "b\n" });
    const head = await topic(["one", { "a.txt": "a\n" }]);
    const outcome = await mergePullRequest(request(head), ports);
    expect(outcome).toEqual({ result: "merged", commitId: await repo.at("main"), at: "2026-03-01T12:00:00Z" });
    expect(await show("%P")).toBe(`${base} ${head}`);
    expect(await show("%an <%ae> %cn <%ce>")).toBe("Ada <ada@example.org> Krate <noreply@krate.a5c.ai>");
    expect(await show("%B")).toBe(`Merge pull request #7: Better greeting\n\nBecause.\n\n${trailer}`);
    expect([await content("a.txt"), await content("b.txt")]).toEqual(["a", "b"]);
  });

  test("squash: one commit of the author that names the others as co-authors", async () => {
    const head = await topic(
      ["one", { "a.txt": "a\n" }],
      ["two", { "a.txt": "aa\n" }, "Bob <bob@example.org>"],
      ["three", { "c.txt": "c\n" }, "Bob <bob@example.org>"],
    );
    const base = await moveMain({ "b.txt": "b\n" });
    expect((await mergePullRequest(request(head, "squash"), ports)).result).toBe("merged");
    expect(await show("%P")).toBe(base);
    expect(await show("%B")).toBe(
      `Better greeting (#7)\n\nBecause.\n\nCo-authored-by: Bob <bob@example.org>\n${trailer}`,
    );
    expect(await show("%(trailers:key=Krate-Pull-Request,valueonly)")).toBe("acme/shop-7@u-7");
    expect([await content("a.txt"), await content("b.txt"), await content("c.txt")]).toEqual(["aa", "b", "c"]);
  });

  test("rebase: each commit with its author and message on top of the base, the last one with the trailer", async () => {
    const head = await topic(
      ["one", { "a.txt": "a\n" }],
      ["two\n\nSigned-off-by: Bob <bob@example.org>", { "c.txt": "c\n" }, "Bob <bob@example.org>"],
    );
    const base = await moveMain({ "b.txt": "b\n" });
    expect((await mergePullRequest(request(head, "rebase"), ports)).result).toBe("merged");
    expect((await repo.git("log", "--reverse", "--format=%an %cn %s", `${base}..main`)).split("\n")).toEqual([
      "Ada Krate one",
      "Bob Krate two",
    ]);
    expect(await show("%B")).toBe(`two\n\nSigned-off-by: Bob <bob@example.org>\n${trailer}`);
    expect(await show("%B", "main~1")).toBe("one");
    expect([await content("a.txt"), await content("b.txt"), await content("c.txt")]).toEqual(["a", "b", "c"]);
  });

  test.each(methods)("%s: a rename on one side and an edit on the other come together", async (method) => {
    const text = await repo.git("show", "main:README.md");
    const head = await topic(["rename", { "README.md": null, "docs/README.md": `${text}\n` }]);
    await moveMain({ "README.md": `${text.replace("one", "ONE")}\n` });
    expect((await mergePullRequest(request(head, method), ports)).result).toBe("merged");
    expect(await content("docs/README.md")).toBe(text.replace("one", "ONE"));
  });

  test.each(methods)("%s: a conflict fails with its paths and moves nothing", async (method) => {
    const head = await topic(["mine", { "README.md": "mine\n" }]);
    const base = await moveMain({ "README.md": "theirs\n" });
    const outcome = await mergePullRequest(request(head, method), ports);
    expect(outcome).toMatchObject({ result: "failed", reason: "MergeFailed" });
    expect((outcome as { message: string }).message).toContain("conflict in README.md");
    expect(await repo.at("main")).toBe(base);
  });

  test.each(methods)("%s: a base that moves before the push is merged into as it is then", async (method) => {
    const head = await topic(["one", { "a.txt": "a\n" }]);
    let moved = 0;
    const gateway: GatewayPort = {
      ...ports.gateway,
      async push(...args) {
        if (moved++ < 2) await moveMain({ [`m${moved}.txt`]: "m\n" });
        return ports.gateway.push(...args);
      },
    };
    expect((await mergePullRequest(request(head, method), { ...ports, gateway })).result).toBe("merged");
    expect([await content("a.txt"), await content("m1.txt"), await content("m2.txt")]).toEqual(["a", "m", "m"]);
  });

  test("a base that moves before every push is given up for now", async () => {
    const head = await topic(["one", { "a.txt": "a\n" }]);
    let pushes = 0;
    const gateway: GatewayPort = {
      ...ports.gateway,
      async push(...args) {
        await moveMain({ [`m${++pushes}.txt`]: "m\n" });
        return ports.gateway.push(...args);
      },
    };
    expect(await mergePullRequest(request(head), { ...ports, gateway })).toEqual({ result: "busy" });
    expect(pushes).toBe(5);
  });

  test("a base that comes to conflict before the push fails", async () => {
    const head = await topic(["one", { "README.md": "mine\n" }]);
    const gateway: GatewayPort = {
      ...ports.gateway,
      async push(...args) {
        await moveMain({ "README.md": "theirs\n" });
        return ports.gateway.push(...args);
      },
    };
    expect(await mergePullRequest(request(head), { ...ports, gateway })).toMatchObject({ reason: "MergeFailed" });
  });

  test("a head that is not the approved one is not merged", async () => {
    const approved = await topic(["one", { "a.txt": "a\n" }]);
    const head = await repo.tree.commit("sneaked in", { "evil.txt": "x\n" });
    await repo.tree.git("push", "-q", "origin", "topic");
    expect(await mergePullRequest(request(approved), ports)).toEqual({
      result: "failed",
      reason: "HeadMoved",
      message: `the merge was requested for ${approved}, the head is now ${head}`,
    });
  });

  test("a head branch that is gone is not merged", async () => {
    const head = await topic(["one", { "a.txt": "a\n" }]);
    await repo.git("update-ref", "-d", "refs/heads/topic");
    expect(await mergePullRequest(request(head), ports)).toMatchObject({ reason: "HeadMoved" });
  });

  const crashes = methods.flatMap((method) =>
    (["begun", "built", "pushed"] as MergeStep[]).map((step) => [method, step] as const),
  );
  test.each(crashes)("%s: killed after %s, the next try lands it exactly once", async (method, step) => {
    const head = await topic(["one", { "a.txt": "a\n" }], ["two", { "c.txt": "c\n" }]);
    await moveMain({ "b.txt": "b\n" });
    const checkpoint = async (reached: MergeStep) => {
      if (reached === step) throw new Error("killed");
    };
    await expect(mergePullRequest(request(head, method), { ...ports, checkpoint })).rejects.toThrow("killed");
    // Others work on meanwhile, and the head branch of a merged change may be gone.
    if (step === "pushed") {
      await repo.tree.git("fetch", "-q", "origin");
      await repo.tree.checkout("main");
      await repo.tree.git("reset", "-q", "--hard", "origin/main");
      await moveMain({ "later.txt": "later\n" });
      await repo.git("update-ref", "-d", "refs/heads/topic");
    }
    const outcome = await mergePullRequest(request(head, method), ports);
    expect(outcome.result).toBe("merged");
    const landed = (await repo.git("log", "--first-parent", "--format=%H", `--grep=${trailer}`, "main")).split("\n");
    expect(landed).toEqual([(outcome as { commitId: string }).commitId]);
  });

  test("somebody else's commit with the trailer is not taken for the merge", async () => {
    const head = await topic(["one", { "a.txt": "a\n" }]);
    await repo.tree.checkout("main");
    const forged = await repo.tree.commit(`forged\n\n${trailer}`, { "f.txt": "f\n" });
    await repo.tree.git("push", "-q", "origin", "main");
    const outcome = await mergePullRequest(request(head), ports);
    expect(outcome).toMatchObject({ result: "merged" });
    expect((outcome as { commitId: string }).commitId).not.toBe(forged);
    expect(await content("a.txt")).toBe("a");
  });

  test.each(methods)("%s: a head with nothing new is refused", async (method) => {
    const head = await topic(["one", { "a.txt": "a\n" }]);
    await repo.tree.checkout("main");
    await repo.tree.git("merge", "-q", "topic");
    await repo.tree.git("push", "-q", "origin", "main");
    expect(await mergePullRequest(request(head, method), ports)).toMatchObject({
      reason: "MergeFailed",
      message: "the base has every commit of the head already",
    });
  });

  test("rebase refuses merge commits and says what to use instead", async () => {
    await topic(["one", { "a.txt": "a\n" }]);
    await moveMain({ "b.txt": "b\n" });
    await repo.tree.checkout("topic");
    await repo.tree.git("merge", "-q", "--no-edit", "main");
    await repo.tree.git("push", "-q", "origin", "topic");
    const outcome = await mergePullRequest(request(await repo.at("topic"), "rebase"), ports);
    expect((outcome as { message: string }).message).toMatch(/is a merge and cannot be rebased; use merge or squash/);
  });

  test("rebase leaves out what the base has already", async () => {
    const head = await topic(["same", { "s.txt": "s\n" }], ["new", { "n.txt": "n\n" }]);
    const base = await moveMain({ "s.txt": "s\n" });
    expect((await mergePullRequest(request(head, "rebase"), ports)).result).toBe("merged");
    expect(await repo.git("log", "--format=%s", `${base}..main`)).toBe("new");
  });

  test("a fork's head is merged without its objects being there before", async () => {
    await using fork = await testRepository();
    await fork.tree.git("fetch", "-q", repo.gitDir, "main");
    await fork.tree.git("reset", "-q", "--hard", "FETCH_HEAD");
    await fork.tree.branch("topic");
    const head = await fork.tree.commit("from the fork", { "fork.txt": "f\n" });
    await fork.tree.git("push", "-q", "origin", "topic");
    const outcome = await mergePullRequest(
      { ...request(head), head: { gitDir: fork.gitDir, ref: "refs/heads/topic" } },
      ports,
    );
    expect(outcome.result).toBe("merged");
    expect(await content("fork.txt")).toBe("f");
    await repo.git("fsck", "--connectivity-only");
  });
});
