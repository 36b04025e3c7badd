/**
 * Checks an expression and turns it into closures, in one walk: a node's type is known before its parents', and so are the overloads of its calls.
 * Source of the rules and texts: cel-go's checker and https://github.com/google/cel-spec/blob/master/doc/langdef.md#type-checking
 */
import { elementType, hasField, indexOptional, indexValue, memberType, selectField, selectOptional } from "./access.ts";
import type { Node, NodeOf } from "./ast.ts";
import { callOf, describeArguments, type Matched, matchOverloads, wrongLiteral } from "./calls.ts";
import { functions } from "./functions/index.ts";
import type { CelIssue } from "./issues.ts";
import { issueAt } from "./issues.ts";
import { listLiteral, literal, mapLiteral, typeLiteral } from "./literals.ts";
import { and, conditional, evaluateBinary, evaluateUnary, noOperator, or } from "./logic.ts";
import type { Loop } from "./loops.ts";
import { planLoop } from "./loops.ts";
import { binaryOperators, unaryOperators } from "./operator-table.ts";
import { noOverload } from "./operators.ts";
import { qualifiedName } from "./parser.ts";
import type { Planned } from "./plan.ts";
import { nothing } from "./plan.ts";
import type { CelType } from "./types.ts";
import { formatType, join, listOf, mapOf, optionalOf, types } from "./types.ts";
import type { Value } from "./values.ts";
import { OptionalValue } from "./values.ts";

const typeNames = new Set(
  "bool bytes double int list map null_type string type uint optional_type google.protobuf.Timestamp google.protobuf.Duration".split(
    " ",
  ),
);

interface Local {
  slot: number;
  type: CelType;
}

export class Compiler {
  readonly issues: CelIssue[] = [];
  /** Names of the variables that the expression uses. */
  readonly used = new Set<string>();
  readonly #expression: string;
  readonly #variables: Readonly<Record<string, CelType>>;
  readonly #homogeneous: boolean;
  readonly #locals = new Map<string, Local[]>();
  #slots = 0;

  constructor(expression: string, variables: Readonly<Record<string, CelType>>, homogeneous = true) {
    this.#expression = expression;
    this.#variables = variables;
    this.#homogeneous = homogeneous;
  }

  get slots(): number {
    return this.#slots;
  }

  plan(node: Node): Planned {
    switch (node.kind) {
      case "literal":
        return literal(node);
      case "ident":
        return this.#ident(node);
      case "select":
        return this.#select(node);
      case "has":
        return this.#has(node);
      case "index":
        return this.#index(node);
      case "call":
        return this.#call(node);
      case "list":
        return this.#list(node);
      case "map":
        return this.#map(node);
      case "struct":
        return this.#struct(node);
      case "loop":
        return this.#loop(node);
      case "bind":
        return this.#bind(node);
      case "optMap":
        return this.#optMap(node);
    }
  }

  report(message: string, at: number): Planned {
    this.issues.push(issueAt(this.#expression, message, at));
    return nothing;
  }

  #known(found: CelType | { problem: string }, at: number): CelType {
    return "problem" in found ? this.report(found.problem, at).type : found;
  }

  /** Plans `body` with a local variable in scope. */
  withLocal<T>(name: string, type: CelType, body: (slot: number) => T): T {
    const slot = this.#slots++;
    const shadowed = this.#locals.get(name) ?? [];
    this.#locals.set(name, [...shadowed, { slot, type }]);
    const result = body(slot);
    this.#locals.set(name, shadowed);
    return result;
  }

  #isVariable(name: string): boolean {
    return (this.#locals.get(name)?.length ?? 0) > 0 || Object.hasOwn(this.#variables, name);
  }

  #ident({ name, at }: NodeOf<"ident">): Planned {
    const local = this.#locals.get(name)?.at(-1);
    if (local !== undefined) {
      const { slot, type } = local;
      return {
        type,
        evaluate: (run) => {
          run.budget.spend(1);
          return run.slots[slot] as Value;
        },
      };
    }
    const type = Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
    if (type !== undefined) {
      this.used.add(name);
      return {
        type,
        evaluate: (run) => {
          run.budget.spend(1);
          return run.variable(name);
        },
      };
    }
    if (typeNames.has(name)) return typeLiteral(name);
    return this.report(`undeclared reference to '${name}' (in container '')`, at);
  }

  #select(node: NodeOf<"select">): Planned {
    const qualified = qualifiedName(node);
    if (qualified !== undefined && typeNames.has(qualified) && !this.#isVariable(qualified.split(".")[0] ?? ""))
      return typeLiteral(qualified);
    const operand = this.plan(node.operand);
    const { field, optional } = node;
    const type = this.#known(memberType(operand.type, field), node.at);
    const isOptional = optional || operand.type.kind === "optional";
    return {
      type: isOptional && type.kind !== "optional" ? optionalOf(type) : type,
      evaluate: (run) => {
        const value = operand.evaluate(run);
        run.budget.spend(1);
        return optional ? selectOptional(value, field) : selectField(value, field);
      },
    };
  }

