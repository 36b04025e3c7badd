/** Helpers for tests, benchmarks and demonstrations; nothing here runs in production. */
export { generateHistory, type HistoryOptions, type HistorySummary, historyStream } from "./generate-history.ts";
export { type Random, seededRandom } from "./random.ts";
