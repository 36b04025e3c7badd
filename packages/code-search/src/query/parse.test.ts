import { describe, expect, test } from "@jest/globals";
import { parseQuery } from "./parse.ts";
import type { QueryNode } from "./query.ts";
import { QueryError } from "./query-error.ts";

/** As one line, the way zoekt's own tests show a query. */
function shown(node: QueryNode): string {
  switch (node.kind) {
    case "text":
      return `${node.scope}${node.caseSensitive ? "!" : ""}:${node.literal === undefined ? `/${node.pattern}/` : JSON.stringify(node.literal)}`;
    case "repo":
      return `repo:/${node.pattern}/`;
    case "branch":
      return `branch:${node.text}`;
    case "lang":
      return `lang:${node.name}`;
    case "not":
      return `(not ${shown(node.child)})`;
    default:
      return `(${node.kind} ${node.children.map(shown).join(" ")})`;
  }
}

describe("a query", () => {
  test.each<[string, string, string]>([
    ["foo", 'any:"foo"', "a word"],
    ["Foo", 'any!:"Foo"', "a capital makes case count"],
    ["\\Wfoo", "any:/\\Wfoo/", "the W of an operator is no capital"],
    ["\\p{Lu}x", "any:/\\p{Lu}x/", "nor is the name of a class"],
    ["foo bar", '(and any:"foo" any:"bar")', "words are all needed"],
    ["foo or bar baz", '(or any:"foo" (and any:"bar" any:"baz"))', "or binds less"],
    ['"foo bar"', 'any:"foo bar"', "a phrase"],
    ['"or"', 'any:"or"', "a quoted or is a word"],
    ['"a\\"b"', 'any:"a\\"b"', "a quote in a phrase"],
    ["(foo bar)", '(and any:"foo" any:"bar")', "a group has spaces"],
    ["(foo|bar)baz", "any:/(foo|bar)baz/", "parentheses without spaces are of the expression"],
    ["-foo bar", '(and (not any:"foo") any:"bar")', "negation"],
    ["-(foo or bar)", '(not (or any:"foo" any:"bar"))', "negation of a group"],
    [
      "f:\\.go$ c:x lang:go b:main r:app",
      '(and path:/\\.go$/ content:"x" lang:go branch:main repo:/app/)',
      "short fields",
    ],
    ["case:yes foo", 'any!:"foo"', "case: in front"],
    ["FOO case:no", 'any:"FOO"', "case: behind"],
    ["Foo (case:no Bar)", '(and any!:"Foo" any:"Bar")', "case: of a group"],
    ["foo\\.bar", 'any:"foo.bar"', "an escaped character is a text"],
    ["http://x", 'any:"http://x"', "not every colon makes a field"],
  ])("%s", (query, expected) => {
    expect(shown(parseQuery(query))).toBe(expected);
  });

  test.each<[string, RegExp]>([
    ["", /empty/],
    ["   ", /empty/],
    ["case:no", /empty/],
    ["foo or", /one side of "or"/],
    ["or foo", /one side of "or"/],
    ["(a b", /\( at character 1 is not closed/],
    ["a b)", /\) at character 4 closes nothing/],
    ['"abc', /quote at character 1 has no end/],
    ["abc\\", /backslash/],
    ["-", /excludes nothing/],
    ["--foo", /excludes another -/],
    ["a**", /RE2 regular expression: invalid nested repetition operator: `\*\*`/],
    ["(?<=a)b", /RE2 regular expression/],
    ["(a)\\1", /RE2 regular expression/],
    ["((a{100}){100}){100}", /RE2 regular expression: invalid repeat count/],
    ["x*", /matches everywhere/],
    ["file:", /has no value/],
    ["case:maybe", /case:maybe is unknown/],
    ["sym:foo", /sym: is not supported/],
    ["a\0b", /NUL/],
    ["a".repeat(2001), /2001 characters/],
    ["a ".repeat(33), /more than 32/],
    [`${"( ".repeat(20)}a${" )".repeat(20)}`, /more than 16 parentheses/],
  ])("%j is refused with what is wrong", (query, message) => {
    const parse = () => parseQuery(query);
    expect(parse).toThrow(QueryError);
    expect(parse).toThrow(message);
  });
});
