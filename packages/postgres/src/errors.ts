import { ApiError, type StatusReason } from "@krate/kinds";

/**
 * The one place that reads Postgres error codes.
 * Source: https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
interface Meaning {
  reason: StatusReason;
  text: string;
  retryAfterSeconds?: number;
}

const unavailable = (text: string): Meaning => ({ reason: "ServiceUnavailable", text, retryAfterSeconds: 1 });

/** By full code first, then by class (its first two characters). */
const meanings: Readonly<Record<string, Meaning>> = {
  "08": unavailable("the database connection was lost"),
  "22": { reason: "BadRequest", text: "the database refused a value" },
  "22021": { reason: "BadRequest", text: "text may not contain the NUL character" },
  "23505": { reason: "AlreadyExists", text: "it already exists in the database" },
  "25006": unavailable("the database is read-only (a standby?)"),
  "28": unavailable("the database refused the credentials"),
  "3D000": unavailable("the database does not exist"),
  "40001": unavailable("a concurrent transaction got in the way"),
  "40P01": unavailable("a concurrent transaction got in the way"),
  "53": unavailable("the database is out of resources"),
  "53100": unavailable("the database's disk is full"),
  "53300": unavailable("the database has no connection left"),
  "54": { reason: "RequestEntityTooLarge", text: "it is larger than the database can take" },
  "55P03": unavailable("a lock in the database was not free in time"),
  "57014": { reason: "Timeout", text: "the database did not finish in time", retryAfterSeconds: 1 },
  "57": unavailable("the database is shutting down or starting up"),
  "58": unavailable("the database cannot read or write its disk"),
  XX: { reason: "InternalError", text: "the database reports an internal error" },
};

/** Error codes of Node's sockets. */
const socketCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
]);

/** What node-postgres says of connections that went away; it gives these no code (pg 8.23, `lib/client.js`, pg-pool `index.js`). */
const lostConnection =
  /Connection terminated|not queryable|timeout exceeded when trying to connect|timeout expired|Cannot use a pool after/;

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

function meaningOf(error: unknown): Meaning {
  const code = codeOf(error);
  if (isConnectionLost(error)) return unavailable("the database cannot be reached");
  return (
    meanings[code] ?? meanings[code.slice(0, 2)] ?? { reason: "InternalError", text: "the server log has the cause" }
  );
}

/** True when the session itself broke: a write under way then may or may not have been committed. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (socketCodes.has(code) || code.startsWith("08") || code === "57P01" || code === "57P02") return true;
  return error instanceof Error && lostConnection.test(error.message);
}

/** An `ApiError` with the driver's error as `cause`; an `ApiError` comes back as it is. */
export function translatePostgresError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { reason, text, retryAfterSeconds } = meaningOf(error);
  return new ApiError(reason, text, {
    cause: error,
    ...(retryAfterSeconds !== undefined && { details: { retryAfterSeconds } }),
  });
}
