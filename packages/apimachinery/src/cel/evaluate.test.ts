import { describe, expect, it } from "@jest/globals";
import type { JsonValue } from "../json.ts";
import { admissionVariables } from "./admission.ts";
import { Budget } from "./budget.ts";
import type { Bindings } from "./evaluate.ts";
import { compile, LazyBinding, run, runWithAuthorizer } from "./evaluate.ts";
import type { AccessCheck } from "./functions/authorizer.ts";
import { authorizerValue } from "./functions/authorizer.ts";
import { CelBudgetError, CelError } from "./issues.ts";
import { LazyMap } from "./lazy-map.ts";
import { toJson } from "./to-json.ts";
import { types } from "./types.ts";
import type { ListValue, Value } from "./values.ts";

const variables = admissionVariables({ params: true });
const object = {
  metadata: { name: "web-1", namespace: "n", labels: { "a.b/c": "x" } },
  spec: {
    title: "WIP: x",
    replicas: 3,
    ratio: 1.5,
    list: [
      { name: "a", n: 1 },
      { name: "b", n: 2 },
    ],
    empty: null,
  },
};

function evaluate(expression: string, bindings: Bindings = { object }, costLimit?: number): Value {
  const { program, ...failed } = compile(expression, { variables, mutating: true });
  if (program === undefined) throw new Error("message" in failed ? failed.message : "");
  return run(program, bindings, costLimit === undefined ? {} : { costLimit }).value;
}

const admissionCases = [
  { expression: "object.metadata.namespace == 'n'", reason: "reserved words are members" },
  { expression: "object.metadata.labels['a.b/c'] == 'x'", reason: "labels by key" },
  { expression: "has(object.spec.list[0].name) && !has(object.spec.none)", reason: "has() on an indexed path" },
  {
    expression: "object.spec.replicas + 1 == 4 && object.spec.ratio < 2.0",
    reason: "JSON integers are ints, others doubles",
  },
  { expression: "object.spec.replicas > 2.5", reason: "numbers of two types compare" },
  { expression: "object.spec.empty == null", reason: "null is a value" },
  { expression: "[].all(x, x > 1)", reason: "nothing fails for an empty list" },
  { expression: "object.spec.list.all(i, v, v.n == i + 1)", reason: "two variables" },
  { expression: "object.spec.?none.orValue('d') == 'd'", reason: "optional selection" },
  { expression: "oldObject == null || object.spec.replicas >= oldObject.spec.replicas", reason: "old objects" },
  {
    expression: "request.userInfo.groups.exists(g, g == 'devs') && request.operation == 'UPDATE'",
    reason: "the request",
  },
  { expression: "namespaceObject.metadata.labels.env == 'prod'", reason: "the namespace" },
  { expression: "params.max > object.spec.replicas", reason: "parameters" },
];

describe("expressions of policies", () => {
  it.each(admissionCases)("$reason: $expression", ({ expression }) => {
    const bindings = {
      object,
      oldObject: null,
      params: { max: 5 },
      request: { operation: "UPDATE", userInfo: { groups: ["devs"] } },
      namespaceObject: { metadata: { labels: { env: "prod" } } },
    };
    expect(evaluate(expression, bindings)).toBe(true);
  });

  it("computes a variable when it is asked for, once", () => {
    let computed = 0;
    const lazy = new LazyMap([
      [
        "n",
        () => {
          computed++;
          return 2n;
        },
      ],
      ["unused", () => Promise.reject(new Error("never")) as never],
    ]);
    const { program } = compile("variables.n + variables.n == 4", { variables: { variables: types.dyn } });
    expect(program && run(program, { variables: lazy }).value).toBe(true);
    expect(computed).toBe(1);
    expect(evaluate("params.a == 1", { params: new LazyBinding(() => ({ a: 1 })) })).toBe(true);
  });

  it("tells which variables an expression uses, so that others need not be fetched", () => {
    expect([...(compile("has(object.spec) || params.x", { variables }).program?.variables ?? [])]).toEqual([
      "object",
      "params",
    ]);
  });

  it("makes what mutations are made of", () => {
    const patch = evaluate(
      "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'x'}]",
    ) as ListValue;
    expect(toJson(patch)).toEqual([{ op: "add", path: "/metadata/labels/a~1b", value: "x" }]);
    const configuration = evaluate(
      "Object{spec: Object.spec{replicas: object.spec.replicas * 2, ?none: optional.none()}}",
    );
    expect(toJson(configuration)).toEqual({ spec: { replicas: 6 } } as JsonValue);
  });
});

