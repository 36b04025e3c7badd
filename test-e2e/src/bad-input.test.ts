/** Bad input gets an error that says what is wrong, and changes nothing. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import {
  cloneUrl,
  freshNamespace,
  git,
  gitOk,
  kubectl,
  kubectlOk,
  type Person,
  type RunOptions,
} from "./shared-forge.ts";

const forgeVersion = "forge.krate.a5c.ai/v1alpha1";
const configVersion = "krate.a5c.ai/v1alpha1";

let namespace: string;
let folder: string;

const ok = (args: readonly string[], options: RunOptions = {}) => kubectlOk(args, { namespace, ...options });
const create = (object: object, as: Person = "alice") =>
  kubectl(["create", "-f", "-"], { namespace, as, input: JSON.stringify(object) });
const record = (kind: string, name: string, spec: object) => ({
  apiVersion: forgeVersion,
  kind,
  metadata: { name },
  spec: { organizationRef: "demo", ...spec },
});
const alice = (...args: string[]) =>
  gitOk(["-c", "user.name=Alice", "-c", "user.email=alice@example.test", ...args], { cwd: folder });

beforeAll(() => {
  namespace = freshNamespace("bad");
  folder = mkdtempSync(join(tmpdir(), "krate-bad-"));
  const repository = {
    apiVersion: configVersion,
    kind: "Repository",
    metadata: { name: "app" },
    spec: { organizationRef: "demo" },
  };
  ok(["create", "-f", "-"], { input: JSON.stringify(repository) });
  ok(["wait", "repositories.krate.a5c.ai/app", "--for=condition=Ready", "--timeout=60s"]);
  alice("init", "-q", "-b", "main");
  alice("commit", "-q", "--allow-empty", "-m", "first");
  alice("branch", "topic");
  alice("push", "-q", cloneUrl(namespace, "app"), "main");
  alice("switch", "-q", "topic");
  alice("commit", "-q", "--allow-empty", "-m", "second");
  alice("push", "-q", cloneUrl(namespace, "app"), "topic");
  ok(["create", "-f", "-"], { as: "alice", input: JSON.stringify(record("Issue", "kept", { title: "Kept" })) });
  const change = record("PullRequest", "change", { repository: "app", title: "A change", head: "topic", base: "main" });
  ok(["create", "-f", "-"], { as: "alice", input: JSON.stringify(change) });
});
afterAll(() => {
  kubectlOk(["delete", "repositories.krate.a5c.ai", "--all"], { namespace });
  kubectlOk(["delete", "namespace", namespace, "--wait=false"]);
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  body: string;
}

interface UserEntry {
  name: string;
  user: { token?: string };
}

function kubeconfig() {
  return JSON.parse(kubectlOk(["config", "view", "--raw", "-o", "json"])) as {
    clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
    users: UserEntry[];
  };
}

function tokenOf(person: Person): string {
  const token = kubeconfig().users.find(({ name }) => name === person)?.user.token;
  if (!token) throw new Error(`the kubeconfig has no token for ${person}`);
  return token;
}

/** One HTTPS request to the API server, as kubectl cannot make it. */
function api(method: string, path: string, body?: string, person: Person = "alice"): Promise<Answer> {
  const { server, "certificate-authority-data": ca } = kubeconfig().clusters[0]?.cluster ?? {
    server: "",
    "certificate-authority-data": "",
  };
  const headers = { authorization: `Bearer ${tokenOf(person)}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server), { method, headers, ca: Buffer.from(ca, "base64") }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const issuesPath = () => `/apis/${forgeVersion}/namespaces/${namespace}/issues`;
const issueNames = () => ok(["get", "issues.forge.krate.a5c.ai", "-o", "name"]);

describe("objects", () => {
  test.each([
    {
      reason: "unknown field, of a record",
      object: record("Issue", "bad", { title: "x", colour: "red" }),
      says: 'strict decoding error: unknown field "spec.colour"',
    },
    {
      reason: "unknown field, of a custom resource",
      object: {
        apiVersion: configVersion,
        kind: "Repository",
        metadata: { name: "bad" },
        spec: { organizationRef: "demo", colour: "red" },
      },
      as: "admin" as const,
      says: 'strict decoding error: unknown field "spec.colour"',
    },
    { reason: "wrong type", object: record("Issue", "bad", { title: 7 }), says: "spec.title" },
    {
      reason: "value that is not allowed",
      object: record("Issue", "bad", { title: "x", state: "lost" }),
      says: '"open"',
    },
    { reason: "missing field", object: record("Issue", "bad", {}), says: "spec.title: Required value" },
    { reason: "name that is none", object: record("Issue", "Bad Name", { title: "x" }), says: "metadata.name" },
    {
      reason: "organization of another namespace",
      object: record("Issue", "bad", { title: "x", organizationRef: "other" }),
      says: 'belongs to organization "demo"',
    },
    {
      reason: "repository that does not exist",
      object: record("PullRequest", "bad", { repository: "nowhere", title: "x", head: "a", base: "main" }),
      says: "nowhere",
    },
  ])("$reason: refused, nothing is created", ({ object, says, as }) => {
    const before = issueNames();
    const result = create(object, as);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(says);
    expect(issueNames()).toBe(before);
  });

  test("an unknown kind is 404, for kubectl as for everybody", async () => {
    const path = `/apis/${forgeVersion}/namespaces/${namespace}/wishes`;
    const { status, body } = await api(
      "POST",
      path,
      JSON.stringify({ apiVersion: forgeVersion, kind: "Wish" }),
      "admin",
    );
    expect(status).toBe(404);
    expect(body).toMatch(/not found|could not find/);
    // As admin: for an unknown kind kubectl lists CRDs first, which a developer may not.
    const wish = create({ apiVersion: forgeVersion, kind: "Wish", metadata: { name: "bad" } }, "admin");
    expect(wish).toMatchObject({ code: 1, stderr: expect.stringContaining(`no matches for kind "Wish" in version`) });
    const result = kubectl(["get", "wishes"], { namespace });
    expect(result).toMatchObject({ code: 1, stderr: `error: the server doesn't have a resource type "wishes"\n` });
  });

  test("an object larger than 1.5 MB is 413", async () => {
    const large = record("Issue", "large", { title: "x", body: "x".repeat(1_700_000) });
    const { status, body } = await api("POST", issuesPath(), JSON.stringify(large));
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ kind: "Status", reason: "RequestEntityTooLarge", code: 413 });
    expect(issueNames()).not.toContain("large");
  });

  test("a body that is not JSON is 400", async () => {
    const { status, body } = await api("POST", issuesPath(), '{"kind":');
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ kind: "Status", reason: "BadRequest" });
  });

  test("a stale resourceVersion is 409 and changes nothing", () => {
    const kept = ok(["get", "issues.forge.krate.a5c.ai", "kept", "-o", "json"]);
    ok(["patch", "issues.forge.krate.a5c.ai", "kept", "--type=merge", "-p", '{"spec":{"body":"newer"}}']);
    const stale = JSON.parse(kept) as { spec: object };
    const input = JSON.stringify({ ...stale, spec: { ...stale.spec, body: "older" } });
    const result = kubectl(["replace", "-f", "-"], { namespace, as: "alice", input });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("Error from server (Conflict)");
    expect(result.stderr).toContain("the object has been modified");
    expect(ok(["get", "issues.forge.krate.a5c.ai", "kept", "-o", "jsonpath={.spec.body}"])).toBe("newer");
  });

  test("a continue token that is none is 400", async () => {
    const { status, body } = await api("GET", `${issuesPath()}?limit=1&continue=nonsense`);
    expect(status).toBe(400);
    expect(JSON.parse(body).message).toContain("continue");
  });
});

