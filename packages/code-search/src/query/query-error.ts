/** A query that cannot be answered, for the one who wrote it: says what is wrong, where, and what is allowed. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}
