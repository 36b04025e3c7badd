/**
 * An environment per pull request (PR-09): with Argo CD's own definitions in the cluster, the ApplicationSet comes and goes. Argo CD
 * itself does not run here; what its controllers would write, the test does.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { checkout } from "./forge.ts";
import { cloneUrl, freshNamespace, gitOk, kubectl, kubectlOk } from "./shared-forge.ts";

const definitions = ["application", "applicationset"];
const pulls = "pullrequests.forge.krate.a5c.ai";

let namespace: string;
let argocd: string;
let folder: string;
let head: string;

const ok = (args: readonly string[], input?: unknown) =>
  kubectlOk(args, { namespace, ...(input !== undefined && { input: JSON.stringify(input) }) });
const inArgocd = (args: readonly string[], input?: unknown) =>
  kubectlOk(args, { namespace: argocd, ...(input !== undefined && { input: JSON.stringify(input) }) });
const commit = (...args: string[]) =>
  gitOk(["-c", "user.name=Alice", "-c", "user.email=alice@example.test", "commit", "-q", ...args], { cwd: folder });

function openPullRequest(name: string): void {
  ok(["create", "-f", "-"], {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "PullRequest",
    metadata: { name },
    spec: { organizationRef: "demo", repository: "app", title: name, head: "topic", base: "main" },
  });
}

const applicationSets = () =>
  inArgocd(["get", "applicationsets.argoproj.io", "-o", "jsonpath={.items[*].metadata.name}"])
    .split(" ")
    .filter(Boolean);
const preview = (name: string) => {
  const { status } = JSON.parse(ok(["get", pulls, name, "-o", "json"])) as {
    status?: { preview?: object; conditions?: { type: string; reason: string; message: string }[] };
  };
  const condition = status?.conditions?.find(({ type }) => type === "PreviewReady");
  return { preview: status?.preview, reason: condition?.reason, message: condition?.message };
};
const until = (condition: () => boolean, description: string) =>
  eventually(condition, { timeoutSeconds: 90, description });

beforeAll(async () => {
  namespace = freshNamespace("preview");
  argocd = freshNamespace("argocd");
  folder = mkdtempSync(join(tmpdir(), "krate-preview-"));
  const spec = {
    organizationRef: "demo",
    preview: { url: "https://pr-{number}.example.test", path: "deploy", argocdNamespace: argocd },
  };
  ok(["create", "-f", "-"], {
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind: "Repository",
    metadata: { name: "app" },
    spec,
  });
  ok(["wait", "repositories.krate.a5c.ai/app", "--for=condition=Ready", "--timeout=60s"]);
  gitOk(["init", "-q", "-b", "main", folder]);
  commit("--allow-empty", "-m", "first");
  gitOk(["push", "-q", cloneUrl(namespace, "app"), "main"], { cwd: folder });
  commit("--allow-empty", "-m", "second");
  gitOk(["push", "-q", cloneUrl(namespace, "app"), "main:topic"], { cwd: folder });
  head = gitOk(["rev-parse", "HEAD"], { cwd: folder }).trim();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const name of definitions) kubectl(["delete", "crd", `${name}s.argoproj.io`, "--wait=false"]);
  kubectl(["delete", pulls, "--all", "--wait=false"], { namespace });
  kubectl(["delete", "repositories.krate.a5c.ai", "--all", "--wait=false"], { namespace });
  for (const name of [namespace, argocd]) kubectl(["delete", "namespace", name, "--wait=false"]);
});

test("without Argo CD the pull request says so", async () => {
  openPullRequest("early");
  await until(() => preview("early").reason === "NotInstalled", "PreviewReady=False/NotInstalled");
  expect(preview("early").message).toContain(`install Argo CD there, or change spec.preview.argocdNamespace`);
  ok(["delete", pulls, "early"]);
});

test("an open pull request gets an ApplicationSet of its head, is Ready when that commit runs, and loses it when it is closed", async () => {
  for (const name of definitions) {
    const file = join(checkout, "test-e2e", "testdata", "argocd", `${name}-crd.yaml.gz`);
    kubectlOk(["create", "-f", "-"], { input: gunzipSync(readFileSync(file)).toString() });
    await until(() => kubectl(["get", `${name}s.argoproj.io`]).code === 0, `${name}s being served`);
  }
  openPullRequest("change");
  const name = `${namespace}-change`;
  await until(() => applicationSets().includes(name), `ApplicationSet ${name}`);
  const made = JSON.parse(inArgocd(["get", "applicationsets.argoproj.io", name, "-o", "json"])) as {
    spec: { generators: object[]; template: { spec: object } };
  };
  expect(made.spec.generators).toMatchObject([
    { list: { elements: [{ name: "change", sha: head, branch: "topic" }] } },
  ]);
  expect(made.spec.template.spec).toMatchObject({ source: { repoURL: cloneUrl(namespace, "app"), path: "deploy" } });
  await until(() => preview("change").reason === "Pending", "PreviewReady=False/Pending");

  inArgocd(["create", "-f", "-"], {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name },
    spec: { project: "default", destination: {}, source: { repoURL: cloneUrl(namespace, "app") } },
    status: {
      health: { status: "Healthy" },
      sync: { status: "Synced", revision: head, comparedTo: { destination: {}, source: { repoURL: "-" } } },
    },
  });
  await until(() => preview("change").reason === "Ready", "PreviewReady=True/Ready");
  const number = ok(["get", pulls, "change", "-o", "jsonpath={.status.number}"]);
  expect(preview("change").preview).toEqual({
    phase: "Ready",
    url: `https://pr-${number}.example.test`,
    applicationSet: name,
    namespace: "preview-change",
  });

  ok(["patch", pulls, "change", "--type=merge", "-p", '{"spec":{"closed":true}}']);
  await until(() => applicationSets().length === 0, "the ApplicationSet being gone");
  await until(() => preview("change").reason === "Removed", "PreviewReady=False/Removed");
});

test("the ApplicationSet of a pull request that is deleted as an object goes as well", async () => {
  openPullRequest("forgotten");
  await until(() => applicationSets().includes(`${namespace}-forgotten`), "the ApplicationSet");
  ok(["delete", pulls, "forgotten"]);
  await until(() => applicationSets().length === 0, "the ApplicationSet being swept");
});
