/**
 * A real Kyverno judges pull requests with policies in its own syntax. Nothing of Krate knows Kyverno: whoever stores the
 * records calls the webhooks that it registers (ADM-02, ADM-03, the MVP demo).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { eventually, type Kyverno, skipWithout, startKyverno } from "@krate/testing";
import { checkout, krateCommand, startTestForge, type TestForge } from "./forge.ts";

const startTimeoutMilliseconds = 300_000;
const pullRequests = "pullrequests.forge.krate.a5c.ai";

let forge: TestForge;
let kyverno: Kyverno;

/** A forge of its own: a policy of a cluster is a policy for every other test. */
async function startForgeWithKyverno(): Promise<void> {
  forge = await startTestForge({ arguments: ["--without", "console", "process-node"] });
  pushBranches();
  const { kubeconfig } = forge.state();
  kyverno = await startKyverno({ kubeconfig, context: "admin", dataFolder: join(forge.home, "kyverno") });
}

function kubectl(args: readonly string[], input?: unknown) {
  const { kubeconfig, namespace } = forge.state();
  const { status, stdout, stderr } = spawnSync(
    "kubectl",
    ["--kubeconfig", kubeconfig, "--context", "admin", "-n", namespace, ...args],
    { encoding: "utf8", ...(input !== undefined && { input: JSON.stringify(input) }) },
  );
  return { status, stdout, stderr };
}

