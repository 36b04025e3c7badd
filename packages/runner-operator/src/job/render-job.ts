/** A plan of the workflow → a Job object. Pure. */
import type { Job, ObjectOf } from "@krate/kinds";
import type { JobPlan } from "@krate/workflow";
import type { PoolObject } from "../pipeline/choose-pool.ts";
import { type PipelineObject, shortHash } from "../pipeline/render-pipeline.ts";

export type JobObject = ObjectOf<typeof Job>;

const maxNameLength = 63;

/** `<pipeline>-<job>`, shortened with a hash when it is too long or the id is not a DNS label. */
export function jobName(pipeline: string, job: string): string {
  const plain = job
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const name = `${pipeline}-${plain}`;
  if (plain === job && name.length <= maxNameLength) return name;
  return `${name.slice(0, maxNameLength - 9).replace(/-+$/, "")}-${shortHash(job)}`;
}

/** ServiceAccount of a pool's Pods; it has no bindings, so it may do nothing. */
export const serviceAccountOf = (pool: PoolObject) => pool.spec.serviceAccountRef ?? `runner-${pool.metadata.name}`;

const defaultTimeoutSeconds = 3600;

export function renderJob(pipeline: PipelineObject, plan: JobPlan, pool: PoolObject) {
  const { metadata, spec } = pipeline;
  const limit = pool.spec.limits?.jobTimeoutSeconds ?? defaultTimeoutSeconds;
  const [resumeJob, resumeStep] = (spec.resumeFrom ?? "").split("/");
  const { continueOnError, timeoutSeconds, ...planned } = plan;
  return {
    metadata: {
      name: jobName(metadata.name ?? "", plan.job),
      namespace: metadata.namespace ?? "",
      ownerReferences: [
        {
          apiVersion: pipeline.apiVersion,
          kind: pipeline.kind,
          name: metadata.name ?? "",
          uid: metadata.uid ?? "",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      organizationRef: spec.organizationRef,
      pipeline: metadata.name ?? "",
      repository: spec.repository,
      ref: spec.ref,
      ...(spec.sha && { sha: spec.sha }),
      ...planned,
      ...(continueOnError && { continueOnError }),
      ...(resumeStep && plan.job === resumeJob && { resumeFromStep: resumeStep }),
      runnerPool: pool.metadata.name ?? "",
      trustTier: spec.trustTier ?? "untrusted",
      serviceAccountName: serviceAccountOf(pool),
      timeoutSeconds: Math.min(timeoutSeconds ?? limit, limit),
    } satisfies JobObject["spec"],
  };
}
