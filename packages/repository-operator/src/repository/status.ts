/** Status of a repository from what was found in the backend: pure. */
import type { BackendHealth, EnsureResult } from "@krate/git";
import {
  type ConditionInput,
  findCondition,
  isFalse,
  isTrue,
  isUnknown,
  type ObjectOf,
  type Repository,
} from "@krate/kinds";

export type RepositoryObject = ObjectOf<typeof Repository>;
export type RepositoryStatus = NonNullable<RepositoryObject["status"]>;

export interface PlannedStatus {
  status: { [Field in keyof RepositoryStatus]?: RepositoryStatus[Field] | undefined };
  conditions: ConditionInput[];
}

/** What git says about the repository as a whole. */
export interface RepositorySummary {
  headSha?: string;
  branchCount: number;
  sizeBytes: number;
}

export interface Observed {
  backend: { kind: "native" | "gitea"; name: string; url?: string };
  provisioned: EnsureResult;
  health: BackendHealth;
  /** Absent while the backend cannot be read. */
  summary?: RepositorySummary;
  lastPushedAt?: string;
  protection: ConditionInput;
  gitUrl: string;
  sshUrl?: string;
}

export function planStatus(repository: RepositoryObject, observed: Observed): PlannedStatus {
  const { backend, provisioned, health, summary, protection } = observed;
  const healthy = health.state === "Healthy";
  const reason = healthy ? "BackendHealthy" : reasonOf(health);
  const { namespace, name } = repository.metadata;
  return {
    status: {
      phase: phaseOf(repository, healthy),
      backend: { ...backend, id: provisioned.id, health: health.state },
      cloneUrls: {
        http: `${observed.gitUrl}/${namespace}/${name}.git`,
        ...(observed.sshUrl && { ssh: `${observed.sshUrl}/${namespace}/${name}.git` }),
      },
      ...(summary && { headSha: summary.headSha, branchCount: summary.branchCount, sizeBytes: summary.sizeBytes }),
      ...newer(repository.status?.lastPushedAt, observed.lastPushedAt),
    },
    conditions: [
      healthy ? isTrue("BackendReady", reason) : isFalse("BackendReady", reason, health.message),
      provisionedCondition(repository, provisioned),
      protection,
      isTrue("AccessSynced", "NotRequired", "the gateway asks the API server about every access"),
      isTrue("WebhooksSynced", "NotRequired", "the gateway itself records every push"),
      healthy || health.isServed ? isTrue("Ready", "Ready") : isFalse("Ready", "BackendUnavailable", health.message),
    ],
  };
}

/** The backend could not make the repository. */
export function planFailure(
  { reason, message }: { reason: "NameConflict" | "CreateFailed"; message: string },
  protection: ConditionInput,
): PlannedStatus {
  return {
    status: { phase: "Pending" },
    conditions: [
      isFalse("Provisioned", reason, message),
      isUnknown("BackendReady", "BackendUnavailable", message),
      protection,
      isFalse("Ready", "ProvisionFailed", message),
    ],
  };
}

export function planTermination(openPullRequests: number): PlannedStatus {
  const message =
    openPullRequests > 0
      ? `${openPullRequests} open pull requests: merge or close them, or set annotation krate.a5c.ai/confirm-delete`
      : "the repository is being removed from the backend";
  return { status: { phase: "Terminating" }, conditions: [isFalse("Ready", "Terminating", message)] };
}

function phaseOf({ spec }: RepositoryObject, healthy: boolean): RepositoryStatus["phase"] {
  if (!healthy) return "Degraded";
  return spec.archived === true ? "Archived" : "Ready";
}

function reasonOf(health: BackendHealth): "BackendUnavailable" | "GiteaUnavailable" | "StorageDegraded" {
  if (health.state !== "Healthy" && health.reason === "GiteaUnavailable") return "GiteaUnavailable";
  return health.state === "Degraded" ? "StorageDegraded" : "BackendUnavailable";
}

/** How it came to be stays said: looking again and finding it unchanged is no news. */
function provisionedCondition(repository: RepositoryObject, { outcome }: EnsureResult): ConditionInput {
  const before = findCondition(repository, "Provisioned");
  if (outcome !== "Unchanged") return isTrue("Provisioned", outcome);
  return isTrue("Provisioned", before?.status === "True" ? before.reason : "AdoptedExisting");
}

function newer(known: string | undefined, seen: string | undefined) {
  return seen !== undefined && (known === undefined || Date.parse(seen) > Date.parse(known))
    ? { lastPushedAt: seen }
    : {};
}
