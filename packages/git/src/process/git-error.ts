/** Why a git process did not do what it was asked. */
export type GitFailure = "exit" | "timeout" | "aborted" | "output-limit" | "not-started";

/**
 * A git process failed. `message` names the subcommand and the first line of its complaint, never its arguments or
 * environment, which may hold what a user typed; `stderr` holds the rest for the log.
 */
export class GitError extends Error {
  override readonly name = "GitError";
  readonly failure: GitFailure;
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(
    subcommand: string,
    detail: { failure: GitFailure; exitCode?: number; stderr?: string; cause?: unknown; text?: string },
  ) {
    const stderr = detail.stderr ?? "";
    const complaint = detail.text ?? (firstLine(stderr) || `exit code ${detail.exitCode}`);
    super(`git ${subcommand} failed: ${complaint}`, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.failure = detail.failure;
    this.exitCode = detail.exitCode;
    this.stderr = stderr;
  }
}

function firstLine(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  return (
    lines.find((line) => /^(fatal|error):/.test(line))?.replace(/^(fatal|error): /, "") ?? lines.find(Boolean) ?? ""
  );
}
