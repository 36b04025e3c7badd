/** A Job → its Pod, and its Pod → its status, its stored log and its CheckRun (kinds.md §7.3). */
import { createHash } from "node:crypto";
import {
  type Controller,
  defineController,
  done,
  type ReconcileContext,
  type ReconcileResult,
  watch,
} from "@krate/controller";
import {
  ApiError,
  CheckRun,
  finalizers,
  isFalse,
  isReason,
  Job,
  labels,
  Pipeline,
  Pod,
  type PodType,
  RunnerPool,
  recordGroup,
  ServiceAccount,
  version,
} from "@krate/kinds";
import type { RunnerOperatorConfig } from "../config.ts";
import { observeOver, observeRunning } from "../job/observe-pod.ts";
import { isFinished, type JobDecision, planJob } from "../job/plan-job.ts";
import { renderCheck } from "../job/render-check.ts";
import type { JobObject } from "../job/render-job.ts";
import { containerName, renderPod } from "../job/render-pod.ts";
import type { PoolObject } from "../pipeline/choose-pool.ts";
import type { PipelineObject } from "../pipeline/render-pipeline.ts";
import { jobsOfPipeline, jobsOfPool } from "./indexes.ts";

type Status = NonNullable<JobObject["status"]>;
type Result = ReconcileResult<Status>;

/** A waiting job is looked at when another one finishes; this is for what has no event. */
const waitSeconds = 30;
/** The longest log that is kept. @see jobs/log of the API server */
const maxLogBytes = 32 * 1024 * 1024;
const rfc3339 = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;

interface Found {
  job: JobObject;
  pipeline: PipelineObject | undefined;
  pool: PoolObject | undefined;
  pod: PodType | undefined;
}

export function jobs(config: RunnerOperatorConfig): Controller {
  /** Jobs whose Pod is being made: neither it nor their status can be seen yet, and they take room all the same. */
  const starting = new Set<string>();
  return defineController({
    name: "jobs",
    for: Job,
    concurrency: 16,
    reads: [CheckRun],
    watches: [
      watch(Pod, ({ metadata }) => keysOf(metadata?.namespace, metadata?.labels?.[labels.job]), {
        labelSelector: labels.job,
      }),
      watch(Pipeline, (pipeline, { lister }) => unfinished(jobsOfPipeline(lister(Job), pipeline))),
      watch(RunnerPool, ({ metadata }, { lister }) =>
        unfinished(jobsOfPool(lister(Job), metadata.namespace ?? "", metadata.name ?? "")),
      ),
      // A finished job makes room in its pool and lets those that need it start.
      watch(Job, (job, { lister }) =>
        isFinished(job) ? unfinished(jobsOfPool(lister(Job), job.metadata.namespace ?? "", job.spec.runnerPool)) : [],
      ),
    ],
    async reconcile(job, context) {
      const found = await find(job, context);
      const decision = planJob({
        ...found,
        siblings: found.pipeline ? jobsOfPipeline(context.lister(Job), found.pipeline) : [],
        active: activeInPool(job, starting, context),
      });
      const key = keyOf(job);
      // Between the count above and this line nothing else runs.
      if (decision.do === "start") starting.add(key);
      else if (found.pod ?? isFinished(job)) starting.delete(key);
      const result = await act(decision, found, context, config).catch((error: unknown) => {
        starting.delete(key);
        throw error;
      });
      if (found.pipeline)
        await report(found.pipeline, { ...job, status: { ...job.status, ...result.status } as Status }, context);
      return result;
    },
    forgotten: ({ namespace, name }) => void starting.delete(`${namespace}/${name}`),
  });
}

const keyOf = ({ metadata }: JobObject) => `${metadata.namespace}/${metadata.name}`;

function keysOf(namespace: string | undefined, name: string | undefined) {
  return namespace && name ? [{ namespace, name }] : [];
}

function unfinished(list: readonly JobObject[]) {
  return list.filter((job) => !isFinished(job)).flatMap(({ metadata }) => keysOf(metadata.namespace, metadata.name));
}

/** Local copies may be behind: what decides over an effect is asked for again when it seems to be missing. */
async function find(job: JobObject, { lister, client, signal }: ReconcileContext): Promise<Found> {
  const namespace = job.metadata.namespace ?? "";
  const key = { namespace, name: job.metadata.name ?? "" };
  const pipelineKey = { namespace, name: job.spec.pipeline };
  return {
    job,
    pipeline: lister(Pipeline).get(pipelineKey) ?? (await client.find(Pipeline, pipelineKey, { signal })),
    pool: lister(RunnerPool).get({ namespace, name: job.spec.runnerPool }),
    pod: lister(Pod).get(key) ?? (job.status?.pod ? await client.find(Pod, key, { signal }) : undefined),
  };
}

function activeInPool(job: JobObject, starting: ReadonlySet<string>, { lister }: ReconcileContext): number {
  const namespace = job.metadata.namespace ?? "";
  const takesRoom = (other: JobObject) =>
    !isFinished(other) &&
    (other.status?.pod !== undefined ||
      starting.has(keyOf(other)) ||
      lister(Pod).get({ namespace, name: other.metadata.name ?? "" }) !== undefined);
  return jobsOfPool(lister(Job), namespace, job.spec.runnerPool).filter(
    (other) => other.metadata.name !== job.metadata.name && takesRoom(other),
  ).length;
}

