/** @krate/code-search: start reading at `engine/code-search.ts`, then `program.ts`. */
export { Background } from "./background/jobs.ts";
export { EmbeddedSearch } from "./embedded/embedded-search.ts";
export * from "./engine/code-search.ts";
export { parseQuery } from "./query/parse.ts";
export { QueryError } from "./query/query-error.ts";
