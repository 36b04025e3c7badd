/** The parameters of a search, validated. */
import { ApiError } from "@krate/kinds";
import { type Position, searchLimits } from "../engine/code-search.ts";
import { parseQuery } from "../query/parse.ts";
import type { QueryNode } from "../query/query.ts";
import { QueryError } from "../query/query-error.ts";

export interface SearchParameters {
  query: QueryNode;
  namespace: string | undefined;
  repository: string | undefined;
  limit: number;
  after: Position | undefined;
}

const allowed = ["q", "namespace", "repository", "limit", "continue"];
const defaultLimit = 30;
const names = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** @throws ApiError BadRequest that says which parameter is wrong and what it must be */
export function readParameters(search: URLSearchParams): SearchParameters {
  for (const name of search.keys())
    if (!allowed.includes(name))
      throw new ApiError("BadRequest", `parameter "${name}" is unknown: allowed are ${allowed.join(", ")}`);
  const text = search.get("q");
  if (!text) throw new ApiError("BadRequest", 'parameter "q" is missing: it is the query, such as q=TODO+lang:go');
  return {
    query: queryOf(text),
    namespace: nameOf(search, "namespace"),
    repository: nameOf(search, "repository"),
    limit: limitOf(search.get("limit")),
    after: positionOf(search.get("continue")),
  };
}

function queryOf(text: string): QueryNode {
  try {
    return parseQuery(text);
  } catch (error) {
    if (error instanceof QueryError) throw new ApiError("BadRequest", error.message, { cause: error });
    throw error;
  }
}

function nameOf(search: URLSearchParams, parameter: string): string | undefined {
  const name = search.get(parameter);
  if (name === null || name === "") return undefined;
  if (!names.test(name))
    throw new ApiError("BadRequest", `parameter "${parameter}" must be a name of Kubernetes: a-z, 0-9, "-" and "."`);
  return name;
}

function limitOf(text: string | null): number {
  if (text === null) return defaultLimit;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > searchLimits.files)
    throw new ApiError("BadRequest", `parameter "limit" must be a whole number from 1 to ${searchLimits.files}`);
  return limit;
}

export function continueToken(position: Position): string {
  return Buffer.from(JSON.stringify([position.uid, position.path, position.object])).toString("base64url");
}

function positionOf(token: string | null): Position | undefined {
  if (token === null || token === "") return undefined;
  try {
    const [uid, path, object, ...more] = JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as unknown[];
    if (typeof uid === "string" && typeof path === "string" && typeof object === "string" && more.length === 0)
      return { uid, path, object };
  } catch {
    // Said below.
  }
  throw new ApiError("BadRequest", 'parameter "continue" must be the "continue" of the answer before');
}
