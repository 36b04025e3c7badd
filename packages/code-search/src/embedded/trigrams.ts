/**
 * Which files can match at all: a query of SQLite's full-text index (FTS5, tokenizer `trigram`, which folds case) that every matching
 * file satisfies. What it finds is verified; what it does not find cannot match.
 */
import { RE2JS } from "re2js";
import type { QueryNode, TextNode } from "../query/query.ts";

/** More of one text only cost: the rarest decide. */
const maxTrigrams = 24;

/** FTS5 expression of the files that can match; undefined: any can. */
export function candidatesOf(node: QueryNode): string | undefined {
  switch (node.kind) {
    case "text":
      return node.literal === undefined ? ofExpression(node) : ofText(node.literal);
    case "and":
      return allOf(node.children.map(candidatesOf));
    case "or":
      return anyOf(node.children.map(candidatesOf));
    default:
      return undefined;
  }
}

function ofText(text: string): string | undefined {
  const characters = [...text];
  const count = characters.length - 2;
  if (count < 1) return undefined;
  const step = Math.max(1, Math.ceil(count / maxTrigrams));
  const terms = new Set<string>();
  for (let at = 0; at < count; at += step) terms.add(characters.slice(at, at + 3).join(""));
  terms.add(characters.slice(-3).join(""));
  return allOf([...terms].map((term) => `"${term.replaceAll('"', '""')}"`));
}

/**
 * What re2js itself looks for before it runs an expression: text that every match holds, derived by the parser that matches. It is
 * asked for the expression without folding, because the index folds.
 */
function ofExpression({ pattern }: TextNode): string | undefined {
  const compiled = RE2JS.compile(pattern, RE2JS.MULTILINE) as unknown as {
    re2Input?: { prefilter?: Prefilter | null };
  };
  return ofPrefilter(compiled.re2Input?.prefilter ?? undefined);
}

/** re2js `Prefilter`; its types, by number: 1 this text, 2 all of, 3 any of. Whatever else comes up says nothing. */
interface Prefilter {
  type: number;
  str?: unknown;
  subs?: unknown;
}

function ofPrefilter(prefilter: Prefilter | undefined): string | undefined {
  if (!prefilter) return undefined;
  if (prefilter.type === 1 && typeof prefilter.str === "string") return ofText(prefilter.str);
  if (!Array.isArray(prefilter.subs)) return undefined;
  const subs = (prefilter.subs as Prefilter[]).map(ofPrefilter);
  return prefilter.type === 2 ? allOf(subs) : prefilter.type === 3 ? anyOf(subs) : undefined;
}

function allOf(terms: readonly (string | undefined)[]): string | undefined {
  const known = terms.filter((term) => term !== undefined);
  return known.length <= 1 ? known[0] : `(${known.join(" AND ")})`;
}

function anyOf(terms: readonly (string | undefined)[]): string | undefined {
  if (terms.length === 0 || terms.includes(undefined)) return undefined;
  return terms.length === 1 ? terms[0] : `(${terms.join(" OR ")})`;
}
