/** Schemas, and rules whose cost Kubernetes estimates. */
import { randomNumbers } from "./random.ts";

interface Bounds {
  text?: object;
  list?: object;
  map?: object;
}

/** The same fields with and without bounds: what a rule may cost is decided by them. */
function schemaOf({ text = {}, list = {}, map = {} }: Bounds, extra: object = {}): object {
  const string = { type: "string", ...text };
  const item = {
    type: "object",
    required: ["key"],
    properties: {
      key: string,
      value: { type: "integer" },
      tags: { type: "array", items: string, ...list },
      "odd-name": string,
    },
  };
  const spec = {
    type: "object",
    required: ["s", "n"],
    properties: {
      s: string,
      t: string,
      n: { type: "integer" },
      m: { type: "integer", format: "int32" },
      d: { type: "number" },
      b: { type: "boolean" },
      when: { type: "string", format: "date-time" },
      day: { type: "string", format: "date" },
      wait: { type: "string", format: "duration" },
      data: { type: "string", format: "byte", ...text },
      choice: { type: "string", enum: ["a", "bcd", "é"] },
      port: { "x-kubernetes-int-or-string": true, ...text },
      free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      ss: { type: "array", items: string, ...list },
      set: { type: "array", items: string, "x-kubernetes-list-type": "set", ...list },
      ns: { type: "array", items: { type: "integer" }, ...list },
      ds: { type: "array", items: { type: "number" }, ...list },
      lists: { type: "array", items: { type: "array", items: string, ...list }, ...list },
      items: { type: "array", items: item, ...list },
      keyed: {
        type: "array",
        items: item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["key"],
        ...list,
      },
      labels: { type: "object", additionalProperties: string, ...map },
      counts: { type: "object", additionalProperties: { type: "integer" }, ...map },
      byName: { type: "object", additionalProperties: item, ...map },
      nested: { type: "object", properties: { s: string, deep: { type: "object", properties: { s: string } } } },
      inner: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
      namespace: string,
      "with-dash": string,
      with__underscores: string,
    },
    ...extra,
  };
  return { type: "object", properties: { spec } };
}

export const schemas: Readonly<Record<string, object>> = {
  open: schemaOf({}),
  bounded: schemaOf({ text: { maxLength: 50 }, list: { maxItems: 10 }, map: { maxProperties: 5 } }),
  texts: schemaOf({ text: { maxLength: 7 } }),
  lists: schemaOf({ list: { maxItems: 3 }, map: { maxProperties: 0 } }),
};

