import type { Program } from "@krate/controller";
import { openBackend } from "@krate/git";
import { credentialsOf, type KubeConfig } from "@krate/kube";
import type { OperatorConfig } from "./config.ts";
import { issueComments, pullRequestComments } from "./controllers/comment-counts.ts";
import { addIndexes } from "./controllers/indexes.ts";
import { issueLinks, linkedPullRequests } from "./controllers/issue-links.ts";
import { mergeQueues } from "./controllers/merge-queues.ts";
import { patchSets } from "./controllers/patch-sets.ts";
import { previews, sweepPreviews } from "./controllers/previews.ts";
import { pullRequests } from "./controllers/pull-requests.ts";
import { queueEntries } from "./controllers/queue-entries.ts";
import { repositories, watchBackend } from "./controllers/repositories.ts";
import { reviewComments } from "./controllers/review-comments.ts";
import { reviews } from "./controllers/reviews.ts";
import { sshKeys } from "./controllers/ssh-keys.ts";
import { suggestions } from "./controllers/suggestions.ts";
import { LostPullRequests, sweepPullRefs } from "./controllers/sweep-pull-refs.ts";
import { Branches } from "./git/branches.ts";
import { gitGateway } from "./git/push.ts";
import { sweepScratch } from "./git/scratch.ts";
import { queueMetrics } from "./merge-queue/metrics.ts";
import type { OperatorPorts } from "./ports.ts";
import { Pushes, pushConsumer } from "./pushes.ts";

export const programName = "repository-operator";

/** The operator as the controller runtime runs it. `kubeConfig`: its bearer token is also what pushes are made with. */
export function operatorProgram(
  config: OperatorConfig,
  kubeConfig: KubeConfig,
  overrides: Pick<OperatorPorts, "checkpoint"> = {},
): Program {
  const pushes = new Pushes();
  const lost = new LostPullRequests();
  const credentials = credentialsOf(kubeConfig);
  const backend = openBackend(config.backend);
  const branches = new Branches(backend);
  const ports: OperatorPorts = {
    backend,
    branches,
    gateway: gitGateway({
      url: config.gitUrl,
      authorization: () => credentials.authorization(),
      ...(config.gitCaFile && { caFile: config.gitCaFile }),
    }),
    pushes,
    committer: config.committer,
    gitUrl: config.gitUrl,
    ...(config.sshUrl && { sshUrl: config.sshUrl }),
    ...overrides,
  };
  return {
    name: programName,
    config: config.program,
    tasks: [
      async (_context, leading) => {
        await sweepScratch();
        await aborted(leading);
        branches.close();
      },
      sweepPreviews,
      (context, leading) => watchBackend(context, leading, ports),
      (context, leading) => sweepPullRefs(context, leading, { ports, lost }),
    ],
    setup: (context) => {
      addIndexes(context);
      return {
        controllers: [
          repositories(ports),
          pullRequests(ports),
          patchSets(ports, lost),
          reviews(),
          reviewComments(ports),
          suggestions(ports),
          issueLinks(ports),
          linkedPullRequests(),
          sshKeys(),
          pullRequestComments(),
          issueComments(),
          previews(config.gitUrl),
          mergeQueues(ports, queueMetrics(context.metrics)),
          queueEntries(),
        ],
        consumers: [pushConsumer(pushes)],
      };
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
