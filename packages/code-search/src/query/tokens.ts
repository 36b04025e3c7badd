/**
 * Words of a query, as Zoekt cuts them (zoekt `query/parse.go`, nextToken):
 *
 *   token = "-" / "(" / ")" / word
 *   word  = 1*( quoted / "\" any / "(" … ")" / any but space )   ; parentheses of a pattern belong to its word when no space is in them
 *   quoted = DQUOTE *( "\" any / any but DQUOTE ) DQUOTE          ; the quotes go, a backslash makes the next character plain
 */
import { QueryError } from "./query-error.ts";

export interface Token {
  kind: "word" | "-" | "(" | ")";
  /** Without its quotes. */
  text: string;
  /** As it was written. */
  input: string;
  /** Offset in the query. */
  at: number;
}

const isSpace = (character: string | undefined) => character === " " || character === "\t" || character === "\n";

/** @throws QueryError for a quote without end or a backslash before nothing */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < query.length) {
    if (isSpace(query[at])) {
      at++;
      continue;
    }
    const token = nextToken(query, at);
    tokens.push(token);
    at += token.input.length;
  }
  return tokens;
}

function nextToken(query: string, at: number): Token {
  if (query[at] === "-") return { kind: "-", text: "-", input: "-", at };
  if (query[at] === ")") return { kind: ")", text: ")", input: ")", at };
  let text = "";
  let depth = 0;
  let end = at;
  while (end < query.length) {
    const character = query[end] as string;
    if (isSpace(character)) {
      if (depth > 0 && query[at] === "(") return { kind: "(", text: "(", input: "(", at };
      break;
    }
    if (character === ")" && depth === 0) break;
    if (character === '"') {
      const quoted = readQuoted(query, end);
      text += quoted.text;
      end = quoted.end;
      continue;
    }
    if (character === "\\") {
      if (end + 1 === query.length)
        throw new QueryError(`the backslash at the end escapes nothing: write \\\\ to find a backslash`);
      text += query.slice(end, end + 2);
      end += 2;
      continue;
    }
    if (character === "(") depth++;
    if (character === ")") depth--;
    text += character;
    end++;
  }
  if (text === "(") return { kind: "(", text, input: "(", at };
  return { kind: "word", text, input: query.slice(at, end), at };
}

function readQuoted(query: string, start: number): { text: string; end: number } {
  let text = "";
  for (let at = start + 1; at < query.length; at++) {
    const character = query[at] as string;
    if (character === '"') return { text, end: at + 1 };
    if (character === "\\") at++;
    text += query[at] ?? "";
  }
  throw new QueryError(`the quote at character ${start + 1} has no end: add " or write \\" to find a quote`);
}
