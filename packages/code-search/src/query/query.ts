/** What a query means, independent of who answers it. Patterns are RE2 syntax; `^` and `$` match at lines. */

/** Where a pattern is looked for: in the content, in the path, or in either. */
export type Scope = "content" | "path" | "any";

export interface TextNode {
  kind: "text";
  scope: Scope;
  /** RE2 syntax. */
  pattern: string;
  /** The text that `pattern` stands for when it has no operators. */
  literal?: string;
  /** Set by `parseQuery` for every pattern. */
  caseSensitive?: boolean;
}

export type QueryNode =
  | TextNode
  /** Regular expression on `<namespace>/<repository>`. */
  | { kind: "repo"; pattern: string }
  /** Branches whose name holds the text; `HEAD` is the default branch. */
  | { kind: "branch"; text: string }
  /** A language of Linguist, by name or alias. */
  | { kind: "lang"; name: string }
  | { kind: "not"; child: QueryNode }
  | { kind: "and" | "or"; children: QueryNode[] };

/** What nobody needs and somebody might send. */
export const queryLimits = {
  /** Characters. */
  length: 2000,
  /** Patterns and filters. */
  atoms: 32,
  /** Parentheses in parentheses. */
  depth: 16,
} as const;
