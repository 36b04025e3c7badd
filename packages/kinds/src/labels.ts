/** Well-known names: labels, annotations, finalizers, groups. `spec/kinds.md` §2.2–2.6; nobody spells one twice. */

/** CRDs, stored by the cluster's API server. */
export const configGroup = "krate.a5c.ai";
/** Records, served by krate-apiserver from Postgres. */
export const recordGroup = "forge.krate.a5c.ai";
export const version = "v1alpha1";
/** Where Krate itself lives. */
export const platformNamespace = "krate-system";

export const labels = {
  org: "krate.a5c.ai/org",
  repository: "krate.a5c.ai/repository",
  pullRequest: "krate.a5c.ai/pull-request",
  pipeline: "krate.a5c.ai/pipeline",
  job: "krate.a5c.ai/job",
  number: "krate.a5c.ai/number",
  phase: "krate.a5c.ai/phase",
  author: "krate.a5c.ai/author",
  event: "krate.a5c.ai/event",
  gitEvent: "krate.a5c.ai/git-event",
  trustTier: "krate.a5c.ai/trust-tier",
  runnerPool: "krate.a5c.ai/runner-pool",
  bundle: "krate.a5c.ai/refpolicy-bundle",
  failureSignature: "failure.signature",
  deliveryStatus: "status",
  deliverySubscription: "subscription",
} as const;

export const annotations = {
  createdBy: "krate.a5c.ai/created-by",
  correlationId: "krate.a5c.ai/correlation-id",
  kubectlCommand: "krate.a5c.ai/kubectl-command",
  confirmDelete: "krate.a5c.ai/confirm-delete",
  bundleHash: "krate.a5c.ai/refpolicy-hash",
} as const;

export const finalizers = {
  repositoryBackend: "krate.a5c.ai/repository-backend",
  mergeQueueRefs: "krate.a5c.ai/merge-queue-refs",
  webhookQueue: "krate.a5c.ai/webhook-queue",
  refPolicyBundle: "krate.a5c.ai/ref-policy-bundle",
  runnerPods: "krate.a5c.ai/runner-pods",
  jobLog: "krate.a5c.ai/job-log",
} as const;

/** Groups of people that get the installed roles (ID-05). */
export const groups = {
  authenticated: "system:authenticated",
  developers: "krate:developers",
  repoAdmins: "krate:repo-admins",
  platformEngineers: "krate:platform-engineers",
} as const;

/**
 * Turns any text into a legal label value: every illegal character becomes `_`, ends are trimmed to alphanumerics,
 * cut to 63 characters (C-05). The empty string stays empty.
 */
export function toLabelValue(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}
