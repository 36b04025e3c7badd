/** Makes repositories exist in the backend and tells how they are (GIT-02, GIT-05, kinds.md §5.1). */
import {
  type Controller,
  defineController,
  done,
  type MapContext,
  type ProgramContext,
  type ReconcileContext,
  type ReconcileResult,
  requeueAfter,
  WaitError,
  watch,
} from "@krate/controller";
import { BackendConflictError, type BackendHealth, type EnsureResult, GiteaUnavailableError } from "@krate/git";
import {
  annotations,
  BranchProtection,
  type ConditionInput,
  ConfigMap,
  finalizers,
  findCondition,
  isFalse,
  labels,
  PullRequest,
  RefPolicy,
  Repository,
} from "@krate/kinds";
import { GatewayUnavailableError } from "../git/push.ts";
import { secondsOf } from "../merge/landed.ts";
import type { OperatorPorts } from "../ports.ts";
import { makeFirstCommit, planFirstCommit } from "../repository/initialize.ts";
import { bundleConfigMap, protectionCondition } from "../repository/protection.ts";
import {
  planFailure,
  planStatus,
  planTermination,
  type RepositoryObject,
  type RepositoryStatus,
} from "../repository/status.ts";
import { summarize } from "../repository/summary.ts";
import { indexes } from "./indexes.ts";

type Result = ReconcileResult<RepositoryStatus>;

/** Health is looked at this often; nothing is written while nothing changes. */
const healthSeconds = 60;
const openPullRequestsSeconds = 30;
const conflictSeconds = 30;
const gatewayAwaySeconds = 2;

export function repositories(ports: OperatorPorts): Controller {
  return defineController({
    name: "repositories",
    for: Repository,
    concurrency: 4,
    resyncSeconds: healthSeconds,
    finalizer: finalizers.repositoryBackend,
    triggers: [ports.pushes.repositories],
    watches: [
      watch(ConfigMap, ({ metadata }, context) => allOf(metadata?.namespace, context), {
        labelSelector: `${labels.bundle}=true`,
      }),
      watch(BranchProtection, ({ metadata }, context) => allOf(metadata.namespace, context)),
      watch(RefPolicy, ({ metadata }, context) => allOf(metadata.namespace, context)),
      watch(PullRequest, ({ metadata, spec }, { lister }) => {
        const key = { namespace: metadata.namespace ?? "", name: spec.repository };
        return lister(Repository).get(key)?.metadata.deletionTimestamp ? [key] : [];
      }),
    ],
    async reconcile(repository, context): Promise<Result> {
      const protection = protectionOf(repository, context);
      const ensured = await ensure(repository, ports);
      if ("problem" in ensured)
        return { ...planFailure(ensured.problem, protection), requeueAfterSeconds: conflictSeconds };
      if (!wasProvisioned(repository)) await begin(repository, ensured.result, context, ports);
      return observe(repository, ensured.result, protection, ports);
    },
    async finalize(repository, context): Promise<Result> {
      const open = openPullRequests(repository, context);
      const isConfirmed = repository.metadata.annotations?.[annotations.confirmDelete] !== undefined;
      if (open > 0 && !isConfirmed) return { ...planTermination(open), requeueAfterSeconds: openPullRequestsSeconds };
      await ports.backend.remove(identityOf(repository), repository.spec.deletionPolicy ?? "Retain");
      return done();
    },
    forgotten: (key) => ports.pushes.forget(key),
  });
}

type Ensured = { result: EnsureResult } | { problem: { reason: "NameConflict" | "CreateFailed"; message: string } };

async function ensure(repository: RepositoryObject, { backend }: OperatorPorts): Promise<Ensured> {
  const identity = identityOf(repository);
  const asked = repository.spec.backend?.name;
  if (asked && asked !== backend.name)
    return failed("CreateFailed", `spec.backend.name is "${asked}": this installation has only "${backend.name}"`);
  // What was there and is gone has to be restored: an empty repository in its place would hide a volume that is not mounted.
  const known = repository.status?.backend?.id ?? `${identity.namespace}/${identity.name}`;
  const before: Ensured = { result: { outcome: "Unchanged", id: known } };
  if (wasProvisioned(repository) && !isUsable(await backend.health(identity))) return before;
  try {
    const defaultBranch = repository.spec.defaultBranch ?? "main";
    return { result: await backend.ensure(identity, { defaultBranch }) };
  } catch (error) {
    if (error instanceof GiteaUnavailableError && wasProvisioned(repository)) return before;
    const reason = error instanceof BackendConflictError ? "NameConflict" : "CreateFailed";
    return failed(reason, error instanceof Error ? error.message : String(error));
  }
}

