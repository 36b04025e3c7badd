/** A workflow file, read. Source: GitHub Actions, "Workflow syntax". */

export interface EventFilter {
  /** Globs of branches; `!glob` takes back. Absent: all. */
  branches?: string[];
  branchesIgnore?: string[];
  tags?: string[];
  tagsIgnore?: string[];
}

export interface WorkflowStep {
  name: string;
  id?: string;
  if?: string;
  run?: string;
  uses?: string;
  with?: Record<string, string>;
  env?: Record<string, string>;
  shell?: string;
  workingDirectory?: string;
  continueOnError?: boolean;
  timeoutSeconds?: number;
}

export interface WorkflowJob {
  id: string;
  name?: string;
  needs: string[];
  if?: string;
  env: Record<string, string>;
  shell?: string;
  workingDirectory?: string;
  steps: WorkflowStep[];
  outputs: Record<string, string>;
  timeoutSeconds?: number;
  continueOnError: boolean;
  /** Values of each job the matrix makes; one empty entry without a matrix. */
  matrix: Record<string, string>[];
}

export interface Workflow {
  name?: string;
  on: Record<string, EventFilter>;
  env: Record<string, string>;
  jobs: WorkflowJob[];
}

/** One thing wrong with the file; line and column count from 1. */
export interface WorkflowProblem {
  line: number;
  column: number;
  message: string;
}

/** The file is not a workflow. The text names file, line and column of the first problem. */
export class WorkflowError extends Error {
  readonly problems: readonly WorkflowProblem[];

  constructor(file: string, problems: readonly WorkflowProblem[]) {
    const [first] = problems;
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
    super(`${file}:${first?.line ?? 1}:${first?.column ?? 1}: ${first?.message ?? "is not a workflow"}${more}`);
    this.name = "WorkflowError";
    this.problems = problems;
  }
}
