/**
 * A job: its steps in order.
 *
 *   outcome = success; per step: evaluate `if` with the outcome so far, run, and let a failure (without continue-on-error)
 *   make the outcome failure; a cancellation makes it cancelled. `always()` steps still run then, until the grace is over.
 */
import { existsSync, readFileSync } from "node:fs";
import {
  type ExpressionContext,
  evaluateCondition,
  interpolate,
  interpolateAll,
  type JobResult,
  type Outcome,
  type StepPhase,
  type StepResult,
  type Value,
} from "@krate/workflow";
import { commandFiles } from "./command-files.ts";
import type { RunnerConfig } from "./config.ts";
import type { Output } from "./output.ts";
import { runStep } from "./run-step.ts";

export interface JobOptions {
  config: RunnerConfig;
  output: Output;
  /** Fires when the job shall end. */
  signal: AbortSignal;
  now(): Date;
}

const conclusions: Record<StepPhase, string> = {
  Succeeded: "success",
  Failed: "failure",
  Skipped: "skipped",
  Cancelled: "cancelled",
  TimedOut: "failure",
};

/** State that steps change for those after them. */
class JobState {
  outcome: Outcome = "success";
  readonly steps: StepResult[] = [];
  readonly env: Record<string, string>;
  readonly path: string[] = [];
  readonly stepContexts: Record<string, Value> = {};
  message: string | undefined;
  exitCode: number | undefined;
  timedOut = false;

  constructor(env: Record<string, string>) {
    this.env = env;
  }
}

