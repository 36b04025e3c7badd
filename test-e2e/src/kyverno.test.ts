/**
 * A real Kyverno judges pull requests with policies in its own syntax. Nothing of Krate knows Kyverno: whoever stores the
 * records calls the webhooks that it registers (ADM-02, ADM-03, the MVP demo).
 */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { eventually, skipWithout } from "@krate/testing";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, signedInPage } from "./browser.ts";
import { checkout } from "./forge.ts";
import { type KyvernoForge, type Output, pushBranches, startKyvernoForge } from "./kyverno-forge.ts";

const startTimeoutMilliseconds = 300_000;
const pullRequests = "pullrequests.forge.krate.a5c.ai";

let forge: KyvernoForge;
const kubectl: KyvernoForge["kubectl"] = (args, input) => forge.kubectl(args, input);
const ok: KyvernoForge["ok"] = (args, input) => forge.ok(args, input);

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

const createRepository = (name: string, spec: object) =>
  kubectl(["create", "--dry-run=server", "-f", "-"], {
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind: "Repository",
    metadata: { name },
    spec: { organizationRef: "demo", ...spec },
  });

const describedRepositories = {
  apiVersion: "policies.kyverno.io/v1",
  kind: "ValidatingPolicy",
  metadata: { name: "described-repositories" },
  spec: {
    validationActions: ["Deny"],
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: ["krate.a5c.ai"],
          apiVersions: ["v1alpha1"],
          operations: ["CREATE"],
          resources: ["repositories"],
        },
      ],
    },
    validations: [{ expression: "has(object.spec.description)", message: "a repository says what it is for" }],
  },
};

const triagedPullRequests = {
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "triage-pull-requests" },
  spec: {
    rules: [
      {
        name: "triage",
        match: { any: [{ resources: { kinds: ["forge.krate.a5c.ai/v1alpha1/PullRequest"], operations: ["CREATE"] } }] },
        mutate: { patchStrategicMerge: { metadata: { labels: { "+(triage)": "needed" } } } },
      },
    ],
  },
};

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
  beforeAll(async () => {
    forge = await startKyvernoForge();
    pushBranches(forge);
  }, startTimeoutMilliseconds);
  afterAll(() => forge?.stop(), 60_000);
  afterEach(() => {
    ok(["delete", "clusterpolicies,validatingpolicies.policies.kyverno.io", "--all"]);
    ok(["delete", pullRequests, "--all"]);
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

  skipWithout("chromium")("in a real browser", () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchBrowser();
    }, startTimeoutMilliseconds);
    afterAll(() => browser?.close());

    test("the MVP demo: the policy that blocks a pull request is in the Hooks tab without anyone wiring it, and gone when it is deleted", async () => {
      const page = await hooksTab(browser);
      const policies = page.getByRole("region", { name: "Admission policies" });
      const row = (title: string) =>
        policies.getByRole("listitem").filter({ has: page.getByText(title, { exact: true }) });
      await policies.getByText("No policy judges pull requests or issues").waitFor();

      ok(["apply", "-f", fileOf(examples.description)]);
      const blocked = await eventually(() => refused(create(`silent-${Date.now()}`, {})), {
        ...inForce,
        description: "a pull request without a description being refused",
      });
      expect(blocked).toContain("require-pr-description:");
      const shown = row("require-pr-description");
      await shown.getByText("enforce", { exact: true }).waitFor();
      await shown.getByText("Kyverno: ClusterPolicy/require-pr-description").waitFor();
      await shown.getByText("Judges PullRequest (create, update).").waitFor();
      await shown.getByText("a pull request needs a description that says why; set spec.body").waitFor();
      // What carries the policy is shown as well.
      await row("validate.kyverno.svc-fail")
        .getByText(/Carries Kyverno's policies: asks 127\.0\.0\.1:\d+ about PullRequest/)
        .waitFor();

      await page.getByRole("link", { name: "View ClusterPolicy require-pr-description" }).click();
      await page.getByText("kind: ClusterPolicy").waitFor();
      await page.goBack();
      await shown.waitFor();

      ok(["delete", "clusterpolicy", "require-pr-description"]);
      await shown.waitFor({ state: "detached" });
      await policies.getByText("No policy judges pull requests or issues").waitFor();
      await eventually(() => create("silent", {}).status === 0, {
        ...inForce,
        description: "a pull request without a description being let through again",
      });
    });

    test("policies in CEL that are there already are shown with what they need to apply", async () => {
      ok(["apply", "-f", fileOf(examples.approval)]);
      const page = await hooksTab(browser);
      const row = page.getByRole("listitem").filter({ has: page.getByText("require-approval", { exact: true }) });
      await row.getByText("Kyverno: ValidatingPolicy/require-approval").waitFor();
      await row.getByText("enforce", { exact: true }).waitFor();
      await row.getByText("Only when condition merge-requested holds.").waitFor();
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

  test("a policy judges custom resources as it judges records", async () => {
    ok(["create", "-f", "-"], describedRepositories);
    const blocked = await eventually(() => refused(createRepository(`silent-${Date.now()}`, {})), {
      ...inForce,
      description: "a repository without a description being refused",
    });
    expect(blocked).toContain("described-repositories");
    expect(blocked).toContain("a repository says what it is for");
    expect(createRepository("explained", { description: "For this test." })).toMatchObject({ status: 0, stderr: "" });
  });

  test("a policy that mutates changes a pull request before it is stored", async () => {
    ok(["create", "-f", "-"], triagedPullRequests);
    const labelOf = (name: string) => {
      expect(create(name, {})).toMatchObject({ status: 0 });
      return ok(["get", pullRequests, name, "-o", "jsonpath={.metadata.labels.triage}"]);
    };
    await eventually(() => labelOf(`new-${Date.now()}`) === "needed", {
      ...inForce,
      description: "a new pull request getting the label",
    });
  });

  test("while Kyverno is away what it has to judge is refused, and says why; when it is back it judges", async () => {
    ok(["apply", "-f", fileOf(examples.description)]);
    await eventually(() => refused(create(`silent-${Date.now()}`, {})), inForce);
    await forge.stopKyverno();
    const away = create("explained", { body: "It says why." });
    expect(away).toEqual({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^Error from server \(InternalError\): .*Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: /,
      ),
    });
    await forge.startKyverno();
    await eventually(() => create("explained", { body: "It says why." }).status === 0, inForce);
    expect(refused(create("silent", {}))).toContain("require-pr-description:");
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

/** As a developer, who has no rights beside those of the installed roles. */
function hooksTab(browser: Browser): Promise<Page> {
  const token = ok(["config", "view", "--raw", "-o", 'jsonpath={.users[?(@.name=="alice")].user.token}']);
  const { consoleUrl = "" } = forge.state();
  return signedInPage(browser, { consoleUrl, token, path: "/orgs/demo/repositories/app/hooks" });
}

/** What kubectl said when it was refused; undefined when it was not. */
function refused({ status, stderr }: Output): string | undefined {
  return status === 0 ? undefined : stderr;
}
