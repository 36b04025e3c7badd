/** A merge queue as people and pipelines use it: the commands of docs/merge-queue.md, real jobs, and kill -9 of the operator in the middle. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { checkout } from "./forge.ts";
import { cloneUrl, forgeState, freshNamespace, gitOk, kubectl, kubectlOk, type Output, run } from "./shared-forge.ts";

interface PullRequest {
  spec: { queued?: boolean };
  status?: { phase?: string; headSha?: string; mergeCommitSha?: string; conditions?: Condition[] };
}
interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}
interface Items<T> {
  items: T[];
}

const workflow = `name: ci
on: merge_group
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          ls
          test ! -e bad.txt
`;
const minutes = 60_000;

describe("a merge queue", () => {
  let folder: string;
  let namespace: string;
  let work: string;
  let kubeconfig: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "krate-e2e-queue-"));
    namespace = freshNamespace("queue");
    // A kubeconfig of a person who works in this namespace, as the commands of the page expect it.
    kubeconfig = join(folder, "kubeconfig");
    copyFileSync(forgeState().kubeconfig, kubeconfig);
    inNamespace("kubectl config use-context admin");
    inNamespace(`kubectl config set-context admin --namespace=${namespace}`);
    inNamespace("kubectl apply -f examples/repository.yaml -f examples/runner-pool.yaml");
    inNamespace("kubectl wait --for=condition=Ready repositories.krate.a5c.ai/hello --timeout=60s");
    work = join(folder, "work");
    gitOk(["clone", "-q", cloneUrl(namespace, "hello"), work]);
    gitOk(["checkout", "-q", "-B", "main"], { cwd: work });
    mkdirSync(join(work, ".krate", "workflows"), { recursive: true });
    commit("begin", { ".krate/workflows/ci.yaml": workflow, "README.md": "# hello\n" });
    gitOk(["push", "-q", "origin", "main"], { cwd: work });
  }, 3 * minutes);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function inNamespace(command: string): Output {
    const result = run("bash", ["-c", command], { cwd: checkout, env: { KUBECONFIG: kubeconfig, HOME: folder } });
    expect({ command, ...result }).toMatchObject({ command, code: 0 });
    return result;
  }

  function commit(message: string, files: Record<string, string>): void {
    for (const [file, content] of Object.entries(files)) writeFileSync(join(work, file), content);
    gitOk(["add", "-A"], { cwd: work });
    const author = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"];
    gitOk([...author, "commit", "-q", "-m", message], { cwd: work });
  }

  const get = <T>(...args: string[]): T => JSON.parse(kubectlOk(["get", ...args, "-o", "json"], { namespace })) as T;
  const pullRequest = (name: string) => get<PullRequest>("pullrequests.forge.krate.a5c.ai", name);
  const queued = (name: string) => pullRequest(name).status?.conditions?.find(({ type }) => type === "Queued");

  /** A pull request that adds one file; answers its name. */
  async function open(file: string): Promise<string> {
    gitOk(["checkout", "-q", "-b", file, "origin/main"], { cwd: work });
    commit(`add ${file}`, { [file]: `${file}\n` });
    gitOk(["push", "-q", "origin", file], { cwd: work });
    const object = {
      apiVersion: "forge.krate.a5c.ai/v1alpha1",
      kind: "PullRequest",
      metadata: { generateName: "hello-" },
      spec: {
        organizationRef: "demo",
        repository: "hello",
        title: `Add ${file}`,
        head: file,
        base: "main",
        body: `Adds ${file}, which nobody had before.`,
      },
    };
    const made = kubectlOk(["create", "-f", "-", "-o", "name"], {
      namespace,
      as: "alice",
      input: JSON.stringify(object),
    });
    const name = made.trim().split("/").at(-1) ?? "";
    await eventually(() => pullRequest(name).status?.headSha !== undefined, { timeoutSeconds: 60 });
    return name;
  }

  function enter(name: string): Output {
    return kubectl(["patch", "pr", name, "--type=merge", "-p", '{"spec":{"queued":true}}'], { namespace, as: "alice" });
  }

  test(
    "the commands of the page do what they say",
    async () => {
      expect(await open("first.txt")).toBe("hello-1");
      const text = readFileSync(join(checkout, "docs/merge-queue.md"), "utf8");
      const commands = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) =>
        block.split("\n").filter(Boolean),
      );
      expect(commands.length).toBeGreaterThan(8);
      for (const command of commands) {
        // A new queue takes a moment to reach every server.
        if (command.includes('"queued":true'))
          await eventually(
            () => run("bash", ["-c", `${command} --dry-run=server`], { env: { KUBECONFIG: kubeconfig } }).code === 0,
          );
        const { stdout } = inNamespace(command);
        if (command === "kubectl get mq")
          expect(stdout).toMatch(/NAME +REPOSITORY +BRANCH +PHASE +QUEUED +HEAD +LANDED/);
      }
      await eventually(() => pullRequest("hello-1").status?.phase === "Merged", {
        timeoutSeconds: 120,
        description: "hello-1 landed",
      });
    },
    4 * minutes,
  );

  test(
    "of five, one bad, in batches of four: four land in order although the operator is killed in the middle",
    async () => {
      inNamespace(
        `kubectl patch mq hello-main --type=merge -p '{"spec":{"batch":{"maxSize":4,"minSize":4,"waitSeconds":20}}}'`,
      );
      gitOk(["fetch", "-q", "origin"], { cwd: work });
      const names: string[] = [];
      for (const file of ["a.txt", "b.txt", "bad.txt", "d.txt", "e.txt"]) names.push(await open(file));
      for (const name of names) expect(enter(name)).toMatchObject({ code: 0 });
      await eventually(() => get<{ status?: { batch?: object } }>("mq", "hello-main").status?.batch !== undefined, {
        timeoutSeconds: 60,
        description: "a batch",
      });
      process.kill(forgeState().pids["repository-operator"] ?? 0, "SIGKILL");

      const ended = ({ spec, status }: PullRequest) => status?.phase === "Merged" || spec.queued !== true;
      await eventually(() => names.every((name) => ended(pullRequest(name))), {
        timeoutSeconds: 240,
        description: "everybody has left the queue",
      });
      expect(names.map((name) => pullRequest(name).status?.phase)).toEqual([
        "Merged",
        "Merged",
        "Open",
        "Merged",
        "Merged",
      ]);
      expect(queued(names[2] ?? "")).toMatchObject({ status: "False", reason: "ChecksFailed" });
      expect(queued(names[2] ?? "")?.message).toMatch(/check "ci \/ test" ended as failure \(log: pipeline hello-ci-/);

      gitOk(["fetch", "-q", "origin"], { cwd: work });
      const log = gitOk(["log", "--first-parent", "--reverse", "--format=%s", "origin/main"], { cwd: work });
      expect(log.trim().split("\n").slice(-4)).toEqual(
        ["a", "b", "d", "e"].map((file) => expect.stringMatching(new RegExp(`^Add ${file}\\.txt \\(#\\d+\\)$`))),
      );
      // Wherever main was moved to, the check had passed on that very commit.
      const checks =
        get<Items<{ spec: { sha: string }; status?: { conclusion?: string } }>>("checkruns.forge.krate.a5c.ai");
      const passed = new Set(
        checks.items.filter(({ status }) => status?.conclusion === "success").map(({ spec }) => spec.sha),
      );
      const events =
        get<Items<{ spec: { ref: string; newSha: string; pullRequest?: string } }>>("gitevents.forge.krate.a5c.ai");
      const moves = events.items.filter(({ spec }) => spec.ref === "refs/heads/main" && spec.pullRequest);
      expect(moves.length).toBeGreaterThan(1);
      for (const { spec } of moves) expect(passed).toContain(spec.newSha);
      expect(gitOk(["ls-remote", "origin", "refs/queue/*"], { cwd: work })).toBe("");
    },
    6 * minutes,
  );
});
