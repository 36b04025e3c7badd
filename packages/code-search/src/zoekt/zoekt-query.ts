/** A query as Zoekt reads it (zoekt `doc/query_syntax.md`): every value quoted, every case said, every list in parentheses. */
import type { QueryNode, TextNode } from "../query/query.ts";

const fields = { content: "content", path: "file", any: "regex" } as const;

/** `true` stands for every file. `repo:` was decided before. */
export function zoektQuery(node: QueryNode | true): string {
  if (node === true) return 'file:"."';
  switch (node.kind) {
    case "text":
      return textQuery(node);
    case "branch":
      return `branch:${quoted(node.text)}`;
    case "lang":
      return `lang:${quoted(node.name)}`;
    case "not":
      return `-${zoektQuery(node.child)}`;
    case "and":
      return `(${node.children.map(zoektQuery).join(" ")})`;
    case "or":
      return `(${node.children.map(zoektQuery).join(" or ")})`;
    case "repo":
      throw new Error("repo: was to be decided for the repository");
  }
}

function textQuery({ scope, pattern, caseSensitive }: TextNode): string {
  return `(case:${caseSensitive ? "yes" : "no"} ${fields[scope]}:${quoted(pattern)})`;
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}
