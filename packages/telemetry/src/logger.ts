import { type DestinationStream, destination as openDestination, pino, stdSerializers } from "pino";
import { redact, redactLine } from "./redact.ts";

/** From loudest to quietest. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** A pino logger: `log.info({ repository }, "ref moved")`. Objects first, then the sentence. */
export type Logger = pino.Logger;

export interface LoggerOptions {
  /** Which program or part speaks: `apiserver`, `git-gateway`. */
  component: string;
  /** @defaultValue `KRATE_LOG_LEVEL`, else `info` */
  level?: LogLevel;
  /** Where lines go. @defaultValue standard error, written synchronously so that the last line before a crash is kept */
  destination?: DestinationStream;
}

export function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text);
}

/**
 * Makes the logger of one component: one JSON object per line with `level` as a word, `time` in RFC 3339, `component`
 * and `msg`. Secret-like keys and credentials inside text never reach the line (`redact.ts`). An error goes under `err`
 * with its causes.
 * @throws when `KRATE_LOG_LEVEL` is none of {@link logLevels}.
 */
export function createLogger({ component, level = levelFromEnvironment(), destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { component },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      serializers: { err: (error: unknown) => redact(stdSerializers.errWithCause(error as Error)) },
      formatters: {
        level: (label) => ({ level: label }),
        bindings: (bindings) => redact(bindings) as Record<string, unknown>,
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
      hooks: { streamWrite: redactLine },
    },
    destination ?? openDestination({ fd: 2, sync: true }),
  );
}

function levelFromEnvironment(): LogLevel {
  const text = process.env["KRATE_LOG_LEVEL"] ?? "info";
  if (!isLogLevel(text)) throw new Error(`KRATE_LOG_LEVEL is "${text}": must be one of ${logLevels.join(", ")}`);
  return text;
}
