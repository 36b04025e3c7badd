/** What a client is told that was away for longer than history is kept: 410, so that it lists anew and misses nothing. */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { startTestForge, type TestForge } from "./forge.ts";

const historySeconds = 2;
const startTimeoutMilliseconds = 240_000;

let forge: TestForge;
beforeAll(async () => {
  // Records only are what this is about: nothing else needs to run.
  forge = await startTestForge({
    env: { KRATE_HISTORY_MAX_AGE_SECONDS: String(historySeconds) },
    arguments: ["--without", "console", "process-node"],
  });
}, startTimeoutMilliseconds);
afterAll(() => forge?.stop(), 60_000);

function kubectl(args: readonly string[], input?: unknown) {
  const { kubeconfig, namespace } = forge.state();
  return spawnSync("kubectl", ["--kubeconfig", kubeconfig, "--context", "admin", "-n", namespace, ...args], {
    encoding: "utf8",
    ...(input !== undefined && { input: JSON.stringify(input) }),
  });
}

const issues = (query: string) =>
  kubectl(["get", "--raw", `/apis/forge.krate.a5c.ai/v1alpha1/namespaces/${forge.state().namespace}/issues?${query}`]);

function createIssue(name: string): void {
  const created = kubectl(["create", "-f", "-"], {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "Issue",
    metadata: { name },
    spec: { organizationRef: "demo", title: name },
  });
  expect(created).toMatchObject({ status: 0, stderr: "" });
}

interface List {
  metadata: { continue?: string; resourceVersion: string };
  items: { metadata: { name: string } }[];
}

test("a continue token and a watch from a forgotten resourceVersion are 410 Expired, and a new list has everything", async () => {
  for (const name of ["one", "two", "three"]) createIssue(name);
  const page = JSON.parse(issues("limit=1").stdout) as List;
  const { continue: token = "", resourceVersion } = page.metadata;
  const next = `limit=1&continue=${encodeURIComponent(token)}`;
  const watch = `watch=true&timeoutSeconds=1&resourceVersion=${resourceVersion}`;
  expect(JSON.parse(issues(next).stdout)).toMatchObject({ kind: "IssueList", items: [{}] });
  createIssue("four");

  await eventually(() => issues(next).status !== 0, {
    timeoutSeconds: 60,
    description: "the continue token being expired",
  });
  expect(issues(next).stderr).toContain("Error from server (Expired)");
  expect(issues(watch).stdout + issues(watch).stderr).toMatch(
    /Expired.*too old resource version|too old resource version.*Expired/s,
  );
  const all = JSON.parse(issues("").stdout) as List;
  expect(all.items.map(({ metadata }) => metadata.name).sort()).toEqual(["four", "one", "three", "two"]);
});
