/** Test only: what people and pipelines do around a merge queue. */
import { CheckRun, MergeQueue, type ObjectOf, PullRequest } from "@krate/kinds";
import { eventually } from "@krate/testing";
import type { Forge } from "./forge.ts";
import type { WorkTree } from "./git.ts";

type QueueSpec = ObjectOf<typeof MergeQueue>["spec"];
type Conclusion = "success" | "failure";
const namespace = "acme";

export function queueHands(forge: () => Forge) {
  const createQueue = async (repository: string, spec: Partial<QueueSpec> = {}) => {
    await forge().admin.create(MergeQueue, {
      metadata: { namespace, name: repository },
      spec: { organizationRef: namespace, repository, requiredChecks: ["ci"], ...spec },
    });
    // The gate knows of it as soon as the API server's own cache does.
    await eventually(async () => (await queue(repository)).status?.phase !== undefined, {
      description: `queue ${repository}`,
    });
  };
  const queue = (name: string) => forge().admin.get(MergeQueue, { namespace, name });
  const patch = (name: string, spec: object, user = "ada") =>
    forge().as(user).patch(PullRequest, { namespace, name }, { spec }, { type: "merge" });
  const enter = (name: string, spec: object = {}) =>
    eventually(
      async () => {
        await patch(name, { queued: true, ...spec });
        return true;
      },
      { description: `${name} queued` },
    );

  /** Pull requests that each add one file; with the content "bad" its checks fail. */
  const open = async (tree: WorkTree, repository: string, files: Record<string, string>) => {
    const names: string[] = [];
    for (const [file, content] of Object.entries(files)) {
      await tree.checkout("main");
      await tree.branch(file);
      await tree.commit(`add ${file}`, { [file]: content });
      await tree.git("push", "-q", "origin", file);
      names.push(await forge().openPullRequest({ repository, head: file }));
    }
    return names;
  };
  /** Reports check `ci` for a commit. */
  const report = async (repository: string, sha: string, conclusion: Conclusion) => {
    const key = { namespace, name: `${repository}-${sha.slice(0, 12)}` };
    await forge().admin.create(CheckRun, {
      metadata: key,
      spec: { organizationRef: namespace, repository, sha, name: "ci", detailsUrl: "https://ci.example/1" },
    });
    const status = { phase: "Completed", conclusion };
    await forge().admin.patch(CheckRun, key, { status }, { type: "merge", subresource: "status" });
  };
  /** Until `done`, checks every candidate: those with a file whose content is "bad" fail. Answers the trees that passed. */
  const runChecks = async (
    tree: WorkTree,
    repository: string,
    done: () => Promise<boolean>,
    before: ReadonlyMap<string, Conclusion> = new Map(),
  ) => {
    const seen = new Map(before);
    await eventually(
      async () => {
        const { batch } = (await queue(repository)).status ?? {};
        if (batch && !seen.has(batch.candidate)) {
          await tree.git("fetch", "-q", "origin", `+refs/queue/*:refs/queue/*`);
          const known = await tree.git("cat-file", "-t", batch.candidate).catch(() => "none");
          if (known !== "commit") return done();
          const text = await tree.git("grep", "-l", "^bad$", batch.candidate).catch(() => "");
          const conclusion = text === "" ? "success" : "failure";
          seen.set(batch.candidate, conclusion);
          await report(repository, batch.candidate, conclusion);
        }
        return done();
      },
      { timeoutSeconds: 60, description: `checks of ${repository}` },
    );
    return seen;
  };
  const gone = (names: string[]) => async () =>
    (await Promise.all(names.map((name) => forge().pullRequest(name)))).every(
      ({ status, spec }) => status?.phase === "Merged" || spec.queued !== true,
    );

  return { createQueue, queue, patch, enter, open, runChecks, gone };
}
