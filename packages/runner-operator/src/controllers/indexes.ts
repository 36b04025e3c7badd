/** Indexes of the shared informers, so that no reconcile walks all objects. */

import type { Informer } from "@krate/kube";
import type { JobObject } from "../job/render-job.ts";
import type { PipelineObject } from "../pipeline/render-pipeline.ts";

const byPipeline = "pipeline";
const byPool = "pool";

export function addJobIndexes(jobs: Informer<JobObject>): void {
  jobs.addIndex(byPipeline, ({ metadata, spec }) => [`${metadata.namespace}/${spec.pipeline}`]);
  jobs.addIndex(byPool, ({ metadata, spec }) => [`${metadata.namespace}/${spec.runnerPool}`]);
}

export function jobsOfPipeline(jobs: Informer<JobObject>, { metadata }: PipelineObject): JobObject[] {
  return jobs.byIndex(byPipeline, `${metadata.namespace}/${metadata.name}`);
}

export function jobsOfPool(jobs: Informer<JobObject>, namespace: string, pool: string): JobObject[] {
  return jobs.byIndex(byPool, `${namespace}/${pool}`);
}
