import { describe, expect, test } from "@jest/globals";
import { parseQuery } from "../query/parse.ts";
import { candidatesOf } from "./trigrams.ts";

describe("the files that can match", () => {
  test.each<[string, string | undefined, string]>([
    ["abcd", '("abc" AND "bcd")', "all trigrams of a text"],
    ["abc", '"abc"', "one trigram"],
    ["ab", undefined, "too short to say anything"],
    ["größe", '("grö" AND "röß" AND "öße")', "characters, not bytes"],
    ['"a\\"b"', '"a""b"', "quotes are doubled"],
    ["abc def", '("abc" AND "def")', "both"],
    ["abc or def", '("abc" OR "def")', "either"],
    ["abc or de", undefined, "either, and one could be anywhere"],
    ["abc -def", '"abc"', "a negation excludes nothing before it is verified"],
    ["file:abc lang:go", '"abc"', "paths are indexed, languages are not"],
    ["foo(bar|baz)+qux", '("foo" AND "qux")', "what every match of an expression holds"],
    ["\\b(Test|Bench)\\w", '(("Tes" AND "est") OR ("Ben" AND "enc" AND "nch"))', "alternatives in an expression"],
    ["[a-z]+", undefined, "an expression without text"],
    ["(?i)abc", undefined, "folding inside an expression is not looked through"],
  ])("%s", (query, expected) => {
    expect(candidatesOf(parseQuery(query))).toBe(expected);
  });
});
