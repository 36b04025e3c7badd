/** Expressions that are made from tables: every operator and function over values of every type, and random ones from a grammar. */

import { randomNumbers } from "./random.ts";

const literals = [
  "1",
  "-1",
  "2u",
  "1.5",
  "true",
  "'a'",
  "b'a'",
  "null",
  "[1, 2]",
  "['a']",
  "{'a': 1}",
  "ts",
  "du",
  "x",
  "xs",
  "xl",
  "xm",
  "xnull",
  "os",
  "int",
  "ip('10.0.0.1')",
  "quantity('1Ki')",
];
const operators = ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"];

const conversions = [
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "bool",
  "timestamp",
  "duration",
  "dyn",
  "type",
  "size",
];
const texts = [
  "''",
  "'0'",
  "'-1'",
  "'1.5'",
  "'1e3'",
  "'abc'",
  "'true'",
  "'T'",
  "'9223372036854775808'",
  "'18446744073709551615'",
  "' 1'",
  "'0x10'",
  "'1_000'",
  "'+5'",
  "'inf'",
  "'-Infinity'",
  "'NaN'",
  "'2024-01-01T00:00:00Z'",
  "'2024-13-01T00:00:00Z'",
  "'1h'",
  "'1.5s'",
  "'-2m3s'",
  "'1d'",
  "'.5s'",
];
const numbers = [
  "0",
  "1",
  "-1",
  "3u",
  "1.5",
  "-1.9",
  "1e19",
  "-1e300",
  "1.0/0.0",
  "big",
  "nan",
  "253402300800",
  "-62135596801",
];

const memberFunctions = [
  "size()",
  "startsWith('a')",
  "matches('a')",
  "min()",
  "sum()",
  "isSorted()",
  "indexOf('a')",
  "hasValue()",
  "getHours()",
  "join()",
];

type Kind = "int" | "string" | "bool" | "list" | "map" | "double" | "opt" | "any";

/** Mostly well-typed expressions; one operand in twelve is of any type. */
function grammar(random: (below: number) => number): (kind: Kind, depth: number) => string {
  const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T;
  const kinds: Kind[] = ["int", "string", "bool", "list", "map", "double", "opt"];
  const leaves: Record<Kind, string[]> = {
    int: ["i", "n", "z", "0", "1", "2", "7", "x", "self.replicas", "object.spec.replicas", "size(s)"],
    string: ["s", "e", "'a'", "'b,c'", "xs", "self.name", "object.metadata.name", "request.operation", "w"],
    bool: ["t", "f", "true", "false", "self.enabled", "object.spec.paused", "has(object.spec.none)"],
    list: ["li", "none", "[1, 2, 3]", "hundred.slice(0, 3)", "object.spec.template.containers[0].ports", "[i, n]"],
    map: ["xm", "object.spec", "{'a': 1, 'b': 2}", "self.counts", "{s: i}", "object.metadata"],
    double: ["d", "1.5", "0.0", "self.ratio", "object.spec.ratio", "nan"],
    opt: ["optional.of(1)", "optional.none()", "object.?spec.?replicas", "xm.?a", "self.?missing"],
    any: ["xl", "xnull", "object", "null", "undefinedName", "b'x'", "du", "ts"],
  };
  const make = (wanted: Kind, depth: number): string => {
    const kind = random(12) === 0 ? pick([...kinds, "any" as Kind]) : wanted;
    if (depth <= 0 || kind === "any") return pick(leaves[kind]);
    const sub = (of: Kind) => make(of, depth - 1);
    const any = () => sub(pick(kinds));
    const v = pick(["a", "b", "c"]);
    const forms: Record<Exclude<Kind, "any">, (() => string)[]> = {
      int: [
        () => `(${sub("int")} ${pick(["+", "-", "*", "/", "%"])} ${sub("int")})`,
        () => `size(${sub(pick(["string", "list", "map"]))})`,
        () => `${sub("list")}[${sub("int")}]`,
        () => `(${sub("bool")} ? ${sub("int")} : ${sub("int")})`,
        () => `${sub("opt")}.orValue(${sub("int")})`,
        () => `-${sub("int")}`,
        () => `${sub("list")}.sum()`,
        () => `${sub("string")}.indexOf(${sub("string")})`,
        () => `cel.bind(${v}, ${sub("int")}, ${v} + ${sub("int")})`,
        () => `${sub("map")}.a`,
      ],
      string: [
        () => `${sub("string")} + ${sub("string")}`,
        () => `string(${any()})`,
        () =>
          `${sub("string")}.${pick(["lowerAscii()", "upperAscii()", "trim()", "replace('l', 'L')", "substring(1)", "charAt(0)"])}`,
        () => `(${sub("bool")} ? ${sub("string")} : ${sub("string")})`,
        () => `'%s-%d'.format([${any()}, ${sub("int")}])`,
        () => `${sub("string")}.split(',')[0]`,
      ],
      bool: [
        () => `${sub("bool")} ${pick(["&&", "||"])} ${sub("bool")}`,
        () => `!${sub("bool")}`,
        () => `(${any()} ${pick(["==", "!="])} ${any()})`,
        () => `(${sub("int")} ${pick(["<", "<=", ">", ">="])} ${sub(pick(["int", "double"]))})`,
        () => `${sub("list")}.${pick(["all", "exists", "exists_one"])}(${v}, ${v} > ${sub("int")})`,
        () => `${sub("int")} in ${sub("list")}`,
        () => `${sub("string")} in ${sub("map")}`,
        () => `has(${sub("map")}.${pick(["a", "spec", "replicas"])})`,
        () => `${sub("string")}.${pick(["contains", "startsWith", "endsWith", "matches"])}(${sub("string")})`,
        () => `${sub("list")}.${pick(["all", "exists"])}(k, ${v}, ${v} == k)`,
        () => `${sub("opt")}.hasValue()`,
      ],
      list: [
        () => `${sub("list")}.map(${v}, ${v} ${pick(["+", "*", "-"])} ${sub("int")})`,
        () => `${sub("list")}.filter(${v}, ${v} ${pick(["<", ">"])} ${sub("int")})`,
        () => `[${sub("int")}, ${sub("int")}]`,
        () => `${sub("list")} + ${sub("list")}`,
        () => `[?${sub("opt")}, ${sub("int")}]`,
        () => `${sub("list")}.${pick(["sort()", "distinct()", "reverse()", "slice(0, 1)"])}`,
        () => `${sub("list")}.transformList(k, ${v}, k + ${v})`,
      ],
      map: [
        () => `{${sub("string")}: ${sub("int")}}`,
        () => `{'k': ${any()}, 'j': ${any()}}`,
        () => `${sub("list")}.transformMap(k, ${v}, ${v} + 1)`,
        () => `${sub("map")}.transformMapEntry(k, ${v}, {${v}: k})`,
        () => `(${sub("bool")} ? ${sub("map")} : ${sub("map")})`,
      ],
      double: [
        () => `(${sub("double")} ${pick(["+", "-", "*", "/"])} ${sub("double")})`,
        () => `double(${sub(pick(["int", "string"]))})`,
      ],
      opt: [
        () => `optional.of(${any()})`,
        () => `${sub("map")}.?${pick(["a", "k"])}`,
        () => `${sub("list")}[?${sub("int")}]`,
        () => `${sub("opt")}.or(${sub("opt")})`,
        () => `${sub("opt")}.optMap(${v}, ${v} + ${sub("int")})`,
        () => `${sub("opt")}.optFlatMap(${v}, optional.of(${v}))`,
        () => `optional.ofNonZeroValue(${any()})`,
      ],
    };
    return pick(forms[kind])();
  };
  return make;
}

