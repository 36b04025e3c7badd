/** What the program consists of. */
import type { Program } from "@krate/controller";
import { Job } from "@krate/kinds";
import type { RunnerOperatorConfig } from "./config.ts";
import { addJobIndexes } from "./controllers/indexes.ts";
import { jobs } from "./controllers/jobs.ts";
import { pipelines } from "./controllers/pipelines.ts";
import { pullRequests } from "./controllers/pull-requests.ts";
import { pushEvents } from "./controllers/push-events.ts";
import { runnerPools } from "./controllers/runner-pools.ts";
import type { RepositoryContent } from "./git/content.ts";

export function runnerOperator(config: RunnerOperatorConfig, content: RepositoryContent): Program {
  return {
    name: "runner-operator",
    config: config.program,
    consumers: [pushEvents(content)],
    controllers: [pullRequests(content), pipelines(content), jobs(config), runnerPools()],
    setup({ informer }) {
      addJobIndexes(informer(Job));
      return undefined;
    },
  };
}