const written = `
true
self.spec.n > 0
self.spec.n == self.spec.m
self.spec.n in self.spec.ns
self.spec.n in [1, 2, 3]
self.spec.s == self.spec.t
self.spec.s != 'abc'
self.spec.s < self.spec.t
self.spec.s + self.spec.t == 'x'
self.spec.s.size() > 3
size(self.spec.s) > 3
self.spec.s.startsWith(self.spec.t)
self.spec.s.endsWith('x')
self.spec.s.contains(self.spec.t)
self.spec.s.contains('xyz')
self.spec.s.matches('^[a-z]+$')
matches(self.spec.s, '^[a-z]+$')
self.spec.s.matches(self.spec.t)
self.spec.s.find('[0-9]+') == ''
self.spec.s.findAll('[0-9]+').size() > 1
self.spec.s.findAll('[0-9]+', 2).all(f, f.size() > 1)
self.spec.s.lowerAscii() == self.spec.t.upperAscii()
self.spec.s.trim().substring(1, 3).charAt(0) == 'x'
self.spec.s.replace('a', 'bcd') == 'x'
self.spec.s.replace('', 'bcd').size() > 3
self.spec.s.replace(self.spec.t, 'b').contains('x')
self.spec.s.replace('abc', self.spec.t).contains('x')
self.spec.s.replace('abc', 'd', 2).lowerAscii() == 'x'
self.spec.s.split(',').all(p, p.size() < 3)
self.spec.s.split(',', 3).exists(p, p == self.spec.t)
self.spec.s.split(',', -1).size() > 2
self.spec.s.indexOf('x') > 3
self.spec.s.lastIndexOf('x', 3) > 3
self.spec.ss.join() == 'x'
self.spec.ss.join(',').contains('x')
self.spec.ss.join(self.spec.s).matches('a+b')
self.spec.ss.all(x, x.size() < 3)
self.spec.ss.all(x, x == self.spec.s)
self.spec.ss.exists(x, x.contains(self.spec.s))
self.spec.ss.exists_one(x, x.startsWith('a'))
self.spec.ss.map(x, x + 'a').all(x, x.size() > 1)
self.spec.ss.filter(x, x.size() > 1).size() > 2
self.spec.ss.filter(x, x.size() > 1).exists(x, x == 'abc')
self.spec.ss.map(x, x.size() > 1, x + x).join().size() > 2
self.spec.ss.all(x, self.spec.ss.all(y, x != y))
self.spec.ss.all(x, self.spec.ss.all(y, self.spec.ss.all(z, x + y != z)))
self.spec.ss.isSorted()
self.spec.ss.max() == 'x'
self.spec.ns.sum() > 3
self.spec.ns.min() < self.spec.ns.max()
self.spec.ss.indexOf('x') == self.spec.ns.lastIndexOf(3)
self.spec.ss[0] == 'x'
self.spec.ss[?0].orValue('') == 'x'
self.spec.ss + self.spec.set == ['a']
(self.spec.ss + self.spec.set).all(x, x.size() > 3)
self.spec.ss == self.spec.set
self.spec.ss.sort() == ['a']
self.spec.ns.sort().reverse()[0] > 3
self.spec.ss.distinct().size() == self.spec.ss.size()
self.spec.items.sortBy(i, i.key)[0].value > 3
self.spec.items.sortBy(i, i.value).all(i, i.value > 3)
self.spec.ss.slice(1, 3).size() == 2
self.spec.ss.slice(1, self.spec.n).size() == 2
self.spec.lists.flatten().size() == 2
self.spec.lists.flatten().all(x, x.size() > 3)
self.spec.lists.all(l, l.all(x, x.matches('a')))
[self.spec.lists].flatten(2).size() > 3
lists.range(10).all(i, i > self.spec.n)
lists.range(self.spec.n).all(i, i > 3)
self.spec.items.all(i, i.value > 3)
self.spec.items.all(i, has(i.value) && i.value > 3)
self.spec.items.all(i, i.tags.all(t, t.startsWith(i.key)))
self.spec.items.all(i, i.odd__dash__name == i.key)
self.spec.items.map(i, i.key).exists(k, k == 'x')
self.spec.items.filter(i, i.value > 3).map(i, i.key).join(',').size() < 10
self.spec.items == self.spec.keyed
self.spec.items[0].tags[0].matches('a')
self.spec.keyed.exists(i, i.key == self.spec.s)
self.spec.labels.all(k, k.size() > 3)
self.spec.labels.all(k, self.spec.labels[k] == k)
self.spec.labels.exists(k, v, k == v)
self.spec.labels.transformList(k, v, v + k).join().size() > 2
self.spec.labels.transformMap(k, v, v.size() > 3, v + 'a').all(k, v, k == v)
self.spec.labels.transformMapEntry(k, v, {v: k}).size() > 3
self.spec.ss.transformList(i, v, v.size() > i).all(b, b)
self.spec.ss.all(i, v, v.size() > i)
'a' in self.spec.labels
self.spec.labels['a'] == 'b'
self.spec.labels.a.matches('b')
self.spec.labels[?'a'].orValue('x').contains('b')
self.spec.labels == self.spec.labels
self.spec.counts.all(k, self.spec.counts[k] > 3)
self.spec.byName.all(k, self.spec.byName[k].tags.exists(t, t == k))
has(self.spec.s) && has(self.spec.nested.deep.s)
has(self.spec.s) || self.spec.n > 3
has(self.spec.nested) ? self.spec.nested.s == 'x' : self.spec.n == 3
!has(self.spec.s) || self.spec.s.size() > 3
(self.spec.b ? self.spec.s : self.spec.choice).matches('a')
(self.spec.b ? self.spec.ss : self.spec.set).all(x, x.contains('y'))
(self.spec.b ? ['a', 'bcd'] : ['efghi']).all(x, x.contains(self.spec.s))
self.spec.b && self.spec.b && self.spec.n > 3 && self.spec.s == 'x' || self.spec.d > 2.0
self.spec.choice == 'a'
self.spec.choice.matches('a|b')
self.spec.when > timestamp('2024-01-01T00:00:00Z')
self.spec.when.getFullYear() > 2000
self.spec.day < self.spec.when
self.spec.wait > duration('1h')
self.spec.when + self.spec.wait < self.spec.day
string(self.spec.when).contains('2024')
self.spec.data == b'abc'
string(self.spec.data).contains('a')
bytes(self.spec.s) == self.spec.data
bytes(self.spec.s).size() > 3
type(self.spec.port) == int ? self.spec.port > 3 : self.spec.port.matches('a')
self.spec.port == self.spec.port
self.spec.port == 3 || self.spec.port == 'a'
string(self.spec.port).size() > 3
dyn(self.spec.s) == dyn(self.spec.n)
dyn(self.spec.ss).all(x, x == 'a')
self.spec.?s.orValue('x').contains('y')
self.spec.?nested.?deep.?s.orValue('x').matches('y')
self.spec.?s.hasValue()
self.spec.?s.optMap(v, v.contains('x')).orValue(true)
self.spec.?ss.optMap(v, v.all(x, x == 'a')).orValue(true)
optional.of(self.spec.s).value() == 'x'
optional.of(self.spec.n) == optional.none()
self.spec.__namespace__ == 'x'
self.spec.with__dash__dash == self.spec.with__underscores__underscores
self.metadata.name.matches('^a')
self.metadata.name == self.metadata.generateName
self.kind == 'Thing' && self.apiVersion.startsWith('a')
self.spec.inner.metadata.name == 'x'
self.spec.inner.kind == self.kind
self.spec.free == self.spec.free
self.spec.nested == self.spec.nested
self.spec == oldSelf.spec
self.spec.s == oldSelf.spec.s
self.spec.ss.all(x, x in oldSelf.spec.ss)
self == oldSelf
quantity(self.spec.s).isGreaterThan(quantity('1Ki'))
isQuantity(self.spec.s) && quantity(self.spec.s) == quantity('1')
url(self.spec.s).getHost() == 'x'
url(self.spec.s) == url(self.spec.t)
isURL(self.spec.s)
ip(self.spec.s).family() == 4
isIP(self.spec.s) && ip(self.spec.s) == ip('10.0.0.1')
ip.isCanonical(self.spec.s)
string(ip(self.spec.s)) == 'x'
cidr('10.0.0.0/8').containsIP(self.spec.s)
cidr(self.spec.s).containsIP(ip(self.spec.t))
cidr(self.spec.s).containsCIDR(self.spec.t)
cidr(self.spec.s).containsCIDR(cidr(self.spec.t))
cidr(self.spec.s).ip().isLoopback()
cidr(self.spec.s).masked() == cidr(self.spec.t)
semver(self.spec.s).major() > 3
isSemver(self.spec.s, true) && semver(self.spec.s, true).isLessThan(semver('1.0.0'))
semver(self.spec.s) == semver(self.spec.t)
format.dns1123Label().validate(self.spec.s).hasValue()
!format.named('uuid').value().validate(self.spec.s).hasValue()
format.dns1123Label() == format.uuid()
'%s %d'.format([self.spec.s, self.spec.n]) == 'x'
self.spec.s.format([self.spec.n]).size() > 3
strings.quote(self.spec.s).contains('x')
self.spec.s.reverse() == 'x'
sets.contains(self.spec.ss, ['a', 'b'])
sets.equivalent(self.spec.ss, self.spec.set)
sets.intersects(self.spec.ns, [1, 2])
{'a': self.spec.s, 'b': self.spec.t}.all(k, k == 'a')
{'a': self.spec.s, 'b': self.spec.t}.all(k, v, v.contains(k))
[self.spec.s, self.spec.t].all(x, x.contains('y'))
[self.spec.s, 'abc'].join().size() > 3
[[self.spec.s], [self.spec.t]].all(l, l.all(x, x.contains('y')))
[1, 2, 3].map(x, x * 2).sum() > 3
['a', 'b'].map(x, x + self.spec.s).exists(y, y.contains('z'))
self.spec.ss.map(x, [x]).all(l, l.all(y, y.size() > 3))
self.spec.ss.map(x, {'k': x}).all(m, m.k.contains('y'))
self.spec.ss.map(x, {x: x.size()}).all(m, m.all(k, m[k] > 3))
int(self.spec.d) > 3
double(self.spec.n) > self.spec.d
uint(self.spec.n) > 3u
self.spec.n + self.spec.m * 3 - 4 / 2 % 3 > 0
-self.spec.n < 0
int(self.spec.s) > 3
duration(self.spec.s) > self.spec.wait
timestamp(self.spec.s) > self.spec.when
bool(self.spec.s)
type(self.spec.s) == string
self.spec.ss.first().orValue('') == 'x'
self.spec.nope == 3
self.spec.s
self.spec.s > 3
`;

