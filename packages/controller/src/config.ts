/** The environment every program reads (docs/architecture.md). */
import { isLogLevel, type LogLevel, logLevels } from "@krate/telemetry";

export interface ProgramConfig {
  /** Absent = the in-cluster ServiceAccount. */
  kubeconfig: string | undefined;
  healthAddress: { host: string; port: number };
  logLevel: LogLevel;
  /** Namespace of Krate itself: leases, cursors. */
  namespace: string;
  leaderElection: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws Error that names the variable and what it must be */
export function readProgramConfig(env: Environment): ProgramConfig {
  const logLevel = env.KRATE_LOG_LEVEL ?? "info";
  if (!isLogLevel(logLevel))
    throw new Error(`KRATE_LOG_LEVEL is "${logLevel}": must be one of ${logLevels.join(", ")}`);
  return Object.freeze({
    kubeconfig: env.KUBECONFIG || undefined,
    healthAddress: readAddress(env, "KRATE_HEALTH_ADDRESS", "127.0.0.1:0"),
    logLevel,
    namespace: env.KRATE_NAMESPACE || "krate-system",
    leaderElection: readBoolean(env, "KRATE_LEADER_ELECTION", true),
  });
}

/** `host:port`; port 0 picks a free one. */
export function readAddress(env: Environment, name: string, fallback: string): { host: string; port: number } {
  const text = env[name] || fallback;
  const match = /^(.+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) throw new Error(`${name} is "${text}": must be host:port, such as ${fallback}`);
  return { host: (match[1] as string).replace(/^\[|\]$/g, ""), port };
}

export function readBoolean(env: Environment, name: string, fallback: boolean): boolean {
  const text = env[name] || String(fallback);
  if (text !== "true" && text !== "false") throw new Error(`${name} is "${text}": must be true or false`);
  return text === "true";
}

export function readInteger(
  env: Environment,
  name: string,
  fallback: number,
  range: { minimum: number; maximum: number },
): number {
  const text = env[name] || String(fallback);
  const value = Number(text);
  if (!Number.isInteger(value) || value < range.minimum || value > range.maximum)
    throw new Error(`${name} is "${text}": must be a whole number from ${range.minimum} to ${range.maximum}`);
  return value;
}
