import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import { type Cluster, cluster, mergePatch } from "../testing/cluster.ts";

// A whole server per file.
jest.setTimeout(60_000);

const root = "/apis/forge.krate.a5c.ai/v1alpha1/namespaces/acme";
const sha = "1".repeat(40);
const operator = "system:serviceaccount:krate-system:repository-operator,system:masters";
const runner = "system:serviceaccount:krate-system:runner-operator,system:masters";

let server: Cluster;

/** The CRDs of the configuration that records are judged by, without their schemas. */
const configKinds = {
  Repository: "repositories",
  BranchProtection: "branchprotections",
  MergeQueue: "mergequeues",
  RunnerPool: "runnerpools",
  Team: "teams",
};

async function installConfigKinds(): Promise<void> {
  for (const [kind, plural] of Object.entries(configKinds)) {
    const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    await server.apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.krate.a5c.ai` },
      spec: {
        group: "krate.a5c.ai",
        scope: "Namespaced",
        names: { kind, plural },
        versions: [{ name: "v1alpha1", served: true, storage: true, schema: { openAPIV3Schema } }],
      },
    });
  }
}

const config = (kind: keyof typeof configKinds, name: string, spec: JsonObject) =>
  server.apply(`/apis/krate.a5c.ai/v1alpha1/namespaces/acme/${configKinds[kind]}`, {
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind,
    metadata: { name, namespace: "acme" },
    spec: { organizationRef: "acme", ...spec },
  });

const create = (plural: string, kind: string, name: string, spec: JsonObject, user?: string) =>
  server.send({
    method: "POST",
    url: `${root}/${plural}`,
    ...(user !== undefined && { user }),
    body: {
      apiVersion: "forge.krate.a5c.ai/v1alpha1",
      kind,
      metadata: name.endsWith("-") ? { generateName: name } : { name },
      spec: { organizationRef: "acme", ...spec },
    },
  });

const patch = (path: string, body: JsonObject, user?: string) =>
  server.send({
    method: "PATCH",
    url: `${root}/${path}`,
    headers: mergePatch,
    body,
    ...(user !== undefined && { user }),
  });

const pullRequest = (name: string, more: JsonObject = {}, user = "alice,system:masters") =>
  create("pullrequests", "PullRequest", name, { repository: "web", title: "t", head: "feature", ...more }, user);

beforeAll(async () => {
  server = await cluster();
  await installConfigKinds();
  await server.send({
    method: "POST",
    url: "/api/v1/namespaces",
    body: { metadata: { name: "acme", labels: { "krate.a5c.ai/org": "acme" } } },
  });
  await config("Repository", "web", {
    defaultBranch: "trunk",
    ci: { defaultRunnerPool: "trusted", untrustedRunnerPool: "forks" },
  });
  await config("Repository", "old", { archived: true });
  await config("RunnerPool", "trusted", { trustTier: "trusted" });
  await config("Team", "reviewers", { members: ["bob"] });
});
afterAll(() => server.stop());

describe("every record", () => {
  test("belongs to the organization of its namespace", async () => {
    const { json } = await create("issues", "Issue", "i-wrong", { organizationRef: "other", title: "t" });
    expect(json).toMatchObject({ code: 422, details: { causes: [{ field: "spec.organizationRef" }] } });
  });

  test("says who made it and where it is stored, whatever the client claims", async () => {
    const { json } = await server.send({
      method: "POST",
      url: `${root}/issues`,
      user: "alice,system:masters",
      body: {
        metadata: { name: "i1", annotations: { "krate.a5c.ai/created-by": "root" } },
        spec: { organizationRef: "acme", title: "t" },
        status: { number: 99 },
      },
    });
    expect(json).toMatchObject({
      metadata: {
        annotations: { "krate.a5c.ai/created-by": "alice" },
        labels: { "krate.a5c.ai/org": "acme", "krate.a5c.ai/author": "alice", "krate.a5c.ai/phase": "Triage" },
      },
      status: { storage: "postgres", author: { user: "alice" }, number: 1, phase: "Triage" },
    });
    const { json: patched } = await patch("issues/i1", {
      metadata: { annotations: { "krate.a5c.ai/created-by": "bob" } },
    });
    expect(patched["metadata"]).toMatchObject({ annotations: { "krate.a5c.ai/created-by": "alice" } });
  });

  test("keeps mirrored labels equal to their fields", async () => {
    expect((await patch("issues/i1", { metadata: { labels: { "krate.a5c.ai/phase": "Closed" } } })).json).toMatchObject(
      { code: 422, details: { causes: [{ field: "metadata.labels[krate.a5c.ai/phase]" }] } },
    );
    const { json } = await patch("issues/i1", { spec: { labels: ["good first"], state: "closed" } });
    expect(json).toMatchObject({
      metadata: { labels: { "krate.a5c.ai/phase": "Closed", "label.krate.a5c.ai/good_first": "true" } },
      status: { phase: "Closed", closedBy: "admin" },
    });
  });
});

describe("a pull request", () => {
  test("gets number, name, base, trust and phase", async () => {
    const { json } = await pullRequest("web-");
    const { number } = json["status"] as { number: number };
    expect(json).toMatchObject({
      metadata: { name: `web-${number}` },
      spec: { base: "trunk" },
      status: { phase: "Open", trust: { tier: "trusted", fork: false } },
    });
    const fork = await pullRequest("web-", { headRepository: { organization: "mallory", name: "web" } });
    expect(fork.json["status"]).toMatchObject({ number: number + 1, trust: { tier: "untrusted", fork: true } });
  });

  const refused = [
    { more: { repository: "none" }, field: "spec.repository", reason: "a repository that is not there" },
    { more: { repository: "old" }, field: "spec.repository", reason: "an archived repository" },
    { more: { merged: true }, field: "spec.merged", reason: "born merged" },
  ];
  test.each(refused)("is refused: $reason", async ({ more, field }) => {
    expect((await pullRequest("x", more)).json).toMatchObject({ code: 422, details: { causes: [{ field }] } });
  });

  test("a dry run takes no number", async () => {
    const before = (await pullRequest("web-")).json["status"] as { number: number };
    await server.send({
      method: "POST",
      url: `${root}/pullrequests?dryRun=All`,
      body: {
        metadata: { generateName: "web-" },
        spec: { organizationRef: "acme", repository: "web", title: "t", head: "f" },
      },
    });
    const after = (await pullRequest("web-")).json["status"] as { number: number };
    expect(after.number).toBe(before.number + 1);
  });

  test("closes and opens again, says by whom", async () => {
    await pullRequest("pr-close");
    expect((await patch("pullrequests/pr-close", { spec: { closed: true } })).json["status"]).toMatchObject({
      phase: "Closed",
      closedBy: "admin",
    });
    expect((await patch("pullrequests/pr-close", { spec: { merged: true, closed: false } })).status).toBe(422);
    expect(
      (await patch("pullrequests/pr-close", { spec: { closed: false, draft: true } })).json["status"],
    ).toMatchObject({ phase: "Draft" });
  });

  test("cannot be called merged by a status write", async () => {
    await pullRequest("pr-forge");
    expect((await patch("pullrequests/pr-forge/status", { status: { phase: "Merged" } })).status).toBe(422);
  });
});

describe("the merge gate", () => {
  // No administrator: `update repositories/admin` bypasses.
  const merger = "merger,system:authenticated";
  const merge = () => patch("pullrequests/gate", { spec: { merged: true } }, merger);

  beforeAll(async () => {
    await config("BranchProtection", "trunk", {
      refs: ["refs/heads/trunk"],
      requiredApprovals: 1,
      requiredChecks: ["test"],
      requiredTeams: ["reviewers"],
    });
    const rules = [
      { apiGroups: ["forge.krate.a5c.ai"], resources: ["pullrequests"], verbs: ["get", "patch"] },
      { apiGroups: ["krate.a5c.ai"], resources: ["repositories/content"], verbs: ["update"] },
    ];
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/acme";
    await server.send({ method: "POST", url: `${rbac}/roles`, body: { metadata: { name: "merger" }, rules } });
    await server.send({
      method: "POST",
      url: `${rbac}/rolebindings`,
      body: {
        metadata: { name: "merger" },
        roleRef: { kind: "Role", name: "merger" },
        subjects: [{ kind: "User", name: "merger" }],
      },
    });
    await pullRequest("gate");
    await patch("pullrequests/gate/status", { status: { headSha: sha } }, operator);
    await eventually(
      async () => (await server.send({ url: `${root}/pullrequests/gate`, user: merger })).status === 200,
    );
  });

  test("names everything that is missing", async () => {
    const { json } = await eventually(async () => {
      const answer = await merge();
      return answer.status === 403 ? answer : undefined;
    });
    expect(json["message"]).toMatch(
      /BranchProtection\/trunk does not allow the merge: 0 of 1 required approvals.*no member of team reviewers.*required check "test" has not run/,
    );
  });

  test("does not count the author, nor a review of an older head", async () => {
    const review = (user: string, more: JsonObject = {}) =>
      create(
        "reviews",
        "Review",
        "r-",
        { pullRequest: "gate", decision: "approve", ...more },
        `${user},system:masters`,
      );
    expect((await review("alice")).json).toMatchObject({
      code: 403,
      message: expect.stringContaining("you cannot approve your own pull request"),
    });
    const { json } = await review("bob", { commitSha: "2".repeat(40) });
    expect(json).toMatchObject({
      status: { author: { user: "bob" }, authorTeams: ["reviewers"] },
      metadata: { ownerReferences: [{ kind: "PullRequest", name: "gate" }] },
    });
    expect((await merge()).json["message"]).toContain("0 of 1 required approvals");
    expect((await review("bob")).json["spec"]).toMatchObject({ commitSha: sha });
  });

  test("opens when reviews and checks are there; the operator may reset", async () => {
    await create("checkruns", "CheckRun", "check", { repository: "web", sha, name: "test" });
    expect((await merge()).json["message"]).toMatch(/required check "test" has not completed/);
    await patch("checkruns/check/status", { status: { phase: "Completed", conclusion: "success" } });
    expect((await merge()).json["status"]).toMatchObject({ phase: "Merging", mergedBy: "merger" });
    expect((await patch("pullrequests/gate", { spec: { merged: false } })).status).toBe(403);
    expect((await patch("pullrequests/gate", { spec: { merged: false } }, operator)).json["status"]).toMatchObject({
      phase: "Open",
    });
  });

  test("a request for changes closes it again", async () => {
    await create(
      "reviews",
      "Review",
      "no",
      { pullRequest: "gate", decision: "request-changes" },
      "carol,system:masters",
    );
    expect((await merge()).json["message"]).toContain("carol requested changes");
    await patch("reviews/no", { spec: { dismissed: true, dismissReason: "settled" } });
    expect((await merge()).status).toBe(200);
    await patch("pullrequests/gate/status", { status: { phase: "Merged" } }, operator);
    expect((await patch("pullrequests/gate", { spec: { merged: false } }, operator)).status).toBe(422);
  });

  test("an administrator bypasses with a warning", async () => {
    await pullRequest("bypass");
    await patch("pullrequests/bypass/status", { status: { headSha: sha } }, operator);
    const { status, headers } = await patch("pullrequests/bypass", { spec: { merged: true } });
    expect(status).toBe(200);
    expect(String(headers["warning"])).toContain("merged by bypass");
  });
});

describe("the merge queue's gate", () => {
  const enter = (name: string, user?: string) => patch(`pullrequests/${name}`, { spec: { queued: true } }, user);
  const withHead = async (name: string, more: JsonObject = {}) => {
    await pullRequest(name, more);
    await patch(`pullrequests/${name}/status`, { status: { headSha: sha } }, operator);
  };

  beforeAll(async () => {
    await pullRequest("lonely", { base: "lonely" });
    await config("MergeQueue", "queued", { repository: "web", branch: "queued" });
    await withHead("first", { base: "queued" });
    await eventually(async () => (await enter("first")).status === 200);
  });

  test("writes down who queued which head, and forgets it when it leaves", async () => {
    const { json } = await server.send({ url: `${root}/pullrequests/first` });
    expect((json["status"] as JsonObject)["queue"]).toMatchObject({
      by: "admin",
      headSha: sha,
      at: expect.any(String),
    });
    const { json: left } = await patch("pullrequests/first", { spec: { queued: false } });
    expect(left["status"]).not.toHaveProperty("queue");
  });

  test.each([
    { reason: "no queue", name: "no-queue", more: { base: "other" }, says: "there is no MergeQueue for branch other" },
    {
      reason: "a draft",
      name: "draft-queued",
      more: { base: "queued", draft: true },
      says: "set draft to false first",
    },
  ])("refuses $reason", async ({ name, more, says }) => {
    await withHead(name, more);
    const { status, json } = await enter(name);
    expect({ status, message: json["message"] }).toEqual({ status: 422, message: expect.stringContaining(says) });
  });

  test("refuses a head that is not known, for now", async () => {
    await pullRequest("headless", { base: "queued" });
    expect((await enter("headless")).status).toBe(409);
  });

  test.each([{ closed: true }, { draft: true }, { base: "elsewhere" }])("%j takes it out", async (change) => {
    const name = `out-${Object.keys(change)[0]}`;
    await withHead(name, { base: "queued" });
    await enter(name);
    const { json } = await patch(`pullrequests/${name}`, { spec: change });
    expect((json["spec"] as JsonObject)["queued"]).toBe(false);
    expect(json["status"]).not.toHaveProperty("queue");
  });

  test("lets only the operator merge what is queued, in the name of who queued it; then nothing leaves", async () => {
    await withHead("landing", { base: "queued" });
    await enter("landing", "carol,system:masters");
    expect((await patch("pullrequests/landing", { spec: { merged: true } })).status).toBe(403);
    const { json } = await patch("pullrequests/landing", { spec: { merged: true } }, operator);
    expect(json["status"]).toMatchObject({ phase: "Merging", mergedBy: "carol" });
    for (const user of [undefined, operator])
      expect((await patch("pullrequests/landing", { spec: { queued: false } }, user)).status).toBe(422);
    await patch("pullrequests/landing", { spec: { merged: false } }, operator);
    expect((await patch("pullrequests/landing", { spec: { queued: false } })).status).toBe(200);
  });

  test("refuses to land another head than was queued", async () => {
    await withHead("moved", { base: "queued" });
    await enter("moved");
    await patch("pullrequests/moved/status", { status: { headSha: "2".repeat(40) } }, operator);
    expect((await patch("pullrequests/moved", { spec: { merged: true } }, operator)).status).toBe(409);
  });
});

describe("a pipeline", () => {
  const pipeline = (name: string, more: JsonObject = {}) =>
    create("pipelines", "Pipeline", name, {
      repository: "web",
      ref: "refs/heads/trunk",
      workflow: ".krate/workflows/ci.yaml",
      ...more,
    });

  test("is trusted for the repository's own code, and runs in its pool", async () => {
    expect((await pipeline("web-ci-")).json).toMatchObject({
      metadata: { name: "web-ci-1" },
      spec: { trustTier: "trusted", fork: false, runnerPool: "trusted" },
      status: { phase: "Pending", number: 1 },
    });
  });

  test("of a fork is untrusted, whoever asks, and may not use a trusted pool", async () => {
    await pullRequest("fork", { headRepository: { organization: "mallory", name: "web" } });
    expect((await pipeline("p1", { pullRequest: "fork" })).json["spec"]).toMatchObject({
      trustTier: "untrusted",
      fork: true,
      runnerPool: "forks",
    });
    expect((await pipeline("p2", { pullRequest: "fork", trustTier: "trusted" })).status).toBe(422);
    expect((await pipeline("p3", { pullRequest: "fork", runnerPool: "trusted" })).json).toMatchObject({
      code: 403,
      message: expect.stringContaining("untrusted code may not run in RunnerPool"),
    });
    expect((await pipeline("p4", { rerunOf: "p1" })).json["spec"]).toMatchObject({
      trustTier: "untrusted",
      pullRequest: "fork",
    });
  });
});

describe("kinds that one program writes", () => {
  const job = { pipeline: "p", job: "a", runnerPool: "forks", trustTier: "untrusted" };

  test("jobs, git events and audit events are not made by people", async () => {
    expect((await create("jobs", "Job", "j", job)).status).toBe(403);
    const event = {
      repository: "web",
      ref: "refs/heads/a",
      oldSha: sha,
      newSha: sha,
      action: "update",
      decision: "Accepted",
      actor: { user: "a" },
      transport: "http",
      receivedAt: "2026-01-01T00:00:00Z",
    };
    expect((await create("gitevents", "GitEvent", "g", event)).status).toBe(403);
    const gateway = "system:serviceaccount:krate-system:git-gateway,system:masters";
    expect((await create("gitevents", "GitEvent", "g", event, gateway)).status).toBe(201);
    expect((await patch("gitevents/g", { metadata: { labels: { a: "b" } } }, gateway)).status).toBe(405);
  });

  test("a delivery is a test or a replay", async () => {
    const delivery = { subscription: "s", eventType: "ping" };
    expect((await create("webhookdeliveries", "WebhookDelivery", "d1", delivery)).status).toBe(403);
    expect(
      (await create("webhookdeliveries", "WebhookDelivery", "d2", { ...delivery, test: true })).json,
    ).toMatchObject({ metadata: { labels: { subscription: "s", status: "pending" } } });
  });

  test("a job's log is stored by runner-operator and read by everybody who may", async () => {
    await create("jobs", "Job", "j", job, runner);
    expect((await server.send({ url: `${root}/jobs/j/log` })).status).toBe(400);
    const put = (user: string) =>
      server.send({ method: "PUT", url: `${root}/jobs/j/log`, user, body: "line 1\nline 2\n" });
    expect((await put(runner)).status).toBe(200);
    const log = await server.send({ url: `${root}/jobs/j/log?follow=true` });
    expect(log).toMatchObject({
      status: 200,
      text: "line 1\nline 2\n",
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  });
});
