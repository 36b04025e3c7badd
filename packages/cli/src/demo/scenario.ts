/**
 * The main job of a forge, told as commands: a repository is created and pushed, a pull request is blocked by a policy,
 * reviewed, merged, built and delivered. Everything is done with kubectl and git alone (features PER-01…03, PR-01…07,
 * GIT-02, REF-02, ADM-03, RUN-01, WH-01…05). `test-e2e` runs exactly this on every kind of cluster.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Receiver } from "./receiver.ts";
import { DemoError, type DemoShell } from "./shell.ts";

export interface Stage {
  shell: DemoShell;
  namespace: string;
  gitUrl: string;
  /** Folder with `examples/`. */
  examples: string;
  /** A Git repository to import: the clone the demo runs in. */
  source: string;
  /** Empty folder for work trees and manifests. */
  work: string;
  receiver: Receiver;
  webhookSecret: string;
  /** Command that git runs as credential helper for a kubeconfig context. */
  credentialHelper(context: string): string;
}

export interface Step {
  title: string;
  run(stage: Stage): Promise<void>;
}

const repository = "hello";
const records = "forge.krate.a5c.ai";

const kubectl = (stage: Stage, context: string, ...args: string[]): [string, string[]] => [
  "kubectl",
  ["--context", context, "-n", stage.namespace, ...args],
];

const as =
  (context: string) =>
  (stage: Stage, args: string[], options = {}) => {
    const [command, full] = kubectl(stage, context, ...args);
    return stage.shell.run(command, full, options);
  };
const admin = as("admin");
const alice = as("alice");
const bob = as("bob");

/** The credential helper comes by environment, as `git config` would set it once for a person. */
const git = (stage: Stage, context: string, args: string[], options = {}) =>
  stage.shell.run("git", args, {
    cwd: join(stage.work, context),
    env: {
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "credential.helper",
      GIT_CONFIG_VALUE_0: stage.credentialHelper(context),
    },
    ...options,
  });

const cloneUrl = (stage: Stage) => `${stage.gitUrl}/${stage.namespace}/${repository}.git`;

function mustMention(text: string, ...words: string[]): void {
  const missing = words.filter((word) => !text.includes(word));
  if (missing.length > 0) throw new DemoError(`the answer should mention ${missing.join(" and ")}:\n${text}`);
}

async function untilJson(
  stage: Stage,
  args: string[],
  path: string,
  wanted: (value: string) => boolean,
  what: string,
  timeoutSeconds = 60,
): Promise<string> {
  const [command, full] = kubectl(stage, "admin", ...args, "-o", `jsonpath={${path}}`);
  const result = await stage.shell.until(command, full, ({ code, stdout }) => code === 0 && wanted(stdout), {
    timeoutSeconds,
    what,
    quiet: true,
  });
  return result.stdout;
}

/** The pull request's generated name, `<repository>-<number>`. */
const pullRequestName = async (stage: Stage) =>
  (await alice(stage, ["get", "pullrequests", "-o", "jsonpath={.items[0].metadata.name}"], { quiet: true })).stdout;

const createRepository: Step = {
  title: "A repository is a Kubernetes object",
  async run(stage) {
    await admin(stage, ["create", "namespace", stage.namespace], { quiet: true, expect: "any" });
    await admin(stage, ["label", "--overwrite", "namespace", stage.namespace, "krate.a5c.ai/org=demo"], {
      quiet: true,
    });
    await admin(stage, ["create", "-f", join(stage.examples, "runner-pool.yaml")]);
    await admin(stage, ["create", "-f", join(stage.examples, "repository.yaml")]);
    await alice(stage, ["wait", "--for=condition=Ready", `repositories/${repository}`, "--timeout=60s"]);
    await alice(stage, ["get", "repositories", "-o", "wide"]);
  },
};

