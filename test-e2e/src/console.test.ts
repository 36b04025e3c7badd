/** The console in a real browser: signs in as a person does, follows a pull request from the list to its diff, reads the log of a run. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { skipWithout } from "@krate/testing";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "./browser.ts";
import { cloneUrl, forgeState, gitOk, kubectlOk } from "./shared-forge.ts";

const repository = `shop-${process.pid}`;
const apiVersion = "forge.krate.a5c.ai/v1alpha1";

const create = (object: object) => kubectlOk(["create", "-f", "-", "-o", "name"], { input: JSON.stringify(object) });

const workflow = `name: ci
on: push
jobs:
  sum:
    runs-on: ubuntu-latest
    steps:
      - name: sum up
        run: printf '\\033[32mthe sum is %s\\033[0m\\n' 4.50
`;

/** A repository with a workflow, and one branch that changes one file. */
function pushRepository(): void {
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
  mkdirSync(join(folder, ".krate/workflows"), { recursive: true });
  writeFileSync(join(folder, ".krate/workflows/ci.yaml"), workflow);
  git("add", "-A");
  git("commit", "-qm", "shop: things and prices");
  git("push", "-q", cloneUrl(forgeState().namespace, repository), "main");
  git("switch", "-qc", "discount");
  writeFileSync(join(folder, "price.txt"), "one\n1.50\nthree\n");
  git("commit", "-qam", "price: a discount");
  git("push", "-q", cloneUrl(forgeState().namespace, repository), "discount");
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
  const foreign: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    pushRepository();
    browser = await launchBrowser();
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
    await page.waitForURL(({ pathname }) => pathname === "/orgs/demo");
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === "krate_session");
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
    expect(cookie?.value).not.toContain(tokenOf("alice"));
  });

  test("the form for a repository gives the API's reason to whom may not make one, and makes it for whom may", async () => {
    await page.getByRole("link", { name: "New repository" }).click();
    await page.getByLabel("Name").fill(`${repository}-new`);
    await page.getByRole("button", { name: "Create repository" }).click();
    await page.getByText('User "alice" cannot create resource "repositories"').waitFor();
    const other = await browser.newContext({ baseURL: forgeState().consoleUrl ?? "" });
    const admin = await other.newPage();
    await admin.goto("/login?stay&next=/orgs/demo/new");
    await admin.getByLabel("Token").fill(tokenOf("admin"));
    await admin.getByRole("button", { name: "Sign in" }).click();
    await admin.getByLabel("Name").fill(`${repository}-new`);
    await admin.getByRole("button", { name: "Create repository" }).click();
    await admin
      .getByRole("heading", { name: `${repository}-new`, exact: true })
      .first()
      .waitFor();
    await other.close();
    await page.goto("/orgs/demo");
  });

  test("lists repositories and shows files and README of one", async () => {
    await page.getByRole("link", { name: repository, exact: true }).click();
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

  test("follows a run that the push started to the log of its step", async () => {
    await page.goto(`/orgs/demo/repositories/${repository}/runs`);
    await page.getByRole("main").getByRole("link", { name: /^ci\b/ }).first().click();
    await page.getByTestId("log").getByText("the sum is 4.50").waitFor();
    await page.getByTestId("log").getByText("sum up").waitFor();
    await page.getByLabel("Jobs").getByLabel("Succeeded").first().waitFor();
  });

  test("asks nobody but itself and breaks no content security policy", async () => {
    expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] });
    expect(await page.content()).not.toContain(tokenOf("alice"));
  });
});
