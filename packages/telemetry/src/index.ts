export { type HealthOptions, type HealthServer, healthServer } from "./health.ts";
export { type LineFile, type LineFileOptions, openLineFile } from "./line-file.ts";
export { createLogger, isLogLevel, type Logger, type LoggerOptions, type LogLevel, logLevels } from "./logger.ts";
export { redact, redactText } from "./redact.ts";
export { forReconcile, forRequest, newId, type ReconcileSubject } from "./scope.ts";