const subscribe: Step = {
  title: "Somebody outside wants to hear about it",
  async run(stage) {
    const secret = ["create", "secret", "generic", "webhook-key", `--from-literal=key=${stage.webhookSecret}`];
    await admin(stage, secret, { quiet: true });
    const manifest = readFileSync(join(stage.examples, "webhook-subscription.yaml"), "utf8").replace(
      /url: .*/,
      `url: ${stage.receiver.url}\n  allowInsecure: true\n  secretRef:\n    name: webhook-key\n    key: key`,
    );
    await admin(stage, ["create", "-f", "-"], { input: manifest });
    await admin(stage, ["wait", "--for=condition=Ready", "webhooksubscriptions/ci-bridge", "--timeout=60s"]);
  },
};

const pushRepository: Step = {
  title: "Git works with the credentials of the kubeconfig",
  async run(stage) {
    await stage.shell.run("git", ["clone", "--quiet", stage.source, join(stage.work, "alice")], { quiet: true });
    const workflows = join(stage.work, "alice", ".krate", "workflows");
    mkdirSync(workflows, { recursive: true });
    cpSync(join(stage.examples, "workflows", "ci.yaml"), join(workflows, "ci.yaml"));
    await git(stage, "alice", ["checkout", "-q", "-B", "main"], { quiet: true });
    await git(stage, "alice", ["config", "user.name", "Alice"], { quiet: true });
    await git(stage, "alice", ["config", "user.email", "alice@example.com"], { quiet: true });
    await git(stage, "alice", ["add", "-f", ".krate/workflows"], { quiet: true });
    await git(stage, "alice", ["commit", "-qm", "Build every push"], { quiet: true, expect: "any" });
    await git(stage, "alice", ["push", cloneUrl(stage), "main"]);
    await alice(stage, ["get", `gitevents.${records}`]);
  },
};

const openPullRequest: Step = {
  title: "A pull request is one too",
  async run(stage) {
    await git(stage, "alice", ["checkout", "-q", "-b", "greet-everybody"], { quiet: true });
    writeFileSync(join(stage.work, "alice", "GREETING.md"), "# Hello, everybody\n\nGood to have you here.\n");
    await git(stage, "alice", ["add", "GREETING.md"], { quiet: true });
    await git(stage, "alice", ["commit", "-qm", "Say hello to everybody"], { quiet: true });
    await git(stage, "alice", ["push", cloneUrl(stage), "greet-everybody"]);
    const manifest = readFileSync(join(stage.examples, "pull-request.yaml"), "utf8");
    await alice(stage, ["create", "-f", "-"], { input: manifest.replace(/ {2}body: \|\n(?: {4}.*\n)+/, "") });
    const name = await pullRequestName(stage);
    await alice(stage, ["wait", "--for=condition=Mergeable", `pr/${name}`, "--timeout=60s"]);
    await alice(stage, ["get", "pr"]);
    const files = await alice(stage, ["get", "pr", name, "-o", "jsonpath={.status.changedFiles}"]);
    mustMention(files.stdout, "GREETING.md");
  },
};

const policyBlocks: Step = {
  title: "Policies of the cluster apply to it: no merge without a description",
  async run(stage) {
    await admin(stage, ["apply", "-f", join(stage.examples, "policies", "require-pr-description.yaml")]);
    const name = await pullRequestName(stage);
    const merge = ["patch", "pr", name, "--type=merge", "-p", '{"spec":{"merged":true}}'];
    const [command, dryRun] = kubectl(stage, "alice", ...merge, "--dry-run=server");
    await stage.shell.until(command, dryRun, ({ stderr }) => stderr.includes("require-pr-description"), {
      timeoutSeconds: 30,
      what: "the policy taking effect",
      expect: "failure",
      quiet: true,
    });
    const denied = await alice(stage, merge, { expect: "failure" });
    mustMention(denied.stderr, "require-pr-description");
    const body = "Greets every reader, because a greeting without a name is a notice.";
    await alice(stage, ["patch", "pr", name, "--type=merge", "-p", JSON.stringify({ spec: { body } })]);
  },
};

