/** Schemas that definitions with rules are judged by. */

type Part = Record<string, unknown>;

function rules(...all: (string | Part)[]): Part {
  return {
    "x-kubernetes-validations": all.map((each) => (typeof each === "string" ? { rule: each, message: "no" } : each)),
  };
}

const text = { type: "string" };
const object = (properties: Part, more: Part = {}): Part => ({ type: "object", properties, ...more });
const array = (items: Part, more: Part = {}): Part => ({ type: "array", items, ...more });
const map = (additionalProperties: Part, more: Part = {}): Part => ({ type: "object", additionalProperties, ...more });
const root = (spec: Part): Part => object({ spec });

/** Definitions whose rules cost too much, alone or together, and those that are just cheap enough. */
export const definitions: readonly Part[] = [
  root(object({ s: text }, rules("self.s == 'x'"))),
  root(object({ s: text, t: text }, rules("self.s.contains(self.t)"))),
  root(object({ s: { ...text, maxLength: 500 }, t: { ...text, maxLength: 500 } }, rules("self.s.contains(self.t)"))),
  root(object({ l: array(text) }, rules("self.l.all(x, x == 'abc')"))),
  root(object({ l: array(text) }, rules("self.l.all(x, self.l.all(y, x == y))"))),
  root(object({ l: array(text, { maxItems: 50 }) }, rules("self.l.all(x, self.l.all(y, x != y))"))),
  root(
    object({ l: array({ ...text, maxLength: 10 }, { maxItems: 50 }) }, rules("self.l.all(x, self.l.all(y, x != y))")),
  ),
  root(array({ ...text, ...rules("self.size() > 3") })),
  root(array({ ...text, ...rules("self.matches('^[a-z]+(-[a-z]+)*$')") })),
  root(array({ ...text, maxLength: 63, ...rules("self.matches('^[a-z]+(-[a-z]+)*$')") }, { maxItems: 100 })),
  root(array({ ...text, maxLength: 63, ...rules("self.matches('^[a-z]+(-[a-z]+)*$')") })),
  root(array(array({ ...text, maxLength: 10, ...rules("self != 'x'") }, { maxItems: 1000 }), { maxItems: 10_000 })),
  root(array(array({ ...text, maxLength: 10, ...rules("self != 'x'") }, { maxItems: 1000 }))),
  root(map({ ...text, ...rules("self != 'x'") })),
  root(map({ ...text, maxLength: 100, ...rules("self.contains('xyz')") }, { maxProperties: 100_000 })),
  root(map(object({ a: { type: "integer" } }, { required: ["a"], ...rules("self.a > 3") }))),
  root(map(object({ a: { type: "integer" } }, rules("self.a > 3 && self.a < 10 && self.a != 5 && self.a != 6")))),
  root(array({ type: "integer", ...rules("self > 3 && self < 10 && self != 5 && self != 6 && self != 7") })),
  root(array({ type: "boolean", ...rules("self || !self") })),
  root(array({ type: "string", format: "date-time", ...rules("self > timestamp('2024-01-01T00:00:00Z')") })),
  root(array({ "x-kubernetes-int-or-string": true, ...rules("type(self) == int || self.matches('a')") })),
  object({ spec: text, metadata: object({ name: text }) }, rules("self.metadata.name.matches('^[a-z]+$')")),
  object({ spec: text }, rules("self.metadata.name.startsWith(self.spec)", "self.spec.startsWith('a')")),
  root(object({ l: array(text, rules("self.all(x, x == 'abc')")) }, rules("self.l.all(x, x == 'abcd')"))),
  root(
    object(
      { s: text, l: array(text) },
      rules({ rule: "self.s == 'x'", messageExpression: "self.l.map(x, x + self.s).join(', ')" }),
    ),
  ),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", messageExpression: "self.s + ' is wrong'" }))),
  root(
    object(
      Object.fromEntries(
        "abcdefghijkl"
          .split("")
          .map((name) => [name, array({ type: "integer", ...rules("self > 3") }, { maxItems: 3_000_000 })]),
      ),
    ),
  ),
  root(
    object(
      Object.fromEntries(
        "abcdefghijklmn"
          .split("")
          .map((name, index) => [
            name,
            array({ type: "integer", ...rules("self > 3 && self < 9") }, { maxItems: 1_900_000 + index }),
          ]),
      ),
    ),
  ),
  root(
    object({ s: text, t: text }, rules("self.s == self.t", "self.s < self.t", "self.s.matches('a')", "self.s == 'x'")),
  ),
  root(object({ s: text }, rules("self.s +"))),
  root(object({ s: text }, rules("self.nope == 3", "self.s == 'x'"))),
  root(object({ s: text }, rules("self.s"))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", messageExpression: "self.nope" }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", messageExpression: "3" }))),
  root(object({ s: text }, rules({ rule: "" }))),
  root(object({ s: text }, rules({ rule: "  ", message: "x" }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", message: " " }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", message: "a\nb" }))),
  root(object({ s: text }, rules({ rule: "self.s ==\n'x'" }))),
  root(object({ s: text }, rules({ rule: "self.s ==\n'x'", message: "x" }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", messageExpression: " " }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", reason: "Nope" }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", reason: "FieldValueForbidden", fieldPath: ".s" }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", fieldPath: ".nope" }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", fieldPath: "s" }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", fieldPath: " " }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", fieldPath: ".s\n" }))),
  root(
    object(
      { "a-b": text, "c.d": object({ e: text }) },
      rules(
        { rule: "true", fieldPath: ".a-b" },
        { rule: "true", fieldPath: "['c.d'].e" },
        { rule: "true", fieldPath: ".c.d" },
      ),
    ),
  ),
  root(
    object(
      { m: map(text), l: array(text) },
      rules(
        { rule: "true", fieldPath: ".m['x']" },
        { rule: "true", fieldPath: ".m.x" },
        { rule: "true", fieldPath: ".l[0]" },
        { rule: "true", fieldPath: ".l" },
      ),
    ),
  ),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", optionalOldSelf: true }))),
  root(object({ s: text }, rules({ rule: "self.s == 'x'", optionalOldSelf: false }))),
  root(object({ s: text }, rules({ rule: "oldSelf.hasValue() || self.s == 'x'", optionalOldSelf: true }))),
  root(object({ s: { ...text, ...rules({ rule: "" }) }, t: { ...text, ...rules("self +") } }, rules("self.s +"))),
  root(array({ ...text, ...rules("self == oldSelf") })),
  root(
    array(object({ k: text, v: text }, { required: ["k"], ...rules("self.v == oldSelf.v") }), {
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      maxItems: 10,
    }),
  ),
  root(
    array(object({ k: text, v: { ...text, ...rules("self == oldSelf") } }, { required: ["k"] }), {
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      maxItems: 10,
    }),
  ),
  root(array(text, { "x-kubernetes-list-type": "set", ...rules("self == oldSelf") })),
];
