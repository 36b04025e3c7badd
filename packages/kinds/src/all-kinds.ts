/** Every kind that is generated from and served, in the order of the documents. Adding a kind is one line here and one in `index.ts`. */
import type { Kind } from "./define-kind.ts";
import { CheckRun } from "./forge/v1alpha1/check-run/kind.ts";
import { GitEvent } from "./forge/v1alpha1/git-event/kind.ts";
import { Issue } from "./forge/v1alpha1/issue/kind.ts";
import { Job } from "./forge/v1alpha1/job/kind.ts";
import { Pipeline } from "./forge/v1alpha1/pipeline/kind.ts";
import { PullRequest } from "./forge/v1alpha1/pull-request/kind.ts";
import { Review } from "./forge/v1alpha1/review/kind.ts";
import { WebhookDelivery } from "./forge/v1alpha1/webhook-delivery/kind.ts";
import { BranchProtection } from "./krate/v1alpha1/branch-protection/kind.ts";
import { RefPolicy } from "./krate/v1alpha1/ref-policy/kind.ts";
import { Repository } from "./krate/v1alpha1/repository/kind.ts";
import { RunnerPool } from "./krate/v1alpha1/runner-pool/kind.ts";
import { WebhookSubscription } from "./krate/v1alpha1/webhook-subscription/kind.ts";

/** CRDs of `krate.a5c.ai`. */
export const configKinds: readonly Kind[] = [Repository, BranchProtection, RefPolicy, RunnerPool, WebhookSubscription];

/** Records of `forge.krate.a5c.ai`. */
export const recordKinds: readonly Kind[] = [
  PullRequest,
  Issue,
  Review,
  GitEvent,
  Pipeline,
  Job,
  CheckRun,
  WebhookDelivery,
];

export const allKinds: readonly Kind[] = [...configKinds, ...recordKinds];
