/** CEL beside a real kube-apiserver: what expressions give, which do not compile, and what failed rules say. */
import { expect, test } from "@jest/globals";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import type { CelProgram, CelValue } from "../cel/index.ts";
import {
  celTypes,
  checkRules,
  compile,
  fromJson,
  ListValue,
  run,
  schemaType,
  typeNameOf,
  validateRules,
} from "../cel/index.ts";
import type { JsonObject } from "../json.ts";
import { dig } from "../json.ts";
import { compileSchema } from "../schema/index.ts";
import type { Schema } from "../schema/types.ts";
import { causesOf, ReferenceKind } from "./custom-resource.ts";

const text: Schema = { type: "string", maxLength: 100 };
const properties: Record<string, Schema> = {
  title: text,
  count: { type: "integer" },
  ratio: { type: "number" },
  when: { type: "string", format: "date-time" },
  wait: { type: "string", format: "duration" },
  data: { type: "string", format: "byte" },
  port: { "x-kubernetes-int-or-string": true },
  "a-b": text,
  "x.y/z": text,
  namespace: text,
  labels: { type: "object", maxProperties: 10, additionalProperties: text },
  tags: { type: "array", maxItems: 10, items: text, "x-kubernetes-list-type": "set" },
  numbers: { type: "array", maxItems: 10, items: { type: "integer" } },
  steps: {
    type: "array",
    maxItems: 10,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    items: { type: "object", required: ["name"], properties: { name: text, run: text } },
  },
  nested: { type: "object", properties: { a: text, b: { type: "boolean" } } },
};
const spec = {
  title: "Straße",
  count: 7,
  ratio: 2,
  when: "2026-02-28T10:20:30.5Z",
  wait: "1h30m",
  data: "aGk=",
  port: 80,
  "a-b": "dash",
  "x.y/z": "odd",
  namespace: "ns",
  labels: { "k.io/a": "1", b: "2" },
  tags: ["y", "x"],
  numbers: [3, 1, 2],
  steps: [{ name: "one", run: "r" }, { name: "two" }],
  nested: { a: "A", b: false },
};

/** Each is made a text by kube-apiserver and here. */
const expressions = [
  "self.title",
  "self.title.size()",
  "self.title.upperAscii()",
  "self.title.substring(4)",
  "self.title.charAt(4)",
  "self.title.indexOf('e')",
  "self.title.replace('s', '')",
  "self.title.split('')",
  "self.title.matches('^St')",
  "self.title.find('[a-z]+')",
  "'a1b22'.findAll('[0-9]+')",
  "self.count + 1",
  "self.count / 2",
  "self.count % 4",
  "-self.count",
  "self.ratio",
  "self.ratio * 1.5",
  "self.ratio > self.count",
  "double(self.count) / 2.0",
  "self.when",
  "self.when.getFullYear()",
  "self.when.getDayOfYear()",
  "self.when.getHours('America/New_York')",
  "self.when.getMinutes('+05:30')",
  "self.when + duration('1h')",
  "self.when - timestamp('2026-02-28T00:00:00Z')",
  "self.wait",
  "self.wait.getMinutes()",
  "self.wait > duration('80m')",
  "self.data",
  "self.data.size()",
  "self.port",
  "type(self.port) == int",
  "self.a__dash__b",
  "self.x__dot__y__slash__z",
  "self.__namespace__",
  "self.labels['k.io/a']",
  "self.labels.size()",
  "'b' in self.labels",
  "self.labels.all(k, k.size() > 0)",
  "self.labels.exists(k, self.labels[k] == '2')",
  "self.tags == ['x', 'y']",
  "self.tags.size()",
  "self.numbers.sum()",
  "self.numbers.min()",
  "self.numbers.isSorted()",
  "self.numbers.sort()",
  "self.numbers.filter(n, n > 1).size()",
  "self.numbers.indexOf(2)",
  "self.numbers.all(i, n, n > i - 5)",
  "self.numbers.exists_one(n, n == 1)",
  "self.steps[0].run",
  "has(self.steps[1].run)",
  "has(self.nested.a)",
  "self.nested.b ? 'yes' : 'no'",
  "self.?nested.a.orValue('none')",
  "self.steps[1].?run.orValue('none')",
  "self.steps.map(s, s.name)",
  "optional.of(1).hasValue()",
  "[1, 2, 3].slice(1, 3)",
  "lists.range(3)",
  "['b', 'a'].sort()",
  "self.steps.sortBy(s, s.name)[1].name",
  "sets.contains([1, 2], [2])",
  "sets.intersects(self.tags, ['z'])",
  "url('https://a.example:8443/p/q?x=1#f').getHostname()",
  "url('https://a.example:8443/p').getPort()",
  "url('/p').getEscapedPath()",
  "isURL('not a url')",
  "ip('192.168.0.1').isLoopback()",
  "ip('fe80::1').isLinkLocalUnicast()",
  "ip.isCanonical('2001:DB8::1')",
  "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
  "cidr('10.1.2.3/8').masked()",
  "quantity('1500m').isGreaterThan(quantity('1'))",
  "quantity('2Ki').asInteger()",
  "quantity('50k').add(20).asApproximateFloat()",
  "isQuantity('1.5x')",
  "semver('1.2.3').isLessThan(semver('1.10.0'))",
  "isSemver('v1.0')",
  "format.dns1123Label().validate('Bad').hasValue()",
  "format.named('nope').hasValue()",
  "'%s has %d, %.2f and %x'.format([self.title, self.count, self.ratio, 255])",
  "'%s'.format([self.numbers])",
  "string(1.0)",
  "string(1e30)",
  "string(true)",
  "int('42') + int(3.9)",
  "uint(3)",
  "string(bytes('hi'))",
  "'\\u00e9' == 'é'",
  "size('😀é')",
  "dyn(1) == 1.0",
  "1 < 1.5",
  "timestamp('2023-01-01T00:00:00Z') < timestamp('2024-01-01T00:00:00Z')",
];

