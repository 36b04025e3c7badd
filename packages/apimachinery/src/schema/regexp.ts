import { RE2JS } from "re2js";

export interface LinearRegExp {
  test(text: string): boolean;
}

/** Patterns are compiled once; this many are kept. Schemas and policies hold a few hundred at most, so the bound is against abuse. */
const maxCached = 2000;
const cache = new Map<string, RE2JS>();

/**
 * A pattern in RE2 syntax, as Go and therefore Kubernetes reads it, matched in linear time: a hostile pattern or text cannot hang the server.
 * `test` finds the pattern anywhere in the text, as JSON Schema and CEL's `matches` do.
 *
 * @throws RE2JSException for a pattern that RE2 does not accept
 */
export function linearRegExp(pattern: string): RE2JS {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > 10_000) throw new Error(`the regular expression is longer than 10000 characters`);
  const compiled = RE2JS.compile(pattern);
  if (cache.size >= maxCached) cache.delete(cache.keys().next().value ?? "");
  cache.set(pattern, compiled);
  return compiled;
}

/** What ajv takes as its regular expression engine. */
export const ajvRegExp = Object.assign((pattern: string): LinearRegExp => linearRegExp(pattern), {
  code: "linearRegExp",
});