function failed(reason: "NameConflict" | "CreateFailed", message: string): Ensured {
  return { problem: { reason, message } };
}

function wasProvisioned(repository: RepositoryObject): boolean {
  return findCondition(repository, "Provisioned")?.status === "True";
}

function isUsable(health: BackendHealth): boolean {
  return health.state === "Healthy" || health.isServed === true;
}

/** What is done once: the first commit, and the Event. Not Ready before, so that nobody pushes into it. */
async function begin(
  repository: RepositoryObject,
  { id, outcome }: EnsureResult,
  { events, now }: ReconcileContext,
  { backend, gateway, committer }: OperatorPorts,
): Promise<void> {
  const identity = identityOf(repository);
  const commit = planFirstCommit(repository);
  if (commit) {
    const options = { gateway, gitDir: backend.gitDir(identity), committer, at: secondsOf(now()) };
    try {
      const pushed = await makeFirstCommit(identity, commit, options);
      if (pushed.result === "refused")
        events.record(repository, "Warning", "InitializeRefused", `no first commit: ${pushed.reason}`);
    } catch (error) {
      if (!(error instanceof GatewayUnavailableError)) throw error;
      throw new WaitError(gatewayAwaySeconds, error.message, {
        cause: error,
        conditions: [isFalse("Ready", "Provisioning", `waiting for the first commit: ${error.message}`)],
      });
    }
  }
  if (outcome !== "Unchanged")
    events.record(repository, "Normal", outcome, `backend ${backend.name} holds it as ${id}`);
}

async function observe(
  repository: RepositoryObject,
  provisioned: EnsureResult,
  protection: ConditionInput,
  { backend, gitUrl, sshUrl, pushes }: OperatorPorts,
): Promise<Result> {
  const identity = identityOf(repository);
  const defaultBranch = repository.spec.defaultBranch ?? "main";
  const health: BackendHealth = await backend.health(identity);
  if (isUsable(health)) await backend.setDefaultBranch(identity, defaultBranch);
  const summary = isUsable(health) ? await summarize(backend.gitDir(identity), defaultBranch) : undefined;
  const lastPushedAt = pushes.lastPushedAt(identity);
  const url = backend.url(identity);
  const planned = planStatus(repository, {
    backend: { kind: backend.kind, name: backend.name, ...(url && { url }) },
    provisioned,
    health,
    protection,
    gitUrl,
    ...(sshUrl && { sshUrl }),
    ...(summary && { summary }),
    ...(lastPushedAt && { lastPushedAt }),
  });
  const isBehindEvents = pushes.isExpectedToMove(identity, `refs/heads/${defaultBranch}`, summary?.headSha);
  return { ...planned, ...(isBehindEvents && requeueAfter(0.1, "a push was announced that has not landed yet")) };
}

function protectionOf({ metadata }: RepositoryObject, { lister }: ReconcileContext): ConditionInput {
  const namespace = metadata.namespace ?? "";
  const policies = [...lister(BranchProtection).list(namespace), ...lister(RefPolicy).list(namespace)];
  return protectionCondition(policies, lister(ConfigMap).get({ namespace, name: bundleConfigMap }));
}

function openPullRequests({ metadata }: RepositoryObject, { lister }: ReconcileContext): number {
  return lister(PullRequest).byIndex(indexes.open, `${metadata.namespace}/${metadata.name}`).length;
}

function identityOf({ metadata }: RepositoryObject): { namespace: string; name: string; uid?: string } {
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    ...(metadata.uid && { uid: metadata.uid }),
  };
}

function allOf(namespace: string | undefined, { lister }: MapContext) {
  return lister(Repository)
    .list(namespace)
    .map(({ metadata }) => ({ namespace: metadata.namespace ?? "", name: metadata.name ?? "" }));
}

/** Keeps an eye on the backend's servers and looks at every repository again when one went away or came back (GIT-21). */
export async function watchBackend(
  { lister, log }: ProgramContext,
  signal: AbortSignal,
  { backend, pushes }: Pick<OperatorPorts, "backend" | "pushes">,
): Promise<void> {
  await lister(Repository).synced();
  await backend.watch(signal, (server, isAway) => {
    log.warn({ server }, isAway ? "a server of the Git backend is away" : "a server of the Git backend is back");
    for (const { metadata } of lister(Repository).list())
      pushes.repositories.enqueue({ namespace: metadata.namespace ?? "", name: metadata.name ?? "" });
  });
}