const broken = [
  "self.missing",
  "self.title + 1",
  "self.count == 'x'",
  "undeclared",
  "self.title.nope()",
  "self.title.size(1)",
  "self.numbers.all(x, x)",
  "self.numbers.map(x)",
  "has(self)",
  "1 +",
  "'unterminated",
  "[1, 'a'] == [1]",
  "self.title.matches('(')",
  "duration('1x') > duration('1s')",
  "self.nested.b && self.count",
  "self.nested ? true : false",
  "self.title",
  "self['title'] == 'x'",
];

/** Rules on one object that fails them, and what it is told. */
const rules: { schema: Schema; value: JsonObject; old?: JsonObject; reason: string }[] = [
  {
    schema: {
      properties: {
        title: { ...text, "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }] },
      },
    },
    value: { title: "b" },
    old: { title: "a" },
    reason: "immutable",
  },
  {
    schema: {
      properties: {
        title: { ...text, "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }] },
      },
    },
    value: { title: "b" },
    reason: "no old value",
  },
  {
    schema: {
      "x-kubernetes-validations": [
        { rule: "self.count > 9", message: "too few", fieldPath: ".count", reason: "FieldValueForbidden" },
      ],
    },
    value: { count: 1 },
    reason: "fieldPath and reason",
  },
  {
    schema: {
      "x-kubernetes-validations": [{ rule: "self.count > 9", messageExpression: "'title is ' + self.title" }],
    },
    value: { count: 1, title: "T" },
    reason: "messageExpression",
  },
  { schema: { "x-kubernetes-validations": [{ rule: "self.count > 9" }] }, value: { count: 1 }, reason: "no message" },
  {
    schema: { "x-kubernetes-validations": [{ rule: "self.count / 0 == 1", message: "m" }] },
    value: { count: 1 },
    reason: "an error at run time",
  },
  {
    schema: { "x-kubernetes-validations": [{ rule: "self.title == 'x'", message: "m" }] },
    value: { count: 1 },
    reason: "a missing field",
  },
  {
    schema: {
      properties: { count: { type: "integer", "x-kubernetes-validations": [{ rule: "self > 9", message: "m" }] } },
    },
    value: { count: 1 },
    old: { count: 1 },
    reason: "unchanged",
  },
  {
    schema: {
      properties: {
        steps: {
          ...(properties.steps as Schema),
          items: {
            ...(properties.steps?.items as Schema),
            "x-kubernetes-validations": [{ rule: "self.run == oldSelf.run", message: "run is fixed" }],
          },
        },
      },
    },
    value: {
      steps: [
        { name: "b", run: "y" },
        { name: "a", run: "z" },
      ],
    },
    old: {
      steps: [
        { name: "a", run: "x" },
        { name: "b", run: "y" },
      ],
    },
    reason: "items of a list map",
  },
  {
    schema: {
      "x-kubernetes-validations": [
        {
          rule: "!oldSelf.hasValue() || self.count > oldSelf.value().count",
          message: "must grow",
          optionalOldSelf: true,
        },
      ],
    },
    value: { count: 1 },
    old: { count: 2 },
    reason: "optional oldSelf",
  },
  {
    schema: {
      properties: manyNumbers(3000),
      "x-kubernetes-validations": [
        { rule: "sets.intersects(self.a, self.b)", message: "have something in common" },
        { rule: "false", message: "never told" },
      ],
    },
    value: { a: numbers(3000), b: numbers(3000) },
    reason: "a rule that costs too much",
  },
  {
    schema: {
      properties: manyNumbers(990),
      "x-kubernetes-validations": [
        { rule: "self.a.size() == 1", message: "before" },
        ...Array.from({ length: 12 }, () => ({ rule: "sets.intersects(self.a, self.b)", message: "m" })),
        { rule: "false", message: "never told" },
      ],
    },
    value: { a: numbers(990), b: numbers(990) },
    reason: "rules that cost too much together",
  },
  {
    schema: {
      properties: manyNumbers(3000),
      "x-kubernetes-validations": [
        {
          rule: "self.a.size() == 1",
          messageExpression: "sets.intersects(self.a, self.b) ? '<a>' : 'b'",
          fieldPath: ".a",
        },
        { rule: "false", message: "never told" },
      ],
    },
    value: { a: numbers(3000), b: numbers(3000) },
    reason: "a message that costs too much",
  },
  {
    schema: {
      properties: manyNumbers(990),
      "x-kubernetes-validations": [
        ...Array.from({ length: 10 }, () => ({ rule: "sets.intersects(self.a, self.b)", message: "m" })),
        { rule: "self.a.size() == 1", messageExpression: "sets.intersects(self.a, self.b) ? 'a' : 'b'" },
        { rule: "false", message: "never told" },
      ],
    },
    value: { a: numbers(990), b: numbers(990) },
    reason: "a message for which nothing is left",
  },
];

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function manyNumbers(maxItems: number): Record<string, Schema> {
  const list: Schema = { type: "array", maxItems, items: { type: "integer" } };
  return { a: list, b: list };
}

function resourceSchema(specSchema: Schema): Schema {
  return {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: { type: "object", ...specSchema, properties: { ...properties, ...specSchema.properties } },
    },
  };
}

class Things extends ReferenceKind {
  /** Right after its CRD is there a schema may not be in force yet: an object that must fail is sent until it does. */
  async create(object: JsonObject, mustFail: boolean): Promise<{ code: number; body: JsonObject }> {
    let answer = await this.send({ method: "POST", path: `${this.path}?dryRun=All`, body: object });
    await eventually(
      async () => {
        answer = await this.send({ method: "POST", path: `${this.path}?dryRun=All`, body: object });
        return !mustFail || answer.code === 422;
      },
      { timeoutSeconds: 10, description: "the schema" },
    );
    return answer;
  }

  async replace(old: JsonObject, next: JsonObject): Promise<{ code: number; body: JsonObject }> {
    const stored = await this.send({ method: "POST", path: this.path, body: old });
    const name = String(dig(old, "metadata", "name"));
    const metadata = { name, resourceVersion: dig(stored.body, "metadata", "resourceVersion") };
    return this.send({ method: "PUT", path: `${this.path}/${name}`, body: { ...next, metadata } });
  }
}

skipWithout("envtest")("CEL beside kube-apiserver", () => {
  const controlPlane = withControlPlane();

  test("expressions give the same values", async () => {
    const things = new Things(controlPlane(), eventually);
    const inForce = { rule: "self.count != 7", message: "the rules are in force" };
    const holding = expressions.map((expression) => ({
      rule: `(${expression}) == ${literalOf(expression)}`,
      message: expression,
    }));
    const schema = resourceSchema({ "x-kubernetes-validations": [...holding, inForce] });
    const defined = await things.define(schema);
    expect(causesOf(defined.body)).toEqual([]);
    const there = await things.create(things.object(spec), true);
    await things.remove();
    expect(causesOf(there.body)).toEqual([`spec: Invalid value: ${inForce.message}`]);
    const here = validateRules(things.object(spec), undefined, compileSchema(schema).schema);
    expect(here.map(({ field, message }) => `${field}: ${message}`)).toEqual(causesOf(there.body));
  });

  test("what does not compile there does not compile here", async () => {
    const things = new Things(controlPlane(), eventually);
    for (const expression of broken) {
      const schema = resourceSchema({ "x-kubernetes-validations": [{ rule: expression, message: "m" }] });
      const there = await things.define(schema, { dryRun: true });
      const here = checkRules(schema, "spec.validation.openAPIV3Schema");
      expect([expression, there.code]).toEqual([expression, 422]);
      expect([expression, here.length > 0]).toEqual([expression, true]);
    }
  });

  test("failed rules say the same", async () => {
    const outcomes = await Promise.all(rules.map((each) => outcomesOf(new Things(controlPlane(), eventually), each)));
    const byReason = (side: "here" | "there") =>
      outcomes.map((outcome, index) => [rules[index]?.reason, outcome[side]]);
    expect(byReason("here")).toEqual(byReason("there"));
  });
});

/** What the expression gives here, written as a CEL literal. */
function literalOf(expression: string): string {
  const schema: Schema = { type: "object", properties };
  const { program, ...failed } = compile(expression, { variables: { self: schemaType(schema) } });
  if (program === undefined) throw new Error("message" in failed ? failed.message : expression);
  return literal(run(program, { self: fromJson(spec, schema) }).value);
}

function literal(value: CelValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return Number.isInteger(value) ? value.toFixed(1) : String(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof ListValue) return `[${[...value].map(literal).join(", ")}]`;
  const kind = typeNameOf(value);
  const made = run(compile("string(value)", { variables: { value: celTypes.dyn } }).program as CelProgram, { value })
    .value as string;
  const makers: Record<string, string> = {
    uint: `${made}u`,
    bytes: `b${JSON.stringify(made)}`,
    "google.protobuf.Timestamp": `timestamp(${JSON.stringify(made)})`,
    "google.protobuf.Duration": `duration(${JSON.stringify(made)})`,
    "net.CIDR": `cidr(${JSON.stringify(made)})`,
  };
  const text = makers[kind];
  if (text === undefined) throw new Error(`no literal for ${kind}`);
  return text;
}

async function outcomesOf(
  things: Things,
  { schema, value, old }: (typeof rules)[number],
): Promise<{ here: string[]; there: string[] }> {
  const whole = resourceSchema(schema);
  const defined = await things.define(whole);
  expect(causesOf(defined.body)).toEqual([]);
  const next = things.object(value);
  const before = old === undefined ? undefined : things.object(old);
  const here = validateRules(next, before, compileSchema(whole).schema);
  const fails = here.length > 0;
  const answer =
    before === undefined ? await things.create(next, fails) : await replaceOnceInForce(things, before, next, fails);
  await things.remove();
  return { here: here.map(({ field, message }) => `${field}: ${message}`), there: causesOf(answer.body) };
}

/** As `create`, with a name of its own for each try. */
async function replaceOnceInForce(things: Things, old: JsonObject, next: JsonObject, mustFail: boolean) {
  let tries = 0;
  let answer: { code: number; body: JsonObject } = { code: 0, body: {} };
  await eventually(
    async () => {
      const name = `t${tries++}`;
      answer = await things.replace({ ...old, metadata: { name } }, next);
      return !mustFail || answer.code === 422;
    },
    { timeoutSeconds: 10, description: "the schema" },
  );
  return answer;
}