const reviewAndMerge: Step = {
  title: "Protected: somebody else approves, the checks pass, then a patch merges",
  async run(stage) {
    const name = await pullRequestName(stage);
    const merge = ["patch", "pr", name, "--type=merge", "-p", '{"spec":{"merged":true}}'];
    await admin(stage, ["apply", "-f", join(stage.examples, "branch-protection.yaml")]);
    await admin(stage, ["wait", "--for=condition=Ready", "branchprotections/main", "--timeout=60s"]);
    const early = await alice(stage, merge, { expect: "failure" });
    mustMention(early.stderr, "approval");
    const review = readFileSync(join(stage.examples, "review-approve.yaml"), "utf8");
    await bob(stage, ["create", "-f", "-"], { input: review.replaceAll("hello-1", name) });
    await alice(stage, ["wait", "--for=condition=ChecksPassed", `pr/${name}`, "--timeout=120s"]);
    await alice(stage, merge);
    await alice(stage, ["wait", "--for=condition=Merged", `pr/${name}`, "--timeout=60s"]);
    await alice(stage, ["get", "pr", "-o", "wide"]);
    await git(stage, "alice", ["fetch", "--quiet", cloneUrl(stage), "main"], { quiet: true });
    const log = await git(stage, "alice", ["log", "--oneline", "--graph", "-4", "FETCH_HEAD"]);
    mustMention(log.stdout, "Say hello to everybody");
  },
};

const protectedBranch: Step = {
  title: "A protected branch moves by pull request only",
  async run(stage) {
    await git(stage, "alice", ["checkout", "-q", "FETCH_HEAD"], { quiet: true });
    await git(stage, "alice", ["commit", "--allow-empty", "-qm", "Straight to main"], { quiet: true });
    const refused = await git(stage, "alice", ["push", cloneUrl(stage), "HEAD:refs/heads/main"], { expect: "failure" });
    mustMention(refused.stderr, "BranchProtection/main");
  },
};

const pipelineRan: Step = {
  title: "The push was built",
  async run(stage) {
    await untilJson(
      stage,
      ["get", `pipelines.${records}`],
      ".items[*].status.phase",
      (value) => value.split(" ").includes("Succeeded"),
      "a pipeline succeeding",
      120,
    );
    await alice(stage, ["get", `pipelines.${records}`]);
    await alice(stage, ["get", `jobs.${records}`]);
    const jobs = await alice(
      stage,
      ["get", `jobs.${records}`, "-o", 'jsonpath={.items[?(@.status.phase=="Succeeded")].metadata.name}'],
      { quiet: true },
    );
    const job = jobs.stdout.split(" ")[0];
    const log = await alice(stage, [
      "get",
      "--raw",
      `/apis/${records}/v1alpha1/namespaces/${stage.namespace}/jobs/${job}/log`,
    ]);
    if (log.stdout.trim() === "") throw new DemoError(`the log of ${job} is empty`);
  },
};

const delivered: Step = {
  title: "The receiver heard of it, signed",
  async run(stage) {
    await untilJson(
      stage,
      ["get", `webhookdeliveries.${records}`],
      ".items[*].status.phase",
      (value) => value.split(" ").includes("Succeeded"),
      "a delivery",
    );
    await admin(stage, ["get", `webhookdeliveries.${records}`]);
    const signed = stage.receiver.received.filter(({ signatureValid }) => signatureValid);
    if (signed.length === 0 || signed.length !== stage.receiver.received.length) {
      throw new DemoError(
        `of ${stage.receiver.received.length} received deliveries ${signed.length} had a valid signature`,
      );
    }
    stage.shell.say(
      `received ${signed.length} deliveries with a valid signature: ${[...new Set(signed.map(({ event }) => event))].join(", ")}`,
    );
  },
};

/** In order; every step stands on the ones before. */
export const steps: readonly Step[] = [
  createRepository,
  subscribe,
  pushRepository,
  openPullRequest,
  policyBlocks,
  reviewAndMerge,
  protectedBranch,
  pipelineRan,
  delivered,
];
