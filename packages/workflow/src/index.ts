/** @krate/workflow: start reading at `workflow.ts`, then `parse.ts`, `plan-jobs.ts`, `assignment.ts`. */
export * from "./assignment.ts";
export * from "./expressions.ts";
export { parseWorkflow } from "./parse.ts";
export { type JobPlan, planJobs } from "./plan-jobs.ts";
export { matchesTrigger, type WorkflowEvent } from "./triggers.ts";
export * from "./workflow.ts";
export { maxWorkflowBytes } from "./yaml-reader.ts";
