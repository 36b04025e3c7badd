/** The console in a real browser: signs in as a person does, follows a pull request from the list to its diff, reads the log of a run. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually, skipWithout } from "@krate/testing";
import { type Browser, chromium, type Page } from "playwright-core";
import { cloneUrl, forgeState, gitOk, kubectlOk } from "./shared-forge.ts";

const repository = `shop-${process.pid}`;
const run = `${repository}-ci-00000001`;
const apiVersion = "forge.krate.a5c.ai/v1alpha1";
const runnerOperator = ["--as", "system:serviceaccount:krate-system:runner-operator"];

const create = (object: object, as: string[] = []) =>
  kubectlOk(["create", ...as, "-f", "-", "-o", "name"], { input: JSON.stringify(object) });

/** A repository with one branch that changes one file; answers the commit of that branch. */
async function pushRepository(): Promise<string> {
  create({
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind: "Repository",
    metadata: { name: repository },
    spec: { organizationRef: "demo", description: "Sells things." },
  });
  kubectlOk(["wait", `repositories.krate.a5c.ai/${repository}`, "--for=condition=Ready", "--timeout=60s"]);
  const folder = mkdtempSync(join(tmpdir(), "krate-console-"));
  const git = (...args: string[]) =>
    gitOk(["-c", "user.name=Alice", "-c", "user.email=alice@example.test", ...args], { cwd: folder });
  git("init", "-q", "-b", "main");
  writeFileSync(join(folder, "README.md"), "# The shop\n\nSells *things*.\n");
  writeFileSync(join(folder, "price.txt"), "one\ntwo\nthree\n");
  git("add", "-A");
  git("commit", "-qm", "shop: things and prices");
  git("push", "-q", cloneUrl(forgeState().namespace, repository), "main");
  git("switch", "-qc", "discount");
  writeFileSync(join(folder, "price.txt"), "one\n1.50\nthree\n");
  git("commit", "-qam", "price: a discount");
  git("push", "-q", cloneUrl(forgeState().namespace, repository), "discount");
  return git("rev-parse", "HEAD").trim();
}

/** A finished run with a stored log, as runner-operator leaves it. */
function makeFinishedRun(sha: string): void {
  const job = `${run}-test`;
  const shared = { organizationRef: "demo", repository, ref: "refs/heads/discount", sha, runnerPool: "trusted" };
  create({
    apiVersion,
    kind: "Pipeline",
    metadata: { name: run },
    spec: { ...shared, workflow: ".krate/workflows/ci.yaml", workflowName: "ci" },
  });
  const steps = [
    { number: 1, name: "checkout" },
    { number: 2, name: "sum up" },
  ];
  const spec = { ...shared, pipeline: run, job: "test", displayName: "ci / test", trustTier: "trusted", steps };
  create({ apiVersion, kind: "Job", metadata: { name: job }, spec }, runnerOperator);
  const status = { phase: "Succeeded", steps: steps.map((step) => ({ ...step, phase: "Succeeded" })) };
  const patch = (plural: string, name: string, value: object) =>
    kubectlOk([
      "patch",
      ...runnerOperator,
      `${plural}.forge.krate.a5c.ai`,
      name,
      "--subresource=status",
      "--type=merge",
      "-p",
      JSON.stringify({ status: value }),
    ]);
  patch("jobs", job, status);
  patch("pipelines", run, { phase: "Succeeded", conclusion: "success" });
  const path = `/apis/${apiVersion}/namespaces/${forgeState().namespace}/jobs/${job}/log`;
  const lines = [
    '##[krate]{"step":1,"phase":"Running"}',
    "checking out",
    '##[krate]{"step":2,"phase":"Running"}',
    "\u001b[32mthe sum is 4.50\u001b[0m",
  ];
  kubectlOk(["replace", ...runnerOperator, "--raw", path, "-f", "-"], { input: `${lines.join("\n")}\n` });
}

function tokenOf(user: string): string {
  return kubectlOk(["config", "view", "--raw", "-o", `jsonpath={.users[?(@.name=="${user}")].user.token}`]);
}

skipWithout(
  "chromium",
  "kubectl",
  "git",
)("the console", () => {
  let browser: Browser;
  let page: Page;
  let sha: string;
  const foreign: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    sha = await pushRepository();
    makeFinishedRun(sha);
    browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    page = await browser.newPage({ baseURL: forgeState().consoleUrl, viewport: { width: 1440, height: 900 } });
    page.on("request", (request) => {
      if (!request.url().startsWith(forgeState().consoleUrl ?? "-")) foreign.push(request.url());
    });
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
  });
  afterAll(() => browser?.close());

  test("refuses a token nobody has and signs in with one of the kubeconfig", async () => {
    await page.goto("/login?stay&next=/orgs/demo");
    await page.getByLabel("Token").fill("not-a-token");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("does not accept this token").waitFor();
    await page.getByLabel("Token").fill(tokenOf("alice"));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/orgs/demo");
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === "krate_session");
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
    expect(cookie?.value).not.toContain(tokenOf("alice"));
  });

  test("lists repositories and shows files and README of one", async () => {
    await page.getByRole("link", { name: repository }).click();
    await page.getByRole("heading", { name: "The shop" }).waitFor();
    await page.getByRole("link", { name: "price.txt" }).click();
    await page.getByRole("region", { name: "File" }).getByText("three").waitFor();
  });

  test("a pull request made by kubectl appears in the open list by itself", async () => {
    await page.goto(`/orgs/demo/repositories/${repository}/pulls`);
    await page.getByText("No pull request yet").waitFor();
    const spec = { organizationRef: "demo", repository, title: "A discount", head: "discount", base: "main" };
    create({ apiVersion, kind: "PullRequest", metadata: { generateName: `${repository}-` }, spec });
    await page.getByRole("link", { name: "A discount" }).click();
    await page.getByRole("heading", { name: /A discount/ }).waitFor();
  });

  test("a comment written in the page is an IssueComment of the signed-in user", async () => {
    await page.getByLabel("Comment").fill("How long does it last?");
    await page.getByRole("button", { name: "Comment", exact: true }).click();
    await page.getByRole("listitem").getByText("How long does it last?").waitFor();
    const comments = kubectlOk([
      "get",
      "issuecomments.forge.krate.a5c.ai",
      "-o",
      "jsonpath={range .items[*]}{.spec.target.name} {.status.author.user} {.spec.body}{'\\n'}{end}",
    ]);
    expect(comments).toContain(`${repository}-1 alice How long does it last?`);
  });

  test("shows the diff, and the object behind the page", async () => {
    await page.getByRole("link", { name: /Files changed/ }).click();
    const diff = page.getByTestId("diff");
    await diff.getByText("1.50").waitFor();
    await page.keyboard.press("j");
    await expect(diff.getByText("two").count()).resolves.toBe(1);
    await page.getByRole("link", { name: "YAML" }).click();
    await page.getByText("kind: PullRequest").waitFor();
  });

  test("shows the log of a run under its steps", async () => {
    await page.goto(`/orgs/demo/repositories/${repository}/runs/${run}`);
    await page.getByTestId("log").getByText("the sum is 4.50").waitFor();
    await page.getByTestId("log").getByText("sum up").waitFor();
  });

  test("asks nobody but itself and breaks no content security policy", async () => {
    await eventually(() => expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] }));
    expect(await page.content()).not.toContain(tokenOf("alice"));
  });
});
