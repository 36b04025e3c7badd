/** What runner-operator hands to a runner (environment variable `KRATE_JOB`) and what the runner answers. */
import type { WorkflowStep } from "./workflow.ts";

export interface JobAssignment {
  organization: string;
  namespace: string;
  repository: string;
  ref: string;
  sha: string;
  pipeline: string;
  /** Name of the Job object. */
  name: string;
  /** Id in the workflow. */
  job: string;
  workflow: string;
  event: string;
  actor: string;
  runNumber: number;
  cloneUrl: string;
  env: Record<string, string>;
  matrix: Record<string, string>;
  /** Results of the jobs this one needs. */
  needs: Record<string, { result: string; outputs: Record<string, string> }>;
  steps: (WorkflowStep & { number: number })[];
  outputs: Record<string, string>;
  timeoutSeconds: number;
  /** Steps with a smaller number are skipped. */
  resumeFromStep?: string;
}

export type StepPhase = "Succeeded" | "Failed" | "Skipped" | "Cancelled" | "TimedOut";

export interface StepResult {
  number: number;
  phase: StepPhase;
  exitCode?: number;
  /** RFC 3339. */
  startedAt?: string;
  completedAt?: string;
}

/** The runner's answer: JSON in the container's termination message. A missing one is a failure, never a success (D11). */
export interface JobResult {
  phase: "Succeeded" | "Failed" | "Cancelled" | "TimedOut";
  exitCode?: number;
  /** What decided it, for people. */
  message?: string;
  steps: StepResult[];
  outputs: Record<string, string>;
}

/** Kubernetes keeps no more of a termination message. */
export const maxResultBytes = 4096;

/** A line of the log that begins or ends a step. */
export const sectionMarker = "##[krate]";

/** One letter per step, for results of very many steps. */
const letters: Record<StepPhase, string> = { Succeeded: "S", Failed: "F", Skipped: "K", Cancelled: "C", TimedOut: "T" };
const phaseOf = Object.fromEntries(Object.entries(letters).map(([phase, letter]) => [letter, phase as StepPhase]));

/** Writes a result so that it fits: first without outputs, then without times, then with nothing of a step but its phase. */
export function formatResult(result: JobResult): string {
  const message = result.message?.slice(0, 1000);
  const base = { ...result, ...(message !== undefined && { message }) };
  const shorter: (Omit<JobResult, "steps"> & { steps: StepResult[] | string })[] = [
    base,
    {
      ...base,
      outputs: {},
      message: `${message ?? ""} (outputs were larger than ${maxResultBytes} bytes and are lost)`.trim(),
    },
    {
      ...base,
      outputs: {},
      steps: base.steps.map(({ number, phase, exitCode }) => ({
        number,
        phase,
        ...(exitCode !== undefined && { exitCode }),
      })),
    },
    { ...base, outputs: {}, steps: base.steps.map(({ phase }) => letters[phase]).join("") },
  ];
  const texts = shorter.map((each) => JSON.stringify(each));
  return (
    texts.find((text) => Buffer.byteLength(text) <= maxResultBytes) ?? (texts.at(-1) as string).slice(0, maxResultBytes)
  );
}

/** Reads a termination message; undefined when it is not a result. */
export function parseResult(text: string | undefined): JobResult | undefined {
  if (!text) return undefined;
  try {
    const value = JSON.parse(text) as Omit<Partial<JobResult>, "steps"> & { steps?: unknown };
    const phases = ["Succeeded", "Failed", "Cancelled", "TimedOut"];
    if (typeof value !== "object" || value === null || !phases.includes(value.phase ?? "")) return undefined;
    return { outputs: {}, ...value, steps: stepsOf(value.steps) } as JobResult;
  } catch {
    return undefined;
  }
}

function stepsOf(steps: unknown): StepResult[] {
  if (Array.isArray(steps)) return steps as StepResult[];
  if (typeof steps !== "string") return [];
  return [...steps].flatMap((letter, index) => {
    const phase = phaseOf[letter];
    return phase ? [{ number: index + 1, phase }] : [];
  });
}