async function act(
  decision: JobDecision,
  found: Found,
  context: ReconcileContext,
  config: RunnerOperatorConfig,
): Promise<Result> {
  const { job } = found;
  const now = rfc3339(context.now());
  const queuedAt = job.status?.queuedAt ?? now;
  switch (decision.do) {
    case "nothing":
      return done();
    case "clean-up":
      await removePod(found, context);
      return done();
    case "wait":
      return {
        status: { phase: decision.phase, ...(decision.phase === "Queued" && { queuedAt }) },
        conditions: [isFalse("Scheduled", decision.reason, decision.message)],
        requeueAfterSeconds: waitSeconds,
      };
    case "refuse":
      context.events.record(job, "Warning", "ForkOnTrustedPool", decision.message);
      return {
        status: { phase: "Failed", completedAt: now, message: decision.message },
        conditions: [
          isFalse("Scheduled", "ForkOnTrustedPool", decision.message),
          isFalse("Completed", "Cancelled", decision.message),
        ],
      };
    case "finish":
      return {
        status: {
          phase: decision.phase,
          completedAt: now,
          message: decision.message,
          ...(decision.reason === "Evicted" && { hints: [{ reason: "Evicted" as const, message: decision.message }] }),
        },
        conditions: [isFalse("Completed", decision.reason, decision.message)],
      };
    case "start": {
      const pod = await startPod(found, decision.needs, context, config);
      const observed = observeRunning(job, pod);
      return { ...observed, status: { ...observed.status, queuedAt } };
    }
    case "cancel-pod":
      await context.client.delete(Pod, { namespace: job.metadata.namespace ?? "", name: job.metadata.name ?? "" });
      return done();
    case "observe": {
      const observed = observeRunning(job, decision.pod);
      return { ...observed, status: { ...observed.status, queuedAt } };
    }
    case "collect": {
      const log = await storeLog(job, decision.pod, context);
      const observed = observeOver(job, decision.pod, log, now);
      return { ...observed, status: { ...observed.status, queuedAt } };
    }
  }
}

async function startPod(
  { job, pipeline, pool }: Found,
  needs: readonly JobObject[],
  { client, signal }: ReconcileContext,
  config: RunnerOperatorConfig,
): Promise<PodType> {
  if (!pipeline || !pool) throw new Error("a job is started only with its pipeline and pool known");
  const namespace = job.metadata.namespace ?? "";
  const account = job.spec.serviceAccountName;
  if (account && !pool.spec.serviceAccountRef) {
    await ignoring(
      "AlreadyExists",
      client.create(
        ServiceAccount,
        { metadata: { name: account, namespace }, automountServiceAccountToken: false },
        { signal },
      ),
    );
  }
  const pod = renderPod({
    job,
    pipeline,
    pool,
    needs,
    gitUrl: config.gitUrl,
    image: config.runnerImage,
    nodeSelector: config.nodeSelector,
  });
  const created = await ignoring("AlreadyExists", client.create(Pod, pod, { signal }));
  return created ?? client.get(Pod, { namespace, name: pod.metadata.name }, { signal });
}

async function ignoring<T>(reason: ApiError["reason"], promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isReason(error, reason)) return undefined;
    throw error;
  }
}

/** Copies the Pod's log to where it outlives the Pod. Storing it twice stores the same. Undefined when the log is gone. */
async function storeLog(job: JobObject, pod: PodType, { client, log, signal }: ReconcileContext) {
  const base = `/namespaces/${job.metadata.namespace}`;
  const query = { container: containerName, limitBytes: maxLogBytes };
  try {
    const source = await client.raw({ path: `/api/v1${base}/pods/${pod.metadata?.name}/log`, query, signal });
    // Bytes that are no UTF-8 grow when they are replaced.
    const body = Buffer.from(await source.text()).subarray(0, maxLogBytes);
    await client.raw({
      method: "PUT",
      path: `/apis/${recordGroup}/${version}${base}/${Job.plural}/${job.metadata.name}/log`,
      headers: { "content-type": "text/plain" },
      body,
      signal,
    });
    return { bytes: body.length, digest: `sha256:${createHash("sha256").update(body).digest("hex")}` };
  } catch (error) {
    // A node that lost the file will not find it again; anything else is tried again, the Pod keeps its finalizer.
    if (!(error instanceof ApiError) || (error.code !== 404 && error.code !== 400)) throw error;
    log.warn({ err: error, job: job.metadata.name }, "the log of a Pod is gone");
    return undefined;
  }
}

async function removePod({ job, pod }: Found, { client, signal }: ReconcileContext): Promise<void> {
  const key = { namespace: job.metadata.namespace ?? "", name: job.metadata.name ?? "" };
  const others = (pod?.metadata?.finalizers ?? []).filter((finalizer) => finalizer !== finalizers.jobLog);
  if (others.length !== (pod?.metadata?.finalizers ?? []).length) {
    const patch = { metadata: { finalizers: others, resourceVersion: pod?.metadata?.resourceVersion } };
    await ignoring("NotFound", client.patch(Pod, key, patch, { type: "merge", signal }));
  }
  if (!pod?.metadata?.deletionTimestamp) {
    await client.delete(Pod, key, { signal, ...(pod?.metadata?.uid && { preconditions: { uid: pod.metadata.uid } }) });
  }
}

/** Writes the CheckRun when it says something else than the job. */
async function report(
  pipeline: PipelineObject,
  job: JobObject,
  { client, lister, signal }: ReconcileContext,
): Promise<void> {
  if (!job.spec.sha) return;
  const { object, status } = renderCheck(pipeline, job);
  const current = lister(CheckRun).get(object.metadata);
  const same = (Object.keys(status) as (keyof typeof status)[]).every((key) => current?.status?.[key] === status[key]);
  if (current && same) return;
  if (!current) await ignoring("AlreadyExists", client.create(CheckRun, object, { signal }));
  const patch = { status: { conclusion: null, startedAt: null, completedAt: null, summary: null, ...status } };
  await client.patch(CheckRun, object.metadata, patch, { type: "merge", subresource: "status", signal });
}