const failing = [
  { expression: "object.none", says: "no such key: none" },
  { expression: "object.spec.list[5]", says: "index out of bounds: 5" },
  { expression: "object.spec.replicas / 0", says: "division by zero" },
  { expression: "9223372036854775807 + object.spec.replicas", says: "integer overflow" },
  { expression: "object.spec.title > 1", says: "no such overload" },
  { expression: "oldObject.x", says: "no such attribute(s): oldObject" },
  { expression: "object.spec.title.matches(object.metadata.name + '(')", says: "error parsing regexp" },
  { expression: "object.constructor", says: "no such key: constructor" },
];

describe("failures", () => {
  it.each(failing)("$expression: $says", ({ expression, says }) => {
    expect(() => evaluate(expression)).toThrow(CelError);
    expect(() => evaluate(expression)).toThrow(says);
  });

  it("are absorbed by the other side of a logical operator", () => {
    expect(evaluate("object.none == 1 || true")).toBe(true);
    expect(evaluate("false && object.none == 1")).toBe(false);
    expect(() => evaluate("object.none == 1 && true")).toThrow(CelError);
  });

  it("are told before the run with their place where they can be", () => {
    const { program, issues } = compile("object.spec.a ==\n  undeclared", { variables });
    expect(program).toBeUndefined();
    expect(issues).toEqual([
      { message: "undeclared reference to 'undeclared' (in container '')", offset: 19, line: 2, column: 3 },
    ]);
  });

  it("name the type that an expression must have", () => {
    const compiled = compile("object.spec.title + 'x' == 'y' ? 1 : 2", { variables, expectedType: types.bool });
    expect(compiled.program).toBeUndefined();
    expect("message" in compiled && compiled.message).toContain("must evaluate to bool but evaluates to int");
  });

  it("show the line and mark the place as cel-go does", () => {
    const compiled = compile("1 + 'a'", { variables });
    expect("message" in compiled && compiled.message).toBe(
      "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^",
    );
  });
});

describe("limits", () => {
  const numbers = { object: { list: Array.from({ length: 500 }, (_, index) => index) } };
  const loop = "object.list.all(a, object.list.all(b, object.list.all(c, a + b + c >= 0)))";

  it("end an expression that costs too much, whatever stands around it", () => {
    expect(() => evaluate(`true && (${loop} || true)`, numbers)).toThrow(CelBudgetError);
    expect(() => evaluate(`[1].exists(x, ${loop}) || true`, numbers, 1000)).toThrow(CelBudgetError);
  });

  it("end an expression that takes too long", () => {
    const { program } = compile(loop, { variables });
    expect(program).toBeDefined();
    if (program === undefined) return;
    expect(() => run(program, numbers, { costLimit: Number.POSITIVE_INFINITY, timeoutMilliseconds: 5 })).toThrow(
      "took too long",
    );
  });

  it("may be shared by several expressions", () => {
    const budget = new Budget(3000);
    const { program } = compile("object.list.all(a, a >= 0)", { variables });
    if (program === undefined) throw new Error("does not compile");
    expect(run(program, numbers, { budget }).cost).toBeGreaterThan(1500);
    expect(() => run(program, numbers, { budget })).toThrow(CelBudgetError);
  });

  it("match patterns in linear time", () => {
    expect(evaluate("object.text.matches('^(a+)+$')", { object: { text: `${"a".repeat(5000)}!` } })).toBe(false);
  });

  it("bound what is parsed", () => {
    const deep = compile(`${"(".repeat(300)}1${")".repeat(300)}`, { variables });
    expect(deep.issues[0]?.message).toBe("expression recursion limit exceeded: 250");
    expect(compile(`'${"x".repeat(100_000)}'`, { variables }).issues[0]?.message).toContain("exceeds limit");
  });
});

describe("authorizer", () => {
  const expression =
    "authorizer.group('apps').resource('deployments').namespace('n').check('create').allowed() && authorizer.requestResource.check('approve').allowed() && !authorizer.path('/healthz').check('get').allowed()";

  it("asks what it does not know and runs again", async () => {
    const asked: AccessCheck[] = [];
    const { program } = compile(expression, { variables });
    if (program === undefined) throw new Error("does not compile");
    const requestResource = { group: "forge.krate.a5c.ai", resource: "pullrequests", namespace: "n", name: "web-1" };
    const value = await runWithAuthorizer(
      (answer) =>
        run(program, { authorizer: authorizerValue(answer, requestResource) }, { costLimit: 2_000_000 }).value,
      async (check) => {
        asked.push(check);
        return { allowed: check.path === undefined };
      },
    );
    expect(value).toBe(true);
    expect(asked.map(({ verb, resource, name, path }) => [verb, resource, name, path])).toEqual([
      ["create", "deployments", "", undefined],
      ["approve", "pullrequests", "web-1", undefined],
      ["get", "", "", "/healthz"],
    ]);
  });
});
