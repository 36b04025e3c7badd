/** The Hooks tab of a repository in a real browser: what kubectl and git do elsewhere appears by itself, with the person's own rights (UI-49). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, skipWithout } from "@krate/testing";
import type { Browser, Locator, Page } from "playwright-core";
import { launchBrowser, signedInPage } from "./browser.ts";
import { cloneUrl, forgeState, git, gitOk, kubectl, kubectlOk, run } from "./shared-forge.ts";

const repository = `hooks-${process.pid}`;
const path = `/orgs/demo/repositories/${repository}/hooks`;
const policy = `${repository}-described`;
const bot = `${repository}-bot`;

const create = (object: object) => kubectl(["create", "-f", "-"], { input: JSON.stringify(object) });
const tokenOf = (user: string) =>
  kubectlOk(["config", "view", "--raw", "-o", `jsonpath={.users[?(@.name=="${user}")].user.token}`]);

skipWithout(
  "chromium",
  "kubectl",
  "git",
)("the Hooks tab", () => {
  const folder = mkdtempSync(join(tmpdir(), "krate-hooks-tab-"));
  const kubeconfig = join(folder, "kubeconfig");
  const clone = join(folder, "clone");
  let browser: Browser;
  let page: Page;

  /** Runs what the page shows in a shell, as the administrator whose kubectl is set up for the forge. */
  const runAsAdmin = (script: string) => {
    const { code, stdout, stderr } = run("bash", ["-euc", script], { env: { KUBECONFIG: kubeconfig } });
    if (code !== 0) throw new Error(`${script}\nended with ${code}:\n${stderr}`);
    return stdout;
  };
  const textOf = async (locator: Locator) => (await locator.textContent()) ?? "";
  /** The first command that a button of the tab offers. */
  const offeredBy = async (button: string) => {
    await page.getByRole("button", { name: button }).click();
    const command = await textOf(page.getByRole("dialog").locator("pre").first());
    await page.getByRole("button", { name: "Close" }).click();
    return command;
  };
  const layer = (name: string, on = page): Locator => on.getByRole("region", { name });
  const hook = (layerName: string, title: string): Locator =>
    layer(layerName)
      .getByRole("listitem")
      .filter({ has: page.getByText(title, { exact: true }) });

  beforeAll(async () => {
    const spec = { organizationRef: "demo" };
    create({ apiVersion: "krate.a5c.ai/v1alpha1", kind: "Repository", metadata: { name: repository }, spec });
    kubectlOk(["wait", `repositories.krate.a5c.ai/${repository}`, "--for=condition=Ready", "--timeout=60s"]);
    writeFileSync(kubeconfig, kubectlOk(["config", "view", "--raw", "--minify", "--flatten"]), { mode: 0o600 });
    const identity = ["-c", "user.name=Alice", "-c", "user.email=alice@example.test"];
    gitOk(["init", "-q", "-b", "main", clone]);
    gitOk([...identity, "commit", "-q", "--allow-empty", "-m", "first"], { cwd: clone });
    gitOk(["push", "-q", cloneUrl(forgeState().namespace, repository), "main", "main:topic"], { cwd: clone });
    gitOk([...identity, "commit", "-q", "--amend", "--allow-empty", "-m", "rewritten"], { cwd: clone });
    browser = await launchBrowser();
    page = await signedInPage(browser, { consoleUrl: forgeState().consoleUrl ?? "", token: tokenOf("alice"), path });
  });
  afterAll(async () => {
    await browser?.close();
    for (const kind of ["validatingadmissionpolicy", "validatingadmissionpolicybinding"])
      kubectl(["delete", kind, policy, "--ignore-not-found"]);
    for (const kind of ["clusterrole", "clusterrolebinding", "role", "rolebinding"])
      kubectl(["delete", kind, "-l", `krate.a5c.ai/test=${repository}`, "--ignore-not-found"]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("says so where a cluster has no Kyverno", async () => {
    await layer("Admission policies").getByText("Kyverno is not installed in this cluster").waitFor();
  });

  test("the command of Add policy makes a policy, which appears in the tab by itself, in audit mode", async () => {
    const command = await offeredBy("Add policy");
    expect(runAsAdmin(command)).toContain(`validatingadmissionpolicy.admissionregistration.k8s.io/${policy} created`);
    await hook("Admission policies", policy).getByText("audit", { exact: true }).waitFor();
    await hook("Admission policies", policy).getByText("Judges PullRequest (create, update).").waitFor();
    await hook("Admission policies", policy).getByText("Only when condition of-this-repository holds.").waitFor();
  });

  test("a binding that denies turns it to enforce while one looks, and pull requests are refused with its words", async () => {
    const deny = '{"spec":{"validationActions":["Deny"]}}';
    kubectlOk(["patch", "validatingadmissionpolicybinding", policy, "--type=merge", "-p", deny]);
    await hook("Admission policies", policy).getByText("enforce", { exact: true }).waitFor();
    const spec = { organizationRef: "demo", repository, title: "Silent", head: "topic", base: "main" };
    const silent = {
      apiVersion: "forge.krate.a5c.ai/v1alpha1",
      kind: "PullRequest",
      metadata: { generateName: "silent-" },
    };
    const message = await textOf(hook("Admission policies", policy).locator("blockquote"));
    expect(message).toBe("a pull request needs a description that says why; set spec.body");
    await eventually(() => create({ ...silent, spec }).stderr.includes(message), {
      timeoutSeconds: 60,
      intervalMilliseconds: 200,
      description: "a pull request without a description being refused",
    });
  });

  test("view shows the policy as the API holds it", async () => {
    await page.getByRole("link", { name: `View ValidatingAdmissionPolicy ${policy}` }).click();
    await page.getByText("kind: ValidatingAdmissionPolicy").waitFor();
    await page
      .getByText(`kubectl get validatingadmissionpolicies.admissionregistration.k8s.io ${policy}`)
      .first()
      .waitFor();
    await page.getByRole("link", { name: "Hooks", exact: true }).last().click();
  });

  test("a policy that is deleted is gone from the tab", async () => {
    await hook("Admission policies", policy).waitFor();
    kubectlOk(["delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", policy]);
    await hook("Admission policies", policy).waitFor({ state: "detached" });
  });

  test("a rule of a RefPolicy appears with its owner, and counts what it refused today", async () => {
    const command = await offeredBy("Add rule");
    runAsAdmin(command.replace("mode: audit", "mode: enforce"));
    const rule = hook("Git refs", "no-force-push");
    await rule.getByText(`RefPolicy/${repository}-history`).waitFor();
    await rule.getByText("enforce", { exact: true }).waitFor();
    const target = ["push", "-q", "--force", cloneUrl(forgeState().namespace, repository), "main"];
    await eventually(() => git(target, { cwd: clone }).stderr.includes("no-force-push"), {
      timeoutSeconds: 60,
      intervalMilliseconds: 500,
      description: "a push that rewrites history being refused",
    });
    await rule.getByText("1 refused today").waitFor();
  });

  test("a webhook appears with its events, and without the secret part of its address", async () => {
    const command = await offeredBy("Add webhook");
    runAsAdmin(command.replace("example.com/hook", "example.com/s3cret"));
    const webhook = hook("Outbound webhooks", `${repository}-events`);
    await webhook.getByText("pull_request", { exact: true }).waitFor();
    await webhook.getByText("Posts to example.com.").waitFor();
    expect(await page.content()).not.toContain("s3cret");
  });

  test("the page of the organization has the same, with the repository each is for", async () => {
    await page.getByRole("link", { name: "Hooks & Policies" }).click();
    const rule = hook("Git refs", "no-force-push").filter({ hasText: `RefPolicy/${repository}-history` });
    await rule.getByText(`Only when it is a push to ${repository}.`).waitFor();
    await hook("Outbound webhooks", `${repository}-events`)
      .getByText(`Posts to example.com, for ${repository}.`)
      .waitFor();
    await page.getByRole("link", { name: `View RefPolicy ${repository}-history` }).click();
    await page.getByText("kind: RefPolicy").waitFor();
  });

  test("what a person may not list is said, and the command that is shown lets them see it", async () => {
    const { namespace } = forgeState();
    kubectlOk(["create", "serviceaccount", bot]);
    const token = kubectlOk(["create", "token", bot]).trim();
    const other = await signedInPage(browser, { consoleUrl: forgeState().consoleUrl ?? "", token, path });
    for (const name of ["Admission policies", "Outbound webhooks"]) {
      const command = await textOf(layer(name, other).locator("pre"));
      runAsAdmin(command);
      runAsAdmin(
        [...command.matchAll(/kubectl create (\w+) (\S+)/g)]
          .map(([, kind, object]) => `kubectl -n ${namespace} label ${kind} ${object} krate.a5c.ai/test=${repository}`)
          .join("\n"),
      );
    }
    await layer("Outbound webhooks", other).getByText(`${repository}-events`, { exact: true }).waitFor();
    await layer("Admission policies", other).getByText("You may not list").waitFor({ state: "detached" });
    await other.context().close();
  });
});
