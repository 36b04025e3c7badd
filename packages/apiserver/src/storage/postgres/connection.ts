import { type Pool, translatePostgresError } from "@krate/postgres";
import type { QueryConfig, QueryResult, QueryResultRow } from "pg";

/** What a statement needs: a pool, a session, or a wrapper of either. */
export interface Queryable {
  query<Row extends QueryResultRow>(statement: QueryConfig): Promise<QueryResult<Row>>;
}

/** A pool whose errors are `ApiError`s. */
export function translating(pool: Pool): Queryable {
  return {
    async query<Row extends QueryResultRow>(statement: QueryConfig) {
      try {
        return await pool.query<Row>(statement);
      } catch (error) {
        throw translatePostgresError(error);
      }
    },
  };
}