describe("what nobody may do", () => {
  test("a person cannot make a Job: it could choose its identity", () => {
    const result = create(record("Job", "bad", { pipeline: "none", job: "bad" }), "alice");
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("jobs are created only by system:serviceaccount:krate-system:runner-operator");
    expect(ok(["get", "jobs.forge.krate.a5c.ai", "-o", "name"])).toBe("");
  });

  test("a person cannot make a GitEvent: the log is evidence", async () => {
    const path = `/apis/${forgeVersion}/namespaces/${namespace}/gitevents`;
    const before = ok(["get", "gitevents.forge.krate.a5c.ai", "-o", "name"]);
    const { status, body } = await api("POST", path, JSON.stringify(record("GitEvent", "bad", {})));
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ kind: "Status", reason: "Forbidden", details: { kind: "gitevents" } });
    expect(JSON.parse(body).message).toContain(
      'User "alice" cannot create resource "gitevents" in API group "forge.krate.a5c.ai"',
    );
    expect(ok(["get", "gitevents.forge.krate.a5c.ai", "-o", "name"])).toBe(before);
  });

  test("nobody approves a pull request of her own", () => {
    const result = create(record("Review", "own", { pullRequest: "change", decision: "approve" }));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("you cannot approve your own pull request: ask somebody else for a review");
    expect(ok(["get", "reviews.forge.krate.a5c.ai", "-o", "name"])).toBe("");
  });

  test("a closed pull request is not merged", () => {
    const patch = (spec: object) =>
      kubectl(["patch", "pullrequests.forge.krate.a5c.ai", "change", "--type=merge", "-p", JSON.stringify({ spec })], {
        namespace,
        as: "alice",
      });
    expect(patch({ closed: true })).toMatchObject({ code: 0 });
    const refused = patch({ merged: true });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("a pull request in phase Closed cannot be merged: set closed to false first");
    const merged = ["get", "pullrequests.forge.krate.a5c.ai", "change", "-o", "jsonpath={.spec.merged}{.status.phase}"];
    expect(ok(merged)).toMatch(/^(false)?Closed$/);
  });

  test("without permission the answer is 403 and says who, verb and resource", () => {
    const result = kubectl(["delete", "repositories.krate.a5c.ai", "app"], { namespace, as: "bob" });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain("Error from server (Forbidden)");
    expect(result.stderr).toContain(
      `User "bob" cannot delete resource "repositories" in API group "krate.a5c.ai" in the namespace "${namespace}"`,
    );
    expect(ok(["get", "repositories.krate.a5c.ai", "app", "-o", "name"])).toBe("repository.krate.a5c.ai/app\n");
  });
});

