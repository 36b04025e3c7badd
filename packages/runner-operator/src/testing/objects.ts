/** Objects for tests: one run of one workflow of one repository. */
import type { PodType } from "@krate/kinds";
import type { JobObject } from "../job/render-job.ts";
import type { PoolObject } from "../pipeline/choose-pool.ts";
import type { PipelineObject } from "../pipeline/render-pipeline.ts";

const namespace = "krate-org-demo";
const forge = "forge.krate.a5c.ai/v1alpha1";
const common = { organizationRef: "demo", repository: "hello", ref: "refs/heads/main", sha: "a".repeat(40) };

export const aPipeline = (spec: Partial<PipelineObject["spec"]> = {}): PipelineObject => ({
  apiVersion: forge,
  kind: "Pipeline",
  metadata: { name: "hello-ci-1", namespace, uid: "pipeline-uid" },
  spec: {
    ...common,
    workflow: ".krate/workflows/ci.yaml",
    workflowName: "CI",
    trustTier: "trusted",
    trigger: { event: "push", actor: "alice" },
    ...spec,
  },
});

export const aJob = (spec: Partial<JobObject["spec"]> = {}, status?: JobObject["status"]): JobObject => ({
  apiVersion: forge,
  kind: "Job",
  metadata: { name: `hello-ci-1-${spec.job ?? "test"}`, namespace, uid: "job-uid" },
  spec: {
    ...common,
    pipeline: "hello-ci-1",
    job: "test",
    runnerPool: "default",
    trustTier: "trusted",
    timeoutSeconds: 600,
    steps: [{ number: 1, name: "make", run: "make" }],
    ...spec,
  },
  ...(status && { status }),
});

export const aPool = (spec: Partial<PoolObject["spec"]> = {}, name = "default"): PoolObject => ({
  apiVersion: "krate.a5c.ai/v1alpha1",
  kind: "RunnerPool",
  metadata: { name, namespace },
  spec: { organizationRef: "demo", trustTier: "trusted", maxReplicas: 2, allowedRepositories: ["*"], ...spec },
});

export const aPod = (phase: string): PodType => ({
  metadata: { name: "hello-ci-1-test", namespace, uid: "pod-uid" },
  spec: { containers: [] },
  status: { phase },
});