/** What goes deep: cel-go has limits, and finds them in the parser. */
function deepExpressions(): string[] {
  return [5, 120, 249, 250, 251, 300].flatMap((depth) => [
    `${"(".repeat(depth)}1${")".repeat(depth)}`,
    `${"[".repeat(depth)}1${"]".repeat(depth)}`,
    `1${"+1".repeat(depth)}`,
    `1${"*1".repeat(depth)}`,
    `1${"==1".repeat(depth)}`,
    `t${"&&t".repeat(depth)}`,
    `t${"||t".repeat(depth)}`,
    `${"!".repeat(depth)}t`,
    `${"-".repeat(depth)}i`,
    `x${".a".repeat(depth)}`,
    `x${"[0]".repeat(depth)}`,
    `x${".size()".repeat(depth)}`,
    `x${".?a".repeat(depth)}`,
    `${"t?1:".repeat(depth)}1`,
    `${"size(".repeat(depth)}x${")".repeat(depth)}`,
    `${"{1:".repeat(depth)}1${"}".repeat(depth)}`,
  ]);
}

const randomCount = 1500;

export function generatedExpressions(): string[] {
  const found = new Set<string>();
  for (const a of literals)
    for (const b of literals) for (const operator of operators) found.add(`${a} ${operator} ${b}`);
  for (const each of literals) {
    for (const operator of ["-", "!"]) found.add(`${operator}${each}`);
    for (const name of conversions) found.add(`${name}(${each})`);
    for (const name of memberFunctions) found.add(`${each}.${name}`);
    found.add(`${each}.a`);
    found.add(`${each}[0]`);
    found.add(`${each}['a']`);
    found.add(`${each}.?a`);
    found.add(`has(${each}.a)`);
    found.add(`${each}.all(v, true)`);
    found.add(`${each}.map(k, v, k)`);
    found.add(`${each} ? 1 : 2`);
    found.add(`t ? ${each} : 1`);
    found.add(`[${each}, 1]`);
    found.add(`{${each}: 1}`);
    found.add(`{'a': ${each}, 'b': 'c'}`);
    found.add(`'%s'.format([${each}])`);
    found.add(`'%d'.format([${each}])`);
    found.add(`optional.ofNonZeroValue(${each})`);
  }
  for (const name of conversions.slice(0, 8)) for (const each of [...texts, ...numbers]) found.add(`${name}(${each})`);
  for (const name of conversions.slice(0, 8)) for (const each of texts) found.add(`${name}(dyn(${each})) == null`);
  for (const each of deepExpressions()) found.add(each);
  const random = randomNumbers(20261124);
  const make = grammar(random);
  const kinds: Kind[] = ["int", "string", "bool", "list", "map", "double", "opt"];
  for (let count = 0; count < randomCount; count++) {
    const text = make(kinds[random(kinds.length)] as Kind, 1 + random(3));
    if (text.length <= 160) found.add(text);
  }
  return [...found];
}
