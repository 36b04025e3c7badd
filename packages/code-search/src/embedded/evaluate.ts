/** A query as functions: what it says of a repository, and of a document in it. */

import { forRepository } from "../query/for-repository.ts";
import type { QueryNode, TextNode } from "../query/query.ts";
import { languageNamed } from "./languages.ts";
import { type Matcher, matcherOf, type Range } from "./matcher.ts";

export interface Document {
  path: string;
  language: string | undefined;
  /** Undefined for a file that is found by its path only. Asked for only when it matters. */
  content(): string | undefined;
  /** Default branch of the repository first, when it has the document. */
  branches(): readonly DocumentBranch[];
}

export interface DocumentBranch {
  name: string;
  isDefault: boolean;
}

export interface CompiledQuery {
  /** The query for one repository; undefined: nothing in it can match. */
  forRepository(fullName: string): RepositoryQuery | undefined;
}

export interface RepositoryQuery {
  /** What is left of the query, for `candidatesOf`. */
  node: QueryNode;
  matches(document: Document): boolean;
  /** Whether the document on this branch is meant. */
  wantsBranch(branch: DocumentBranch): boolean;
  /** Where the patterns that are not negated match. */
  ranges(document: Document, in_: "content" | "path", limit: number): Range[];
}

/** Patterns are compiled once for all repositories. */
export function compileQuery(query: QueryNode): CompiledQuery {
  const matchers = new Map<TextNode, Matcher>();
  const matcher = (node: TextNode) => remembered(matchers, node, () => matcherOf(node));
  const decide = forRepository(query);
  return {
    forRepository(fullName) {
      const node = decide(fullName);
      if (node === false) return undefined;
      if (node === true) return everything;
      return repositoryQuery(cheapFirst(node), matcher);
    },
  };
}

function remembered<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

/** A query of nothing but `repo:`: every file of the repository. */
const everything: RepositoryQuery = {
  node: { kind: "and", children: [] },
  matches: () => true,
  wantsBranch: () => true,
  ranges: () => [],
};

/** What needs no content is asked first. */
function cheapFirst(node: QueryNode): QueryNode {
  if (node.kind === "not") return { kind: "not", child: cheapFirst(node.child) };
  if (node.kind !== "and" && node.kind !== "or") return node;
  return { kind: node.kind, children: node.children.map(cheapFirst).toSorted((a, b) => cost(a) - cost(b)) };
}

function cost(node: QueryNode): number {
  switch (node.kind) {
    case "lang":
      return 0;
    case "branch":
      return 2;
    case "text":
      return node.scope === "path" ? 1 : node.literal === undefined ? 4 : 3;
    case "not":
      return cost(node.child);
    case "and":
    case "or":
      return Math.max(...node.children.map(cost), 0);
    default:
      return 0;
  }
}

function repositoryQuery(node: QueryNode, matcher: (node: TextNode) => Matcher): RepositoryQuery {
  const shown = positive(node).filter((found) => found.kind === "text");
  const branches = positive(node).filter((found) => found.kind === "branch");
  return {
    node,
    matches: (document) => evaluate(node, document, matcher),
    wantsBranch: (branch) => branches.length === 0 || branches.some(({ text }) => isNamed(branch, text)),
    ranges(document, where, limit) {
      const text = where === "path" ? document.path : document.content();
      if (text === undefined) return [];
      const found = shown
        .filter(({ scope }) => scope === "any" || scope === where)
        .flatMap((pattern) => matcher(pattern).ranges(text, limit));
      return merged(found).slice(0, limit);
    },
  };
}

function evaluate(node: QueryNode, document: Document, matcher: (node: TextNode) => Matcher): boolean {
  switch (node.kind) {
    case "and":
      return node.children.every((child) => evaluate(child, document, matcher));
    case "or":
      return node.children.some((child) => evaluate(child, document, matcher));
    case "not":
      return !evaluate(node.child, document, matcher);
    case "lang":
      return document.language !== undefined && document.language === languageNamed(node.name);
    case "branch":
      return document.branches().some((branch) => isNamed(branch, node.text));
    case "repo":
      throw new Error("repo: was to be decided for the repository");
    case "text": {
      const { test } = matcher(node);
      if (node.scope !== "content" && test(document.path)) return true;
      if (node.scope === "path") return false;
      const content = document.content();
      return content !== undefined && test(content);
    }
  }
}

function isNamed({ name, isDefault }: DocumentBranch, text: string): boolean {
  return text === "HEAD" ? isDefault : name.includes(text);
}

/** Patterns and filters that no `-` stands before. */
function positive(node: QueryNode): QueryNode[] {
  if (node.kind === "not") return [];
  return node.kind === "and" || node.kind === "or" ? node.children.flatMap(positive) : [node];
}

/** In order, without overlaps. */
function merged(ranges: Range[]): Range[] {
  const result: Range[] = [];
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0] || b[1] - a[1])) {
    const last = result.at(-1);
    if (!last || start >= last[1]) result.push([start, end]);
  }
  return result;
}