  #has(node: NodeOf<"has">): Planned {
    const operand = this.plan(node.operand);
    this.#known(memberType(operand.type, node.field), node.at);
    const { field } = node;
    return { type: types.bool, evaluate: (run) => hasField(operand.evaluate(run), field) };
  }

  #index(node: NodeOf<"index">): Planned {
    const operand = this.plan(node.operand);
    const index = this.plan(node.index);
    const isOptional = node.optional || operand.type.kind === "optional";
    const container = operand.type.kind === "optional" ? (operand.type.of[0] ?? types.dyn) : operand.type;
    const type = this.#known(elementType(container, index.type), node.at);
    return {
      type: isOptional && type.kind !== "optional" ? optionalOf(type) : type,
      evaluate: (run) => {
        const value = operand.evaluate(run);
        const key = index.evaluate(run);
        run.budget.spend(1);
        return node.optional || value instanceof OptionalValue ? indexOptional(value, key) : indexValue(value, key);
      },
    };
  }

  #call(node: NodeOf<"call">): Planned {
    const { name, target, args, at } = node;
    if (target === undefined && (name.startsWith("_") || name.startsWith("@") || name.endsWith("_"))) {
      const planned = this.#operator(node);
      if (planned !== undefined) return planned;
    }
    const namespace = target === undefined ? undefined : qualifiedName(target);
    const qualified = namespace === undefined ? undefined : `${namespace}.${name}`;
    if (qualified !== undefined && functions.has(qualified) && !this.#isVariable(qualified.split(".")[0] ?? "")) {
      return this.#apply(qualified, undefined, args, at);
    }
    return this.#apply(name, target, args, at);
  }

  /** The arguments of `format` are of any types; all other literals are checked. */
  #planArgument(name: string, node: Node): Planned {
    if (name !== "format" || node.kind !== "list") return this.plan(node);
    const elements = node.elements.map(({ value, optional }) => ({ ...this.plan(value), optional }));
    return { type: listOf(types.dyn), evaluate: listLiteral(elements) };
  }

  #apply(name: string, target: Node | undefined, args: readonly Node[], at: number): Planned {
    const isMethod = target !== undefined;
    const known = functions.get(name)?.filter((overload) => overload.isMethod === isMethod);
    const planned = [...(target === undefined ? [] : [target]), ...args].map((arg) => this.#planArgument(name, arg));
    if (known === undefined || known.length === 0)
      return this.report(`undeclared reference to '${name}' (in container '')`, at);
    const matching = matchOverloads(known, planned);
    if (matching.length === 0)
      return this.report(
        `found no matching overload for '${name}' applied to '${describeArguments(planned, isMethod)}'`,
        at,
      );
    const wrong = wrongLiteral(name, target, args);
    if (wrong !== undefined) return this.report(`invalid ${name} argument`, wrong.at);
    const [first, ...others] = matching as [Matched, ...Matched[]];
    const isOne = others.every(({ result }) => formatType(result) === formatType(first.result));
    return {
      type: isOne ? first.result : types.dyn,
      evaluate: callOf(
        name,
        matching.map(({ overload }) => overload),
        planned,
      ),
    };
  }

  #operator({ name, args, at }: NodeOf<"call">): Planned | undefined {
    const planned = args.map((arg) => this.plan(arg));
    const [a = nothing, b = nothing, c = nothing] = planned;
    if (name === "_&&_" || name === "_||_") {
      this.expectBool(a, args[0]);
      this.expectBool(b, args[1]);
      return { type: types.bool, evaluate: name === "_&&_" ? and(a.evaluate, b.evaluate) : or(a.evaluate, b.evaluate) };
    }
    if (name === "_?_:_") {
      this.expectBool(a, args[0]);
      const type = join(b.type, c.type);
      if (type === undefined)
        return this.report(
          `found no matching overload for '_?_:_' applied to '(${planned.map((each) => formatType(each.type)).join(", ")})'`,
          at,
        );
      return { type, evaluate: conditional(a.evaluate, b.evaluate, c.evaluate) };
    }
    const unary = args.length === 1 ? unaryOperators[name] : undefined;
    const binary = args.length === 2 ? binaryOperators[name] : undefined;
    const type = unary?.type(a.type) ?? binary?.type(a.type, b.type);
    if (unary === undefined && binary === undefined) return undefined;
    if (type === undefined)
      return this.report(
        `found no matching overload for '${name}' applied to '${describeArguments(planned, false)}'`,
        at,
      );
    if (unary !== undefined) return { type, evaluate: evaluateUnary(unary.apply, a.evaluate) };
    return { type, evaluate: evaluateBinary(binary?.apply ?? noOperator, a.evaluate, b.evaluate) };
  }

  expectBool({ type }: Planned, node: Node | undefined): void {
    if (type.kind !== "bool" && type.kind !== "dyn" && type.kind !== "param") {
      this.report(`expected type 'bool' but found '${formatType(type)}'`, node?.at ?? 0);
    }
  }

  #list({ elements }: NodeOf<"list">): Planned {
    const planned = elements.map(({ value, optional }) => ({ ...this.plan(value), optional }));
    const element = this.#commonType(
      planned.map(({ type, optional }) => (optional ? (type.of[0] ?? types.dyn) : type)),
      elements.map(({ value }) => value),
    );
    return { type: listOf(element), evaluate: listLiteral(planned) };
  }

  /** Literals hold one type: a mixed list is a mistake in a policy more often than a wish; `dyn(…)` says that it is one. */
  #commonType(all: readonly CelType[], nodes: readonly Node[]): CelType {
    let common: CelType | undefined;
    for (const [index, type] of all.entries()) {
      const joined = common === undefined ? type : join(common, type);
      if (joined === undefined && this.#homogeneous) {
        this.report(
          `expected type '${formatType(common ?? types.dyn)}' but found '${formatType(type)}'`,
          nodes[index]?.at ?? 0,
        );
      }
      common = joined ?? types.dyn;
    }
    return common ?? types.dyn;
  }

  #map({ entries }: NodeOf<"map">): Planned {
    const planned = entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    const values = planned.map(({ value, optional }) => (optional ? (value.type.of[0] ?? types.dyn) : value.type));
    const keyType = this.#commonType(
      planned.map(({ key }) => key.type),
      entries.map(({ key }) => key),
    );
    const valueType = this.#commonType(
      values,
      entries.map(({ value }) => value),
    );
    const evaluated = planned.map(({ key, value, optional }) => ({
      key: key.evaluate,
      value: value.evaluate,
      optional,
    }));
    return { type: mapOf(keyType, valueType), evaluate: mapLiteral(evaluated) };
  }

  #struct({ name, fields, at }: NodeOf<"struct">): Planned {
    if (name !== "JSONPatch" && name !== "Object" && !name.startsWith("Object."))
      return this.report(`undeclared reference to '${name}' (in container '')`, at);
    const allowed = name === "JSONPatch" ? ["op", "path", "from", "value"] : undefined;
    const planned = fields.map((field) => {
      if (allowed !== undefined && !allowed.includes(field.name))
        this.report(`undefined field '${field.name}'`, field.at);
      return { key: () => field.name, value: this.plan(field.value).evaluate, optional: field.optional };
    });
    return { type: { kind: "object", name, of: [], field: () => types.dyn }, evaluate: mapLiteral(planned, name) };
  }

  #loop(node: NodeOf<"loop">): Planned {
    const range = this.plan(node.range);
    const { key, element } = this.#rangeTypes(range.type, node);
    const twoVariables = node.variables.length === 2;
    const [first = "", second = ""] = node.variables;
    const firstType = twoVariables || range.type.kind === "map" || range.type.kind === "object" ? key : element;
    return this.withLocal(first, firstType, (firstSlot) => {
      const inner = (secondSlot: number): Planned => {
        const parts = node.parts.map((part) => this.plan(part));
        const loop: Loop = {
          macro: node.macro,
          range: range.evaluate,
          firstSlot,
          secondSlot: twoVariables ? secondSlot : undefined,
          parts,
        };
        return planLoop(this, node, loop, firstType);
      };
      return twoVariables ? this.withLocal(second, element, inner) : inner(-1);
    });
  }

  #rangeTypes(type: CelType, node: NodeOf<"loop">): { key: CelType; element: CelType } {
    if (type.kind === "list") return { key: types.int, element: type.of[0] ?? types.dyn };
    if (type.kind === "map") return { key: type.of[0] ?? types.dyn, element: type.of[1] ?? types.dyn };
    if (type.kind !== "dyn" && type.kind !== "param") {
      this.report(
        `expression of type '${formatType(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        node.range.at,
      );
    }
    return { key: types.dyn, element: types.dyn };
  }

  #bind(node: NodeOf<"bind">): Planned {
    const value = this.plan(node.value);
    return this.withLocal(node.variable, value.type, (slot) => {
      const body = this.plan(node.body);
      return {
        type: body.type,
        evaluate: (run) => {
          run.slots[slot] = value.evaluate(run);
          return body.evaluate(run);
        },
      };
    });
  }

  #optMap(node: NodeOf<"optMap">): Planned {
    const operand = this.plan(node.operand);
    const inner = operand.type.kind === "optional" ? (operand.type.of[0] ?? types.dyn) : types.dyn;
    return this.withLocal(node.variable, inner, (slot) => {
      const body = this.plan(node.body);
      return {
        type: node.flat ? body.type : optionalOf(body.type),
        evaluate: (run) => {
          const optional = operand.evaluate(run);
          run.budget.spend(1);
          if (!(optional instanceof OptionalValue)) throw noOverload(node.flat ? "optFlatMap" : "optMap", optional);
          if (optional.value === undefined) return optional;
          run.slots[slot] = optional.value;
          const value = body.evaluate(run);
          return node.flat ? value : new OptionalValue(value);
        },
      };
    });
  }
}
