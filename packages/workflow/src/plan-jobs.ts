/** A workflow → the jobs of one run: one per matrix entry, steps numbered, environment layered. */
import type { Workflow, WorkflowJob, WorkflowStep } from "./workflow.ts";

/** What becomes `Job.spec`, but for the fields that name the run itself. */
export interface JobPlan {
  /** Id in the workflow, with the matrix values when it has some: unique in the run. */
  job: string;
  displayName: string;
  index: number;
  /** Ids (of this plan) that must be over before. */
  needs: string[];
  if?: string;
  matrix?: Record<string, string>;
  env: Record<string, string>;
  steps: (WorkflowStep & { number: number })[];
  outputs: Record<string, string>;
  timeoutSeconds?: number;
  continueOnError: boolean;
}

function idOf(job: WorkflowJob, matrix: Record<string, string>): string {
  const values = Object.values(matrix);
  return values.length === 0 ? job.id : `${job.id} (${values.join(", ")})`;
}

/** Jobs in the order of the file. */
export function planJobs(workflow: Workflow): JobPlan[] {
  const idsOf = new Map(workflow.jobs.map((job) => [job.id, job.matrix.map((matrix) => idOf(job, matrix))]));
  const plans = workflow.jobs.flatMap((job) =>
    job.matrix.map((matrix): Omit<JobPlan, "index"> => {
      const id = idOf(job, matrix);
      return {
        job: id,
        displayName: job.name && Object.keys(matrix).length === 0 ? job.name : id,
        needs: job.needs.flatMap((need) => idsOf.get(need) ?? []),
        ...(job.if && { if: job.if }),
        ...(Object.keys(matrix).length > 0 && { matrix }),
        env: { ...workflow.env, ...job.env },
        steps: job.steps.map((step, index) => ({
          ...(job.shell && { shell: job.shell }),
          ...(job.workingDirectory && { workingDirectory: job.workingDirectory }),
          ...step,
          number: index + 1,
        })),
        outputs: job.outputs,
        ...(job.timeoutSeconds && { timeoutSeconds: job.timeoutSeconds }),
        continueOnError: job.continueOnError,
      };
    }),
  );
  return plans.map((plan, index) => ({ ...plan, index }));
}
