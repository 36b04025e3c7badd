/** The environment of krate-runner, read once. */
import type { JobAssignment } from "@krate/workflow";

export interface RunnerConfig {
  job: JobAssignment;
  tokenFile: string;
  terminationLog: string;
  workspace: string;
  /** For files of the runner itself; gone with the Pod. */
  temporary: string;
  /** What steps inherit: never the runner's whole environment. */
  base: Record<string, string>;
}

const inherited = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "USER", "SSL_CERT_FILE"];

/** @throws Error that names the variable and what it must be */
export function readConfig(env: Readonly<Record<string, string | undefined>>): RunnerConfig {
  const text = env["KRATE_JOB"];
  if (!text) throw new Error("KRATE_JOB must be set: krate-runner is started by runner-operator in a job's Pod");
  const job = JSON.parse(text) as JobAssignment;
  if (!Array.isArray(job.steps) || job.steps.length === 0) throw new Error("KRATE_JOB has no steps");
  const temporary = env["TMPDIR"] ?? "/tmp";
  return {
    job,
    tokenFile: env["KRATE_TOKEN_FILE"] ?? "/var/run/secrets/krate/token",
    terminationLog: env["KRATE_TERMINATION_LOG"] ?? "/dev/termination-log",
    workspace: env["KRATE_WORKSPACE"] ?? process.cwd(),
    temporary,
    base: Object.fromEntries(inherited.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
  };
}
