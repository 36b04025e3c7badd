import type { FixtureCase } from "./fixtures.ts";

export type Difference = "crash" | "rejection" | "place" | "text" | "program" | "type" | "value" | "error" | "cost";

/** In what two answers differ first; undefined when they are the same. Of syntax errors only the place of the first counts. */
export function differs(wanted: FixtureCase, got: FixtureCase): Difference | undefined {
  if (wanted.panic !== undefined) return undefined; // cel-go crashes: whatever is said instead is better
  if (wanted.issues !== undefined) return differingIssues(wanted.issues, got.issues);
  if (wanted.program !== undefined)
    return got.program === wanted.program ? undefined : got.program === undefined ? "rejection" : "program";
  if (got.t === undefined) return "rejection";
  if (got.t !== wanted.t) return "type";
  if (got.error !== wanted.error) return "error";
  if (JSON.stringify(got.v) !== JSON.stringify(wanted.v)) return "value";
  return got.c === wanted.c ? undefined : "cost";
}

type Issues = NonNullable<FixtureCase["issues"]>;

function differingIssues(wanted: Issues, got: Issues | undefined): Difference | undefined {
  if (got === undefined || got.length === 0) return "rejection";
  const isSyntax = (issues: Issues) => issues.find(([, , message]) => message.startsWith("Syntax error"));
  const syntax = isSyntax(wanted);
  if (syntax !== undefined) {
    const found = isSyntax(got);
    return found !== undefined && found[0] === syntax[0] && found[1] === syntax[1] ? undefined : "place";
  }
  const places = (issues: Issues) => JSON.stringify(issues.map(([line, column]) => [line, column]));
  if (places(wanted) !== places(got)) return "place";
  const texts = (issues: Issues) =>
    JSON.stringify(issues.map(([line, column, message]) => [line, column, message]).sort());
  return texts(wanted) === texts(got) ? undefined : "text";
}