type Kind = "bool" | "text" | "number" | "texts" | "map";

/** Rules that compile, mostly: fields of every kind in every place. */
function randomRules(count: number): string[] {
  const random = randomNumbers(20261125);
  const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T;
  const leaves: Record<Kind, readonly string[]> = {
    bool: ["true", "self.spec.b", "has(self.spec.s)", "has(self.spec.nested.deep)"],
    text: [
      "'abc'",
      "self.spec.s",
      "self.spec.t",
      "self.spec.choice",
      "self.spec.nested.deep.s",
      "self.spec.ss[0]",
      "self.metadata.name",
      "self.spec.labels['k']",
      "self.spec.items[1].key",
      "oldSelf.spec.s",
    ],
    number: ["3", "self.spec.n", "self.spec.m", "self.spec.ns[1]", "self.spec.counts.a", "self.spec.items[0].value"],
    texts: ["self.spec.ss", "self.spec.set", "['a', 'bc']", "self.spec.items[0].tags", "self.spec.lists[1]", "[]"],
    map: ["self.spec.labels", "{'a': 'b'}", "{}", "oldSelf.spec.labels"],
  };
  let variables = 0;
  const make = (kind: Kind, depth: number, locals: readonly string[]): string => {
    const leaf = () => (kind === "text" && locals.length > 0 && random(2) === 0 ? pick(locals) : pick(leaves[kind]));
    if (depth <= 0) return leaf();
    const sub = (of: Kind, inner: readonly string[] = locals) => make(of, depth - 1, inner);
    const loop = (macro: string, body: (name: string) => string) => {
      const range = sub("texts");
      const name = `v${variables++}`;
      return `${range}.${macro}(${name}, ${body(name)})`;
    };
    const pairs = (macro: string, body: (key: string, value: string) => string) => {
      const range = sub("map");
      const [key, value] = [`k${variables}`, `v${variables++}`];
      return `${range}.${macro}(${key}, ${value}, ${body(key, value)})`;
    };
    const forms: Record<Kind, readonly (() => string)[]> = {
      bool: [
        () => `${sub("bool")} ${pick(["&&", "||"])} ${sub("bool")}`,
        () => `!(${sub("bool")})`,
        () => `${sub("text")} ${pick(["==", "!=", "<", ">="])} ${sub("text")}`,
        () => `${sub("number")} ${pick(["==", "<", ">"])} ${sub("number")}`,
        () => `${sub("text")}.${pick(["contains", "startsWith", "endsWith", "matches"])}(${sub("text")})`,
        () => `${sub("text")} in ${sub(pick(["texts", "map"]))}`,
        () => loop(pick(["all", "exists", "exists_one"]), (name) => sub("bool", [...locals, name])),
        () => pairs(pick(["all", "exists"]), (key, value) => sub("bool", [...locals, key, value])),
        () => `sets.${pick(["contains", "equivalent", "intersects"])}(${sub("texts")}, ${sub("texts")})`,
        () => `${sub("texts")} == ${sub("texts")}`,
        () => `${sub("texts")}.isSorted()`,
        () => `(${sub("bool")} ? ${sub("bool")} : ${sub("bool")})`,
      ],
      text: [
        () => `(${sub("text")} + ${sub("text")})`,
        () => `${sub("text")}.${pick(["lowerAscii()", "trim()", "substring(1)", "replace('a', 'bc')", "find('a+')"])}`,
        () => `${sub("text")}.replace(${sub("text")}, ${sub("text")})`,
        () => `${sub("texts")}.${pick(["join()", "join(', ')", "max()"])}`,
        () => `${sub("texts")}.join(${sub("text")})`,
        () => `(${sub("bool")} ? ${sub("text")} : ${sub("text")})`,
        () => `string(${sub("number")})`,
        () => `strings.quote(${sub("text")})`,
        () => `dyn(${sub("text")})`,
        () => `${sub("texts")}[?${sub("number")}].orValue(${sub("text")})`,
      ],
      number: [
        () => `(${sub("number")} ${pick(["+", "-", "*", "/"])} ${sub("number")})`,
        () => `size(${sub(pick(["text", "texts", "map"]))})`,
        () => `${sub("text")}.indexOf(${sub("text")})`,
        () => `${loop("map", (name) => sub("number", [...locals, name]))}.sum()`,
      ],
      texts: [
        () => `(${sub("texts")} + ${sub("texts")})`,
        () => `[${sub("text")}, ${sub("text")}]`,
        () => loop("map", (name) => sub("text", [...locals, name])),
        () => loop("filter", (name) => sub("bool", [...locals, name])),
        () => loop("map", (name) => `${sub("bool", [...locals, name])}, ${sub("text", [...locals, name])}`),
        () => pairs("transformList", (key, value) => sub("text", [...locals, key, value])),
        () => `${sub("texts")}.${pick(["sort()", "distinct()", "reverse()", "slice(0, 2)"])}`,
        () => loop("sortBy", (name) => sub(pick(["text", "number"]), [...locals, name])),
        () => `${sub("text")}.${pick(["split(',')", "split(',', 4)", "findAll('b+')"])}`,
        () => `(${sub("bool")} ? ${sub("texts")} : ${sub("texts")})`,
        () => `[${sub("texts")}, ${sub("texts")}].flatten()`,
      ],
      map: [
        () => `{${sub("text")}: ${sub("text")}, 'z': ${sub("text")}}`,
        () => pairs("transformMap", (key, value) => sub("text", [...locals, key, value])),
        () => `(${sub("bool")} ? ${sub("map")} : ${sub("map")})`,
      ],
    };
    return pick(forms[kind])();
  };
  const found = new Set<string>();
  while (found.size < count) {
    variables = 0;
    const text = make("bool", 1 + random(4), []);
    if (text.length <= 240) found.add(text);
  }
  return [...found];
}

export interface Rule {
  schema: string;
  text: string;
}

export function estimatedRules(): Rule[] {
  const names = Object.keys(schemas);
  const each = written.split("\n").filter((line) => line !== "");
  const everywhere = each.flatMap((text) => names.map((schema) => ({ schema, text })));
  const random = randomRules(1500).map((text, index) => ({ schema: names[index % names.length] as string, text }));
  return [...everywhere, ...random];
}