describe("git", () => {
  const refs = () => gitOk(["ls-remote", cloneUrl(namespace, "app")]);

  test("a push to a repository that does not exist says so", () => {
    const result = git(["push", cloneUrl(namespace, "nowhere"), "topic"], { cwd: folder });
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(/repository .*(not found|does not exist)/);
  });

  async function receivePack(body: string | Buffer): Promise<Answer> {
    const response = await fetch(`${cloneUrl(namespace, "app")}/git-receive-pack`, {
      method: "POST",
      headers: {
        authorization: `Basic ${Buffer.from(`alice:${tokenOf("alice")}`).toString("base64")}`,
        "content-type": "application/x-git-receive-pack-request",
      },
      body: typeof body === "string" ? body : new Uint8Array(body),
    });
    return { status: response.status, body: await response.text() };
  }

  const zero = "0".repeat(40);
  const one = "1".repeat(40);
  const packetOf = (text: string) => (text.length + 4).toString(16).padStart(4, "0") + text;

  test.each([
    { reason: "a length that is not hexadecimal", body: "zzzz" },
    { reason: "a length that is longer than what follows", body: "00ffshort" },
    { reason: "a command that is none", body: `${packetOf("what is this")}0000` },
  ])("a malformed pkt-line is 400 and moves no ref: $reason", async ({ body }) => {
    const before = refs();
    const answer = await receivePack(body);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toBe("");
    expect(answer.body).not.toContain("the server failed");
    expect(refs()).toBe(before);
  });

  test("a malformed pack is refused and moves no ref", async () => {
    const before = refs();
    const command = packetOf(`${zero} ${one} refs/heads/bad\0report-status`);
    const answer = await receivePack(`${command}0000PACK this is none`);
    expect(answer.body).not.toContain("ok refs/heads/bad");
    expect(answer.body).not.toContain("the server failed");
    expect(answer.body).toMatch(/unpack |pack/);
    expect(refs()).toBe(before);
  });
});

test("a workflow with a syntax error fails its Pipeline, which names file, line and column, whether or not a runner could run it", async () => {
  mkdirSync(join(folder, ".krate/workflows"), { recursive: true });
  writeFileSync(join(folder, ".krate/workflows/ci.yaml"), "name: ci\non: push\njobs:\n  test: [unclosed\n");
  alice("add", "-A");
  alice("commit", "-qm", "a broken workflow");
  alice("push", "-q", cloneUrl(namespace, "app"), "topic:broken");
  const condition = '{.items[*].status.conditions[?(@.type=="WorkflowResolved")].message}';
  let message = "";
  await eventually(
    () => {
      message = ok(["get", "pipelines.forge.krate.a5c.ai", "-o", `jsonpath=${condition}`]);
      return message !== "";
    },
    { timeoutSeconds: 60, description: "the condition of the Pipeline" },
  );
  expect(message).toMatch(/\.krate\/workflows\/ci\.yaml:\d+:\d+: /);
  expect(ok(["get", "jobs.forge.krate.a5c.ai", "-o", "name"])).toBe("");
});
