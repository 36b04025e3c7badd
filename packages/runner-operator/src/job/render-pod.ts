/** A Job → its Pod. Pure. */
import { finalizers, labels, type PodType } from "@krate/kinds";
import type { JobAssignment } from "@krate/workflow";
import type { PoolObject } from "../pipeline/choose-pool.ts";
import type { PipelineObject } from "../pipeline/render-pipeline.ts";
import type { JobObject } from "./render-job.ts";

export interface PodOptions {
  job: JobObject;
  pipeline: PipelineObject;
  pool: PoolObject;
  /** Finished jobs this one needs. */
  needs: readonly JobObject[];
  gitUrl: string;
  image: string;
  nodeSelector: Record<string, string>;
}

export const containerName = "runner";
const tokenSeconds = 3600;
/** Beyond the job's own limit the node ends the Pod: for a runner that does not. */
const deadlineMarginSeconds = 60;
const terminationGraceSeconds = 30;

/** What the job's token is good for (C-06, RUN-04). */
export function audienceOf({ spec }: JobObject): string {
  return `krate:${spec.organizationRef}/${spec.repository}/${spec.ref}/${spec.pipeline}`;
}

const results: Record<string, string> = { Succeeded: "success", Skipped: "skipped", Cancelled: "cancelled" };
export const resultWord = (phase: string | undefined) => results[phase ?? ""] ?? "failure";

function assignmentOf({ job, pipeline, needs, gitUrl }: PodOptions): JobAssignment {
  const { spec, metadata } = job;
  return {
    organization: spec.organizationRef,
    namespace: metadata.namespace ?? "",
    repository: spec.repository ?? "",
    ref: spec.ref ?? "",
    sha: spec.sha ?? "",
    pipeline: spec.pipeline,
    name: metadata.name ?? "",
    job: spec.job,
    workflow: pipeline.spec.workflowName ?? pipeline.spec.workflow,
    event: pipeline.spec.trigger?.event ?? "manual",
    actor: pipeline.spec.trigger?.actor ?? "",
    runNumber: pipeline.status?.number ?? 0,
    cloneUrl: `${gitUrl}/${metadata.namespace}/${spec.repository}.git`,
    env: spec.env ?? {},
    matrix: spec.matrix ?? {},
    needs: Object.fromEntries(
      needs.map((need) => [
        need.spec.job,
        { result: resultWord(need.status?.phase), outputs: need.status?.outputs ?? {} },
      ]),
    ),
    steps: spec.steps ?? [],
    outputs: spec.outputs ?? {},
    timeoutSeconds: spec.timeoutSeconds ?? 3600,
    ...(spec.resumeFromStep && { resumeFromStep: spec.resumeFromStep }),
  };
}

/** Quantities may be written as numbers; Kubernetes' types know them as text. */
function resourcesOf(resources: NonNullable<PoolObject["spec"]["resources"]>) {
  const asText = (quantities: Record<string, string | number> = {}) =>
    Object.fromEntries(Object.entries(quantities).map(([name, value]) => [name, String(value)]));
  return { requests: asText(resources.requests), limits: asText(resources.limits) };
}

/** The Pod has the name of its Job, so a second start is AlreadyExists; its log outlives a deletion until it is stored. */
export function renderPod(options: PodOptions): PodType & { metadata: { name: string; namespace: string } } {
  const { job, pool, image, nodeSelector } = options;
  const { metadata, spec } = job;
  return {
    metadata: {
      name: metadata.name ?? "",
      namespace: metadata.namespace ?? "",
      labels: {
        [labels.org]: spec.organizationRef,
        [labels.repository]: spec.repository ?? "",
        [labels.pipeline]: spec.pipeline,
        [labels.job]: metadata.name ?? "",
        [labels.runnerPool]: spec.runnerPool,
        [labels.trustTier]: spec.trustTier,
      },
      finalizers: [finalizers.jobLog],
    },
    spec: {
      restartPolicy: "Never",
      serviceAccountName: spec.serviceAccountName ?? "default",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      activeDeadlineSeconds: (spec.timeoutSeconds ?? 3600) + deadlineMarginSeconds,
      terminationGracePeriodSeconds: terminationGraceSeconds,
      nodeSelector: { ...nodeSelector, ...pool.spec.nodeSelector },
      ...(pool.spec.tolerations && { tolerations: pool.spec.tolerations }),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: containerName,
          image: spec.image ?? pool.spec.image ?? image,
          command: spec.command ?? ["krate-runner"],
          env: [
            { name: "KRATE_JOB", value: JSON.stringify(assignmentOf(options)) },
            { name: "KRATE_GIT_URL", value: options.gitUrl },
          ],
          ...(pool.spec.resources && { resources: resourcesOf(pool.spec.resources) }),
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          volumeMounts: [{ name: "token", mountPath: "/var/run/secrets/krate", readOnly: true }],
        },
      ],
      volumes: [
        {
          name: "token",
          projected: {
            sources: [
              { serviceAccountToken: { audience: audienceOf(job), expirationSeconds: tokenSeconds, path: "token" } },
            ],
          },
        },
      ],
    },
  };
}
