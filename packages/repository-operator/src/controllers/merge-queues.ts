/**
 * Runs merge queues: `merge-queue/plan.ts` says what is next, here it is done, step after step, until there is something to wait for.
 * A state is written down on exactly the version of the object it was planned from, always before what it leads to.
 */
import {
  type Controller,
  defineController,
  type MapContext,
  type ReconcileContext,
  type ReconcileResult,
  WaitError,
  watch,
} from "@krate/controller";
import { RepositoryMissingError } from "@krate/git";
import {
  BranchProtection,
  CheckRun,
  finalizers,
  isFalse,
  MergeQueue,
  PullRequest,
  Repository,
  User,
} from "@krate/kinds";
import { GatewayUnavailableError } from "../git/push.ts";
import type { QueueMetrics } from "../merge-queue/metrics.ts";
import { readCandidates } from "../merge-queue/observe.ts";
import { deleteCandidate, type QueueSite } from "../merge-queue/perform.ts";
import { branchOf, queueOfBranch } from "../merge-queue/queue-of.ts";
import type { MergeQueueObject, MergeQueueStatus } from "../merge-queue/render.ts";
import type { OperatorPorts } from "../ports.ts";
import { queueLookup } from "./indexes.ts";
import { QueueRun } from "./queue-run.ts";

type Result = ReconcileResult<MergeQueueStatus>;

const gatewayAwaySeconds = 5;
const resyncSeconds = 120;

export function mergeQueues(ports: OperatorPorts, metrics: QueueMetrics): Controller {
  return defineController({
    name: "merge-queues",
    for: MergeQueue,
    concurrency: 4,
    timeoutSeconds: 300,
    resyncSeconds,
    reads: [User],
    watches: [
      watch(PullRequest, ({ metadata, spec }, context) => queuesOf(context, metadata.namespace, spec.repository)),
      watch(CheckRun, ({ metadata, spec }, { lister }) =>
        lister(MergeQueue)
          .list(metadata.namespace)
          .filter(({ status }) => status?.batch?.candidate === spec.sha)
          .map(keyOf),
      ),
      watch(BranchProtection, ({ metadata }, context) => queuesOf(context, metadata.namespace)),
      watch(Repository, ({ metadata }, context) => queuesOf(context, metadata.namespace, metadata.name)),
    ],
    finalizer: finalizers.mergeQueueRefs,
    reconcile: (queue, context) => runQueue(queue, context, ports, metrics),
    finalize: (queue, context) => removeRefs(queue, context, ports),
    forgotten: ({ namespace, name }) => metrics.forget(`${namespace}/${name}`),
  });
}

const keyOf = ({ metadata }: MergeQueueObject) => ({ namespace: metadata.namespace ?? "", name: metadata.name ?? "" });

function queuesOf({ lister }: MapContext, namespace: string | undefined, repository?: string) {
  return lister(MergeQueue)
    .list(namespace)
    .filter(({ spec }) => repository === undefined || spec.repository === repository)
    .map(keyOf);
}

async function runQueue(
  queue: MergeQueueObject,
  context: ReconcileContext,
  ports: OperatorPorts,
  metrics: QueueMetrics,
): Promise<Result> {
  const site = siteOf(queue, context, ports);
  if ("reason" in site) return blocked(queue, site);
  try {
    return await new QueueRun(queue, site, context, ports, metrics).run();
  } catch (error) {
    if (error instanceof RepositoryMissingError)
      return blocked(queue, { reason: "RepositoryMissing", message: error.message });
    if (!(error instanceof GatewayUnavailableError)) throw error;
    const message = `${error.message}; trying again`;
    throw new WaitError(gatewayAwaySeconds, error.message, {
      cause: error,
      conditions: [isFalse("Ready", "GatewayUnavailable", message)],
    });
  }
}

function blocked(queue: MergeQueueObject, { reason, message }: { reason: string; message: string }): Result {
  const conditions = [isFalse("Ready", reason, message), isFalse("Progressing", "Blocked", message)];
  return {
    status: { phase: "Blocked" },
    conditions,
    ...(queue.status?.batch && { requeueAfterSeconds: resyncSeconds }),
  };
}

function siteOf(
  queue: MergeQueueObject,
  context: ReconcileContext,
  ports: OperatorPorts,
): QueueSite | { reason: string; message: string } {
  const { namespace = "" } = queue.metadata;
  const repository = { namespace, name: queue.spec.repository };
  const found = context.lister(Repository).get(repository);
  const missing = (message: string) => ({ reason: "RepositoryMissing", message });
  if (!found) return missing(`repository "${repository.name}" does not exist`);
  if (found.metadata.deletionTimestamp) return missing("the repository is being deleted");
  if (found.spec.archived === true) return missing("the repository is archived");
  const lookup = queueLookup(context);
  const branch = branchOf(queue, lookup);
  const first = queueOfBranch({ namespace, repository: repository.name, branch }, lookup);
  if (first && first.metadata.uid !== queue.metadata.uid)
    return { reason: "AnotherQueue", message: `MergeQueue/${first.metadata.name} merges into ${branch} already` };
  return { repository, gitDir: ports.backend.gitDir(repository), branch };
}

/** The queue is gone, and so are its candidates. Pull requests that were landing are let go by their own controller. */
async function removeRefs(queue: MergeQueueObject, context: ReconcileContext, ports: OperatorPorts): Promise<void> {
  const lookup = queueLookup(context);
  const { namespace = "" } = queue.metadata;
  const repository = { namespace, name: queue.spec.repository };
  const found = context.lister(Repository).get(repository);
  if (!found || found.metadata.deletionTimestamp || found.spec.archived === true) return;
  const branch = branchOf(queue, lookup);
  if (queueOfBranch({ namespace, repository: repository.name, branch }, lookup)) return;
  const site: QueueSite = { repository, gitDir: ports.backend.gitDir(repository), branch };
  try {
    for (const [ref, commit] of await readCandidates(site.gitDir, branch))
      await deleteCandidate({ kind: "delete-candidate", ref, commit }, { site, ports, signal: context.signal });
  } catch (error) {
    if (!(error instanceof GatewayUnavailableError)) throw error;
    throw new WaitError(gatewayAwaySeconds, error.message, { cause: error });
  }
}
