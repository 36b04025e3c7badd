/** What every check of `npm run check` is. */
export interface Check {
  /** One word, what people type: `hack/check types`. */
  name: string;
  /** What holds when it passes. */
  promise: string;
  run(context: CheckContext): Promise<CheckResult>;
}

export interface CheckContext {
  /** Absolute path of the repository, without a slash at the end. */
  root: string;
}

export interface CheckResult {
  /** A warning is shown and fails nothing. */
  outcome: "passed" | "warned" | "failed";
  /** What was looked at, with a count: "214 files". A check that saw nothing has failed. */
  saw: string;
  /** Each says where and what. */
  findings: string[];
  /** The command or step that mends it. */
  next?: string;
}

/** The usual result: failed when something was found or nothing was seen. */
export function judge(count: number, noun: string, findings: string[], next: string): CheckResult {
  const saw = `${count} ${noun}`;
  if (count === 0) return { outcome: "failed", saw, findings: [`found no ${noun} to check`], next };
  return findings.length > 0 ? { outcome: "failed", saw, findings, next } : { outcome: "passed", saw, findings };
}
