/** A query for one repository: its `repo:` filters are decided, which no index is needed for. */
import { RE2JS } from "re2js";
import type { QueryNode } from "./query.ts";

/** True: every file of the repository. False: none. Patterns are compiled once for all repositories. */
export function forRepository(query: QueryNode): (fullName: string) => QueryNode | boolean {
  const patterns = new Map<string, RE2JS>();
  const test = (pattern: string, name: string) => {
    const compiled = patterns.get(pattern) ?? RE2JS.compile(pattern);
    patterns.set(pattern, compiled);
    return compiled.test(name);
  };
  return (fullName) => reduced(query, (pattern) => test(pattern, fullName));
}

function reduced(node: QueryNode, matches: (pattern: string) => boolean): QueryNode | boolean {
  switch (node.kind) {
    case "repo":
      return matches(node.pattern);
    case "not": {
      const child = reduced(node.child, matches);
      return typeof child === "boolean" ? !child : { kind: "not", child };
    }
    case "and":
    case "or": {
      const decisive = node.kind === "or";
      const children = node.children.map((child) => reduced(child, matches));
      if (children.includes(decisive)) return decisive;
      const open = children.filter((child) => typeof child !== "boolean");
      if (open.length === 0) return !decisive;
      return open.length === 1 ? (open[0] as QueryNode) : { kind: node.kind, children: open };
    }
    default:
      return node;
  }
}