function contextOf({ job }: RunnerConfig, state: JobState): ExpressionContext {
  const github = {
    ref: job.ref,
    ref_name: job.ref.replace(/^refs\/(heads|tags)\//, ""),
    sha: job.sha,
    repository: `${job.organization}/${job.repository}`,
    actor: job.actor,
    event_name: job.event,
    run_id: job.pipeline,
    run_number: String(job.runNumber),
    workflow: job.workflow,
    job: job.job,
  };
  const needs = Object.fromEntries(Object.entries(job.needs).map(([id, need]) => [id, { ...need }]));
  const contexts: Record<string, Value> = {
    github,
    krate: { ...github, namespace: job.namespace, pipeline: job.pipeline },
    env: state.env,
    needs,
    matrix: job.matrix,
    steps: state.stepContexts,
    job: { status: state.outcome },
    runner: { os: "Linux" },
  };
  return { contexts, outcome: state.outcome };
}

function baseEnvironment({ job, base, temporary, workspace }: RunnerConfig): Record<string, string> {
  return {
    ...base,
    CI: "true",
    KRATE: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_REF: job.ref,
    GITHUB_REF_NAME: job.ref.replace(/^refs\/(heads|tags)\//, ""),
    GITHUB_SHA: job.sha,
    GITHUB_REPOSITORY: `${job.organization}/${job.repository}`,
    GITHUB_WORKFLOW: job.workflow,
    GITHUB_JOB: job.job,
    GITHUB_RUN_ID: job.pipeline,
    GITHUB_RUN_NUMBER: String(job.runNumber),
    GITHUB_EVENT_NAME: job.event,
    GITHUB_ACTOR: job.actor,
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: temporary,
    KRATE_PIPELINE: job.pipeline,
    KRATE_NAMESPACE: job.namespace,
  };
}

/** Runs the job to its end. Never throws: what went wrong is in the result and the log. */
export async function runJob(options: JobOptions): Promise<JobResult> {
  const { config, output, now, signal } = options;
  const { job } = config;
  hideToken(config, output);
  const state = new JobState({});
  const cleanUp = cleanUpSignal(signal);
  const deadline = now().getTime() + job.timeoutSeconds * 1000;
  let resumed = job.resumeFromStep === undefined;
  Object.assign(state.env, interpolateAll(job.env, contextOf(config, state)));
  for (const step of job.steps) {
    resumed ||= step.id === job.resumeFromStep || step.name === job.resumeFromStep;
    hideToken(config, output);
    const startedAt = now();
    const leftSeconds = Math.max(0, (deadline - startedAt.getTime()) / 1000);
    if (leftSeconds === 0) state.timedOut = true;
    if (signal.aborted || state.timedOut) state.outcome = "cancelled";
    const result = resumed
      ? await runOne({ ...options, signal: signal.aborted ? cleanUp() : signal, step, state, leftSeconds })
      : { number: step.number, phase: "Skipped" as const };
    const times = result.phase === "Skipped" ? {} : { startedAt: rfc3339(startedAt), completedAt: rfc3339(now()) };
    state.steps.push({ ...result, ...times });
    output.marker(step.number, result.phase, { at: rfc3339(now()) });
    if (step.id) {
      const known = (state.stepContexts[step.id] ?? {}) as Record<string, Value>;
      state.stepContexts[step.id] = {
        ...known,
        conclusion: conclusions[result.phase],
        outcome: conclusions[result.phase],
      };
    }
  }
  return resultOf(config, state);
}

/** The node renews the token, so it is looked at before every step. A Pod without one has nothing to hide. */
function hideToken({ tokenFile }: RunnerConfig, output: Output): void {
  if (existsSync(tokenFile)) output.hide(readFileSync(tokenFile, "utf8").trim());
}

/** Steps with `always()` of a cancelled job may run for this long, of the 30 s before the Pod is killed. */
const cleanUpSeconds = 15;

function cleanUpSignal(cancelled: AbortSignal): () => AbortSignal {
  let ends: AbortSignal | undefined;
  const start = () => (ends ??= AbortSignal.timeout(cleanUpSeconds * 1000));
  cancelled.addEventListener("abort", start, { once: true });
  return start;
}

function rfc3339(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function resultOf(config: RunnerConfig, state: JobState): JobResult {
  const phase = state.timedOut
    ? "TimedOut"
    : state.outcome === "success"
      ? "Succeeded"
      : state.outcome === "failure"
        ? "Failed"
        : "Cancelled";
  let outputs: Record<string, string> = {};
  try {
    outputs = interpolateAll(config.job.outputs, contextOf(config, state));
  } catch (error) {
    return { phase: "Failed", message: (error as Error).message, steps: state.steps, outputs };
  }
  return {
    phase,
    exitCode: state.exitCode ?? (phase === "Succeeded" ? 0 : 1),
    ...(state.message !== undefined && { message: state.message }),
    steps: state.steps,
    outputs,
  };
}

interface OneStep extends JobOptions {
  step: RunnerConfig["job"]["steps"][number];
  state: JobState;
  leftSeconds: number;
}

async function runOne(options: OneStep): Promise<StepResult> {
  const { config, step, state, output, leftSeconds } = options;
  const { number } = step;
  const fail = (message: string, phase: StepPhase = "Failed", exitCode?: number): StepResult => {
    output.line(`error: ${message}`);
    if (!step.continueOnError) {
      state.outcome = phase === "Cancelled" ? "cancelled" : "failure";
      state.message ??= `step ${number} (${step.name}): ${message}`;
      state.exitCode ??= exitCode;
    }
    return { number, phase, ...(exitCode !== undefined && { exitCode }) };
  };
  try {
    const context = contextOf(config, state);
    if (!evaluateCondition(step.if, context)) return { number, phase: "Skipped" };
    output.marker(number, "Running", { name: interpolate(step.name, context), at: rfc3339(options.now()) });
    const files = commandFiles(config.temporary, number);
    const own = interpolateAll(step.env ?? {}, context);
    const env = { ...baseEnvironment(config), ...state.env, ...own, ...files.env };
    if (state.path.length > 0) env["PATH"] = [...state.path.toReversed(), env["PATH"] ?? ""].join(":");
    const withEnv = { ...context, contexts: { ...context.contexts, env: { ...state.env, ...own } } };
    const timeoutSeconds = Math.min(step.timeoutSeconds ?? leftSeconds, leftSeconds);
    const end = await runStep({ config, step, env, context: withEnv, output, timeoutSeconds, signal: options.signal });
    const told = files.read();
    Object.assign(state.env, told.env);
    state.path.push(...told.path);
    if (step.id) state.stepContexts[step.id] = { outputs: told.outputs };
    if (end.how === "cancelled") return fail("the job was cancelled", "Cancelled");
    if (end.how === "timeout")
      return fail(`took longer than ${Math.round(timeoutSeconds)} s and was stopped`, "TimedOut");
    if (end.exitCode === 0) return { number, phase: "Succeeded", exitCode: 0 };
    return fail(`exit code ${end.exitCode}`, "Failed", end.exitCode);
  } catch (error) {
    return fail((error as Error).message);
  }
}
