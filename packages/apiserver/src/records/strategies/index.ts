import type { RecordStrategy } from "../strategy.ts";
import { issueCommentStrategy, reviewCommentStrategy } from "./comments.ts";
import { issueStrategy } from "./issue.ts";
import { pipelineStrategy } from "./pipeline.ts";
import { pullRequestStrategy } from "./pull-request.ts";
import { reviewStrategy } from "./review.ts";
import {
  auditEventStrategy,
  checkRunStrategy,
  gitEventStrategy,
  jobStrategy,
  patchSetStrategy,
  webhookDeliveryStrategy,
} from "./writers.ts";

/** Each record kind's own part, by plural; a kind without one gets only what all records get. */
export const recordStrategies: Readonly<Record<string, RecordStrategy>> = {
  pullrequests: pullRequestStrategy,
  issues: issueStrategy,
  reviews: reviewStrategy,
  issuecomments: issueCommentStrategy,
  reviewcomments: reviewCommentStrategy,
  pipelines: pipelineStrategy,
  jobs: jobStrategy,
  checkruns: checkRunStrategy,
  webhookdeliveries: webhookDeliveryStrategy,
  patchsets: patchSetStrategy,
  gitevents: gitEventStrategy,
  auditevents: auditEventStrategy,
};
