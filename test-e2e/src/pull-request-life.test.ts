/**
 * The life of a pull request from a fork, as people see it with kubectl and git: its head in the repository itself, a patch set for every
 * push, a comment that follows its line over a force push, a suggestion that becomes a commit, a merge that closes an issue.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { cloneUrl, forgeState, freshNamespace, git, gitOk, kubectl, kubectlOk, type Person } from "./shared-forge.ts";

const slow = 180_000;
const pulls = "pullrequests.forge.krate.a5c.ai";
const comments = "reviewcomments.forge.krate.a5c.ai";
const issues = "issues.forge.krate.a5c.ai";
const patchSets = "patchsets.forge.krate.a5c.ai";

let namespace: string;
let folder: string;
let work: string;
let pull: string;
let number: string;

const ok = (as: Person, ...args: string[]) => kubectlOk(args, { as, namespace });
const create = (as: Person, kind: string, metadata: object, spec: object, group = "forge.krate.a5c.ai") =>
  kubectlOk(["create", "-o", "name", "-f", "-"], {
    as,
    namespace,
    input: JSON.stringify({
      apiVersion: `${group}/v1alpha1`,
      kind,
      metadata,
      spec: { organizationRef: "demo", ...spec },
    }),
  })
    .trim()
    .split("/")
    .at(-1) as string;
const field = (resource: string, name: string, path: string) =>
  ok("admin", "get", resource, name, "-o", `jsonpath={${path}}`);
const until = (condition: () => boolean | Promise<boolean>, description: string) =>
  eventually(condition, { timeoutSeconds: 90, description });
const reason = (type: string) => `.status.conditions[?(@.type=="${type}")].reason`;

function commit(message: string, content: string, ...args: string[]): string {
  writeFileSync(join(work, "greet.txt"), content);
  gitOk(["add", "-A"], { cwd: work });
  gitOk(["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "commit", "-q", "-m", message, ...args], {
    cwd: work,
  });
  return gitOk(["rev-parse", "HEAD"], { cwd: work }).trim();
}
const push = (...args: string[]) => gitOk(["push", "-q", "fork", "topic", ...args], { cwd: work, as: "alice" });
const repository = (name: string, spec: object = {}) => {
  create("admin", "Repository", { name }, spec, "krate.a5c.ai");
  ok("admin", "wait", `repositories.krate.a5c.ai/${name}`, "--for=condition=Ready", "--timeout=60s");
};

beforeAll(() => {
  namespace = freshNamespace("life");
  folder = mkdtempSync(join(tmpdir(), "krate-life-"));
  work = join(folder, "work");
  repository("app", { merge: { deleteHeadBranch: true } });
  repository("app-fork", { forkOf: { name: "app" } });
  gitOk(["init", "-q", "-b", "main", work]);
  gitOk(["remote", "add", "origin", cloneUrl(namespace, "app")], { cwd: work });
  gitOk(["remote", "add", "fork", cloneUrl(namespace, "app-fork")], { cwd: work });
  commit("first", "one\ntwo\nthree\nfour\nfive\n");
  gitOk(["push", "-q", "origin", "main"], { cwd: work, as: "alice" });
  gitOk(["push", "-q", "-f", "fork", "main"], { cwd: work, as: "alice" });
  gitOk(["checkout", "-q", "-b", "topic"], { cwd: work });
}, slow);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  kubectl(["delete", pulls, "--all", "--wait=false"], { namespace });
  kubectl(["delete", "repositories.krate.a5c.ai", "--all", "--wait=false"], { namespace });
  kubectl(["delete", "namespace", namespace, "--wait=false"]);
});

test(
  "a fork's head is in the repository, for reading",
  async () => {
    const issue = create("bob", "Issue", { generateName: "app-" }, { repository: "app", title: "Greet" });
    const issueNumber = field(issues, issue, ".status.number");
    const head = commit("greet", "one\ntwo\nthree\nhello\nfive\n");
    push();
    pull = create(
      "alice",
      "PullRequest",
      { generateName: "app-" },
      {
        repository: "app",
        title: "Greet",
        head: "topic",
        base: "main",
        // Long enough for a policy that another suite may have put into the same cluster.
        body: `Fixes #${issueNumber}: nobody was greeted.`,
        headRepository: { organization: "demo", name: "app-fork" },
      },
    );
    number = field(pulls, pull, ".status.number");
    await until(() => field(pulls, pull, reason("HeadKept")) === "Kept", "the head kept");
    expect(field(pulls, pull, ".status.trust.fork")).toBe("true");
    gitOk(["fetch", "-q", "origin", `refs/pull/${number}/head`], { cwd: work, as: "bob" });
    expect(gitOk(["rev-parse", "FETCH_HEAD"], { cwd: work }).trim()).toBe(head);
    for (const refspec of [`+main:refs/pull/${number}/head`, "main:refs/pull/99/head"])
      expect(git(["push", "origin", refspec], { cwd: work, as: "alice" }).stderr).toContain("belong to the server");
    await until(() => field(issues, issue, ".status.linkedPullRequests[0]") === pull, "the issue naming it");
  },
  slow,
);

test(
  "every push is a patch set, and two of them are compared commit by commit",
  async () => {
    commit("greet nicely", "one\ntwo\nthree\nhello\nfive, nicely\n");
    push();
    await until(() => field(pulls, pull, ".status.patchSet") === "2", "patch set 2");
    commit("greet more nicely", "one\ntwo\nthree\nhello\nfive, more nicely\n", "--amend");
    push("-f");
    await until(() => field(pulls, pull, ".status.patchSet") === "3", "patch set 3");
    const table = ok("bob", "get", patchSets)
      .split("\n")
      .map((line) => line.split(/\s{2,}/));
    expect(table[0]?.slice(0, 7)).toEqual(["NAME", "PULL REQUEST", "NUMBER", "KIND", "HEAD", "COMMITS", "PUSHER"]);
    const rows = table.slice(1, 4).map(([name, , at, kind, , commits, pusher]) => [name, at, kind, commits, pusher]);
    expect(rows).toEqual([
      [`${pull}-1`, "1", "Opened", "1", "alice"],
      [`${pull}-2`, "2", "NewCommits", "2", "alice"],
      [`${pull}-3`, "3", "Amend", "2", "alice"],
    ]);
    expect(ok("bob", "describe", patchSets, `${pull}-3`)).toMatch(/1: [0-9a-f]{12} = 1: [0-9a-f]{12} greet\n/);

    const token = ok("bob", "config", "view", "--raw", "--minify", "-o", "jsonpath={.users[0].user.token}");
    const range = encodeURIComponent(`refs/pull/${number}/patchsets/2...refs/pull/${number}/patchsets/3`);
    const url = `${forgeState().gitUrl}/${namespace}/app/-/rangediff/${range}?base=main`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      commits: [
        { state: "same", subject: "greet" },
        { state: "changed", subject: "greet nicely", diff: expect.stringContaining("more nicely") },
      ],
    });
  },
  slow,
);

test(
  "a comment follows its line over a force push, and its suggestion becomes a commit of who asks",
  async () => {
    const commented = gitOk(["rev-parse", "HEAD"], { cwd: work }).trim();
    const comment = create(
      "bob",
      "ReviewComment",
      { generateName: `${pull}-` },
      {
        pullRequest: pull,
        commitSha: commented,
        path: "greet.txt",
        line: 4,
        body: "With a capital?",
        suggestion: { text: "Hello" },
      },
    );
    commit("rewritten", "zero\none\ntwo\nthree\nhello\nfive, more nicely\n", "--amend");
    push("-f");
    await until(() => field(comments, comment, ".status.position.line") === "5", "the comment on line 5");
    expect(field(comments, comment, ".status.outdated")).toBe("false");

    ok("alice", "patch", comments, comment, "--type=merge", "-p", '{"spec":{"applySuggestion":true}}');
    await until(() => field(comments, comment, reason("SuggestionApplied")) === "Applied", "the suggestion applied");
    const applied = field(comments, comment, ".status.appliedCommit");
    gitOk(["fetch", "-q", "fork", "topic"], { cwd: work, as: "alice" });
    expect(gitOk(["show", "FETCH_HEAD:greet.txt"], { cwd: work })).toBe(
      "zero\none\ntwo\nthree\nHello\nfive, more nicely\n",
    );
    const said = gitOk(["log", "-1", "--format=%H %an, %cn: %s%n%b", "FETCH_HEAD"], { cwd: work });
    expect(said).toMatch(new RegExp(`^${applied} \\S.*, Krate: Apply suggestion to greet.txt\n`));
    expect(said).toMatch(/\nCo-authored-by: .+ <.+>\nKrate-Suggestion: /);

    const outdated = create(
      "bob",
      "ReviewComment",
      { generateName: `${pull}-` },
      {
        pullRequest: pull,
        commitSha: commented,
        path: "greet.txt",
        line: 4,
        body: "Or in French?",
        suggestion: { text: "bonjour" },
      },
    );
    await until(() => field(comments, outdated, ".status.outdated") === "true", "the other comment outdated");
    ok("alice", "patch", comments, outdated, "--type=merge", "-p", '{"spec":{"applySuggestion":true}}');
    await until(() => field(comments, outdated, reason("SuggestionApplied")) === "Outdated", "the refusal");
  },
  slow,
);

test(
  "it is merged only as it was looked at, and closes its issue",
  async () => {
    await until(() => field(pulls, pull, ".status.mergeState") === "Clean", "a clean merge");
    await until(() => field(pulls, pull, ".status.patchSet") === "5", "patch set 5");
    const stale = JSON.stringify({ spec: { merged: true, expectedHeadSha: "1".repeat(40) } });
    const refused = kubectl(["patch", pulls, pull, "--type=merge", "-p", stale], { as: "bob", namespace });
    expect(refused.stderr).toContain("the head moved");
    const head = field(pulls, pull, ".status.headSha");
    const exact = JSON.stringify({ spec: { merged: true, mergeMethod: "squash", expectedHeadSha: head } });
    ok("bob", "patch", pulls, pull, "--type=merge", "-p", exact);
    await until(() => field(pulls, pull, ".status.phase") === "Merged", "the merge");
    await until(() => field(pulls, pull, reason("IssuesClosed")) === "Closed", "the issue closed");
    const closed = field(pulls, pull, ".status.closes[0]");
    expect(field(issues, closed, ".spec.state")).toBe("closed");
    gitOk(["fetch", "-q", "origin", "main"], { cwd: work, as: "bob" });
    expect(gitOk(["show", "FETCH_HEAD:greet.txt"], { cwd: work })).toContain("Hello");
    expect(gitOk(["log", "-1", "--format=%B", "FETCH_HEAD"], { cwd: work })).toContain(
      `Krate-Pull-Request: ${namespace}/${pull}@`,
    );
    // The head of a fork is not ours to delete.
    expect(gitOk(["ls-remote", "--heads", "fork", "topic"], { cwd: work, as: "alice" })).toContain(head);

    ok("admin", "delete", "repositories.krate.a5c.ai", "app-fork", "--timeout=60s");
    gitOk(["fetch", "-q", "origin", `refs/pull/${number}/patchsets/1`], { cwd: work, as: "bob" });
  },
  slow,
);
