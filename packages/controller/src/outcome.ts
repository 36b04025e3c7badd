/** What a reconcile can say: a result, or one of two errors with a meaning. Everything else is retried with back-off. */
import type { ConditionInput } from "@krate/kinds";

export interface ReconcileResult<Status = Record<string, unknown>> {
  /**
   * Fields to set; a field that is `undefined` is removed. Fields not mentioned stay as this controller last set them,
   * those of other controllers are never touched.
   */
  status?: { [Field in keyof Status]?: Status[Field] | undefined };
  /** Merged by type into what is there. */
  conditions?: ConditionInput[];
  /** Look again after this long even if nothing changes. */
  requeueAfterSeconds?: number;
}

/** Nothing to do until something changes. */
export function done<Status>(result: ReconcileResult<Status> = {}): ReconcileResult<Status> {
  return result;
}

/** Look again after a while; `reason` goes to the log. */
export function requeueAfter(seconds: number, _reason?: string): ReconcileResult<never> {
  return { requeueAfterSeconds: seconds };
}

/**
 * Trying again cannot help until somebody changes the object. Becomes condition `Stalled=True` with `reason`; `conditions`
 * are set beside it (usually `Ready=False`).
 */
export class TerminalError extends Error {
  readonly reason: string;
  readonly conditions: ConditionInput[];
  constructor(reason: string, message: string, options: { cause?: unknown; conditions?: ConditionInput[] } = {}) {
    super(message, { cause: options.cause });
    this.name = "TerminalError";
    this.reason = reason;
    this.conditions = options.conditions ?? [];
  }
}

/** Something outside is not ready; look again after `seconds`. Not an error in the log; `conditions` tell people. */
export class WaitError extends Error {
  readonly seconds: number;
  readonly conditions: ConditionInput[];
  constructor(seconds: number, message: string, options: { cause?: unknown; conditions?: ConditionInput[] } = {}) {
    super(message, { cause: options.cause });
    this.name = "WaitError";
    this.seconds = seconds;
    this.conditions = options.conditions ?? [];
  }
}