function ok(args: readonly string[], input?: unknown): string {
  const { status, stdout, stderr } = kubectl(args, input);
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${status}:\n${stderr}`);
  return stdout;
}

/** Pull requests need a repository with two branches. */
function pushBranches(): void {
  const { gitUrl, kubeconfig, namespace } = forge.state();
  const repository = { apiVersion: "krate.a5c.ai/v1alpha1", kind: "Repository", metadata: { name: "app" } };
  ok(["create", "-f", "-"], { ...repository, spec: { organizationRef: "demo" } });
  ok(["wait", "repositories.krate.a5c.ai/app", "--for=condition=Ready", "--timeout=60s"]);
  const helper = [...krateCommand(), "credential", "--kubeconfig", kubeconfig, "--context", "alice"];
  const folder = mkdtempSync(join(tmpdir(), "krate-kyverno-"));
  const git = (...args: string[]) => {
    const credential = `credential.helper=!${helper.map((part) => `'${part}'`).join(" ")}`;
    const person = ["-c", "user.name=Alice", "-c", "user.email=alice@example.test"];
    const result = spawnSync("git", ["-c", "credential.helper=", "-c", credential, ...person, ...args], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
    });
    if (result.status !== 0) throw new Error(`git ${args.join(" ")} ended with ${result.status}:\n${result.stderr}`);
  };
  const url = `${gitUrl}/${namespace}/app.git`;
  try {
    git("init", "-q", "-b", "main");
    git("commit", "-q", "--allow-empty", "-m", "first");
    git("push", "-q", url, "main");
    git("commit", "-q", "--allow-empty", "-m", "second");
    git("push", "-q", url, "main:topic");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const pullRequest = (name: string, spec: object) => ({
  apiVersion: "forge.krate.a5c.ai/v1alpha1",
  kind: "PullRequest",
  metadata: { name },
  spec: { organizationRef: "demo", repository: "app", title: "Greet everybody", head: "topic", base: "main", ...spec },
});

const create = (name: string, spec: object) => kubectl(["create", "-f", "-"], pullRequest(name, spec));
/** Merges, but changes nothing: what is asked is whether it would be let through. */
const tryMerge = (name: string) => kubectl([...["patch", pullRequests, name, "--dry-run=server"], ...merge]);
const merge = ["--type=merge", "-p", '{"spec":{"merged":true}}'];

const examples = {
  description: "kyverno-pr-policy.yaml",
  workInProgress: "kyverno-block-wip-merges.yaml",
  approval: "kyverno-require-approval.yaml",
};
const fileOf = (example: string) => join(checkout, "examples", "policies", example);

/** Kyverno saw it and registered its webhook; the API server that calls it learns of that a moment later. */
const inForce = { timeoutSeconds: 60, intervalMilliseconds: 200 };

skipWithout(
  "kyverno",
  "kubectl",
  "git",
)("a forge with Kyverno", () => {
  beforeAll(startForgeWithKyverno, startTimeoutMilliseconds);
  afterAll(async () => {
    await kyverno?.stop();
    await forge?.stop();
  }, 60_000);
  afterEach(() => {
    ok(["delete", pullRequests, "--all"]);
    for (const example of Object.values(examples)) ok(["delete", "-f", fileOf(example), "--ignore-not-found"]);
  });

  test("the MVP demo: one kubectl apply of a Kyverno policy blocks a pull request, deleting it lets it through", async () => {
    expect(ok(["apply", "-f", fileOf(examples.description)])).toBe(
      "clusterpolicy.kyverno.io/require-pr-description created\n",
    );
    ok(["wait", "clusterpolicy/require-pr-description", "--for=condition=Ready", "--timeout=60s"]);
    const blocked = await eventually(() => refused(create(`silent-${Date.now()}`, {})), {
      ...inForce,
      description: "a pull request without a description being refused",
    });
    expect(blocked).toMatch(
      /^Error from server: error when creating "STDIN": admission webhook "validate.kyverno.svc-fail" denied the request: /,
    );
    expect(blocked).toContain("was blocked due to the following policies");
    expect(blocked).toContain("require-pr-description:");
    expect(blocked).toContain("a pull request needs a description that says why");
    expect(create("explained", { body: "Because a greeting without a name is a notice." })).toMatchObject({
      status: 0,
      stderr: "",
    });
    expect(ok(["get", "clusterpolicies"])).toMatch(
      /^NAME +ADMISSION +BACKGROUND +READY.*\nrequire-pr-description +true/,
    );

    ok(["delete", "clusterpolicy", "require-pr-description"]);
    await eventually(() => create("silent", {}).status === 0, {
      ...inForce,
      description: "a pull request without a description being let through again",
    });
  });

  test("a ClusterPolicy blocks the merge of work in progress, not its creation", async () => {
    ok(["apply", "-f", fileOf(examples.workInProgress)]);
    expect(create("unfinished", { title: "WIP: greet everybody" })).toMatchObject({ status: 0 });
    const blocked = await eventually(() => refused(tryMerge("unfinished")), {
      ...inForce,
      description: "the merge of work in progress being refused",
    });
    expect(blocked).toContain('admission webhook "validate.kyverno.svc-fail" denied the request');
    expect(blocked).toContain("block-wip-merges:");
    expect(blocked).toContain("not-work-in-progress: the title says that this is work in progress");
    ok(["patch", pullRequests, "unfinished", "--type=merge", "-p", '{"spec":{"title":"Greet everybody"}}']);
    expect(tryMerge("unfinished")).toMatchObject({ status: 0, stderr: "" });
  });

  test("a ValidatingPolicy in CEL blocks a merge without an approval", async () => {
    ok(["apply", "-f", fileOf(examples.approval)]);
    expect(create("lonely", { body: "Nobody looked at it." })).toMatchObject({ status: 0 });
    const blocked = await eventually(() => refused(tryMerge("lonely")), {
      ...inForce,
      description: "the merge without an approval being refused",
    });
    expect(blocked).toContain("denied the request");
    expect(blocked).toContain("require-approval");
    expect(blocked).toContain("pull request lonely has no approval of its head commit yet");
    expect(ok(["get", "validatingpolicies.policies.kyverno.io", "-o", "name"])).toBe(
      "validatingpolicy.policies.kyverno.io/require-approval\n",
    );

    ok(["delete", "validatingpolicies.policies.kyverno.io", "require-approval"]);
    await eventually(() => tryMerge("lonely").status === 0, {
      ...inForce,
      description: "the merge being let through again",
    });
  });

  test("a policy that Kyverno cannot use is refused by Kyverno", () => {
    const policy = {
      apiVersion: "kyverno.io/v1",
      kind: "ClusterPolicy",
      metadata: { name: "no-rules" },
      spec: { rules: [{ name: "nothing", match: { any: [{ resources: { kinds: ["PullRequest"] } }] } }] },
    };
    const { status, stderr } = kubectl(["create", "-f", "-"], policy);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('admission webhook "validate-policy.kyverno.svc" denied the request'),
    });
  });
});

/** What kubectl said when it was refused; undefined when it was not. */
function refused({ status, stderr }: { status: number | null; stderr: string }): string | undefined {
  return status === 0 ? undefined : stderr;
}
