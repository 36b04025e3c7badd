/**
 * Checks an expression and turns it into closures, in one walk: a node's type is known before its parents', and so are the overloads of its calls.
 * Source of the rules and texts: cel-go's checker and https://github.com/google/cel-spec/blob/master/doc/langdef.md#type-checking
 */
import { linearRegExp } from "../schema/regexp.ts";
import type { Node, NodeOf } from "./ast.ts";
import type { Budget } from "./budget.ts";
import { functions } from "./functions/index.ts";
import type { Overload } from "./functions/overload.ts";
import type { CelIssue } from "./issues.ts";
import { CelError, issueAt } from "./issues.ts";
import type { Loop } from "./loops.ts";
import { planLoop } from "./loops.ts";
import { binaryOperators, unaryOperators } from "./operator-table.ts";
import { lookUp, noOverload } from "./operators.ts";
import { qualifiedName } from "./parser.ts";
import { parseDuration, parseTimestamp } from "./times.ts";
import type { CelType } from "./types.ts";
import { formatType, isAssignable, join, listOf, mapOf, optionalOf, substitute, types } from "./types.ts";
import type { Value } from "./values.ts";
import {
  ArrayList,
  ArrayMap,
  fits,
  ListValue,
  MapValue,
  Opaque,
  OptionalValue,
  TypeValue,
  typeNameOf,
  Uint,
} from "./values.ts";

/** State of one run. */
export interface Run {
  readonly budget: Budget;
  /** Variables of loops and `cel.bind`, by slot. */
  readonly slots: Value[];
  variable(name: string): Value;
}

export type Evaluate = (run: Run) => Value;

export interface Planned {
  readonly type: CelType;
  readonly evaluate: Evaluate;
}

const typeNames = new Set(
  "bool bytes double int list map null_type string type uint optional_type google.protobuf.Timestamp google.protobuf.Duration".split(
    " ",
  ),
);

const nothing: Planned = { type: types.dyn, evaluate: () => null };

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
    const type = this.#memberType(operand.type, field, node.at);
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

  #memberType(type: CelType, field: string, at: number): CelType {
    switch (type.kind) {
      case "dyn":
      case "param":
        return types.dyn;
      case "map":
        return type.of[1] ?? types.dyn;
      case "optional":
        return this.#memberType(type.of[0] ?? types.dyn, field, at);
      case "opaque":
      case "object": {
        const member = type.field?.(field);
        return member ?? this.report(`undefined field '${field}'`, at).type;
      }
      default:
        return this.report(`type '${formatType(type)}' does not support field selection`, at).type;
    }
  }

  #has(node: NodeOf<"has">): Planned {
    const operand = this.plan(node.operand);
    this.#memberType(operand.type, node.field, node.at);
    const { field } = node;
    return {
      type: types.bool,
      evaluate: (run) => {
        let value = operand.evaluate(run);
        if (value instanceof OptionalValue) {
          if (value.value === undefined) return false;
          value = value.value;
        }
        if (!(value instanceof MapValue)) throw new CelError(`no such overload: has(${typeNameOf(value)}.${field})`);
        return value.select(field) !== undefined;
      },
    };
  }

  #index(node: NodeOf<"index">): Planned {
    const operand = this.plan(node.operand);
    const index = this.plan(node.index);
    const isOptional = node.optional || operand.type.kind === "optional";
    const container = operand.type.kind === "optional" ? (operand.type.of[0] ?? types.dyn) : operand.type;
    const type = this.#elementType(container, index.type, node.at);
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

  #elementType(container: CelType, index: CelType, at: number): CelType {
    if (container.kind === "dyn" || container.kind === "param") return types.dyn;
    if (container.kind === "list" && ["int", "uint", "double", "dyn"].includes(index.kind))
      return container.of[0] ?? types.dyn;
    if (container.kind === "map" && isAssignable(container.of[0] ?? types.dyn, index, new Map()))
      return container.of[1] ?? types.dyn;
    return this.report(
      `found no matching overload for '_[_]' applied to '(${formatType(container)}, ${formatType(index)})'`,
      at,
    ).type;
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
    return this.#listOf(types.dyn, elements);
  }

  #apply(name: string, target: Node | undefined, args: readonly Node[], at: number): Planned {
    const isMethod = target !== undefined;
    const known = functions.get(name)?.filter((overload) => overload.isMethod === isMethod);
    const planned = [...(target === undefined ? [] : [target]), ...args].map((arg) => this.#planArgument(name, arg));
    if (known === undefined || known.length === 0)
      return this.report(`undeclared reference to '${name}' (in container '')`, at);
    const matching = matchOverloads(known, planned);
    if (matching.length === 0)
      return this.report(`found no matching overload for '${name}' applied to '${describe(planned, isMethod)}'`, at);
    this.#checkLiterals(name, target, args);
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

  /** Patterns, times and durations that are written out are checked now, not when they are needed. */
  #checkLiterals(name: string, target: Node | undefined, args: readonly Node[]): void {
    const argument = name === "matches" && target === undefined ? args[1] : args[0];
    if (
      !["matches", "timestamp", "duration", "find", "findAll"].includes(name) ||
      argument?.kind !== "literal" ||
      typeof argument.value !== "string"
    )
      return;
    try {
      if (name === "timestamp") parseTimestamp(argument.value);
      else if (name === "duration") parseDuration(argument.value);
      else linearRegExp(argument.value);
    } catch {
      this.report(`invalid ${name} argument`, argument.at);
    }
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
      return this.report(`found no matching overload for '${name}' applied to '${describe(planned, false)}'`, at);
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
    return this.#listOf(element, planned);
  }

  #listOf(element: CelType, planned: readonly (Planned & { optional: boolean })[]): Planned {
    return {
      type: listOf(element),
      evaluate: (run) => {
        run.budget.spend(10);
        const values: Value[] = [];
        for (const { evaluate, optional } of planned) {
          const value = evaluate(run);
          if (!optional) values.push(value);
          else if (!(value instanceof OptionalValue)) throw noOverload("optional list element", value);
          else if (value.value !== undefined) values.push(value.value);
        }
        return new ArrayList(values);
      },
    };
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
    return {
      type: mapOf(keyType, valueType),
      evaluate: (run) => {
        run.budget.spend(30);
        const map = new ArrayMap();
        for (const { key, value, optional } of planned) {
          const name = key.evaluate(run);
          addEntry(map, name, value.evaluate(run), optional);
        }
        return map;
      },
    };
  }

  #struct({ name, fields, at }: NodeOf<"struct">): Planned {
    if (name !== "JSONPatch" && name !== "Object" && !name.startsWith("Object."))
      return this.report(`undeclared reference to '${name}' (in container '')`, at);
    const allowed = name === "JSONPatch" ? ["op", "path", "from", "value"] : undefined;
    const planned = fields.map((field) => {
      if (allowed !== undefined && !allowed.includes(field.name))
        this.report(`undefined field '${field.name}'`, field.at);
      return { name: field.name, value: this.plan(field.value), optional: field.optional };
    });
    return {
      type: { kind: "object", name, of: [], field: () => types.dyn },
      evaluate: (run) => {
        run.budget.spend(40);
        const map = new ArrayMap(name);
        for (const field of planned) addEntry(map, field.name, field.value.evaluate(run), field.optional);
        return map;
      },
    };
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

function addEntry(map: ArrayMap, key: Value, value: Value, optional: boolean): void {
  let present: Value | undefined = value;
  if (optional) {
    if (!(value instanceof OptionalValue)) throw noOverload("optional map entry", value);
    present = value.value;
  }
  if (present !== undefined && !map.add(key, present)) throw new CelError(`Failed with repeated key`);
}

function literal({ value }: NodeOf<"literal">): Planned {
  if (value === null) return { type: types.null, evaluate: () => null };
  if (typeof value === "bigint") return { type: types.int, evaluate: () => value };
  if (typeof value === "number") return { type: types.double, evaluate: () => value };
  if (typeof value === "string") return { type: types.string, evaluate: () => value };
  if (typeof value === "boolean") return { type: types.bool, evaluate: () => value };
  if (value instanceof Uint8Array) return { type: types.bytes, evaluate: () => value };
  const unsigned = new Uint(value.uint);
  return { type: types.uint, evaluate: () => unsigned };
}

function typeLiteral(name: string): Planned {
  const value = new TypeValue(name);
  return { type: types.type, evaluate: () => value };
}

function selectField(value: Value, field: string): Value {
  if (value instanceof MapValue) {
    const member = value.select(field);
    if (member === undefined) throw new CelError(`no such key: ${field}`);
    return member;
  }
  if (value instanceof OptionalValue) return selectOptional(value, field);
  const member = value instanceof Opaque ? value.select(field) : undefined;
  if (member !== undefined) return member;
  throw new CelError(`no such overload: ${typeNameOf(value)}.${field}`);
}

function selectOptional(value: Value, field: string): OptionalValue {
  const inner = value instanceof OptionalValue ? value.value : value;
  if (inner === undefined) return OptionalValue.none;
  if (!(inner instanceof MapValue)) throw new CelError(`no such overload: ${typeNameOf(inner)}.?${field}`);
  const member = inner.select(field);
  if (member instanceof OptionalValue) return member;
  return member === undefined ? OptionalValue.none : new OptionalValue(member);
}

function indexValue(value: Value, key: Value): Value {
  const found = lookUp(value, key);
  if (found !== undefined) return found;
  throw new CelError(
    value instanceof ListValue ? `index out of bounds: ${textOf(key)}` : `no such key: ${textOf(key)}`,
  );
}

function indexOptional(value: Value, key: Value): OptionalValue {
  const inner = value instanceof OptionalValue ? value.value : value;
  const found = inner === undefined ? undefined : lookUp(inner, key);
  return found === undefined ? OptionalValue.none : new OptionalValue(found);
}

function textOf(key: Value): string {
  return key instanceof Uint ? String(key.value) : String(key);
}

/** False wins over an error on either side, as the specification wants. */
function and(left: Evaluate, right: Evaluate): Evaluate {
  return logical(left, right, false, "_&&_");
}

function or(left: Evaluate, right: Evaluate): Evaluate {
  return logical(left, right, true, "_||_");
}

function logical(left: Evaluate, right: Evaluate, winner: boolean, name: string): Evaluate {
  return (run) => {
    let problem: CelError | undefined;
    try {
      const value = left(run);
      if (value === winner) return winner;
      if (typeof value !== "boolean") problem = noOverload(name, value);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      problem = error;
    }
    const value = right(run);
    if (value === winner) return winner;
    if (problem !== undefined) throw problem;
    if (typeof value !== "boolean") throw noOverload(name, value);
    return !winner;
  };
}

function conditional(condition: Evaluate, yes: Evaluate, no: Evaluate): Evaluate {
  return (run) => {
    const value = condition(run);
    if (typeof value !== "boolean") throw noOverload("_?_:_", value);
    return value ? yes(run) : no(run);
  };
}

function evaluateUnary(apply: (a: Value) => Value, operand: Evaluate): Evaluate {
  return (run) => {
    const value = operand(run);
    run.budget.spend(1);
    return apply(value);
  };
}

function evaluateBinary(apply: (a: Value, b: Value) => Value, left: Evaluate, right: Evaluate): Evaluate {
  return (run) => {
    const a = left(run);
    const b = right(run);
    run.budget.spend(sizeCost(a, b));
    return apply(a, b);
  };
}

/** Comparing or joining texts and lists walks over them. */
function sizeCost(a: Value, b: Value): number {
  if (typeof a === "string") return typeof b === "string" ? 1 + Math.floor(Math.min(a.length, b.length) / 10) : 1;
  if (a instanceof ListValue || b instanceof ListValue)
    return 1 + (a instanceof ListValue ? a.size : 0) + (b instanceof ListValue ? b.size : 0);
  return 1;
}

function noOperator(a: Value, b: Value): Value {
  throw noOverload("operator", a, b);
}

interface Matched {
  overload: Overload;
  result: CelType;
}

function matchOverloads(candidates: readonly Overload[], args: readonly Planned[]): Matched[] {
  return candidates.flatMap((overload) => {
    if (overload.parameters.length !== args.length) return [];
    const bound = new Map<string, CelType>();
    const matches = overload.parameters.every((parameter, index) =>
      isAssignable(parameter, args[index]?.type ?? types.dyn, bound),
    );
    return matches ? [{ overload, result: substitute(overload.result, bound) }] : [];
  });
}

function describe(args: readonly Planned[], isMethod: boolean): string {
  const texts = args.map(({ type }) => formatType(type));
  return isMethod ? `${texts[0]}.(${texts.slice(1).join(", ")})` : `(${texts.join(", ")})`;
}

/** A call picks its overload by the values: what was checked as `dyn` is known only now. */
function callOf(name: string, overloads: readonly Overload[], args: readonly Planned[]): Evaluate {
  return (run) => {
    const values = args.map(({ evaluate }) => evaluate(run));
    for (const overload of overloads) {
      if (!overload.parameters.every((parameter, index) => fits(parameter, values[index] as Value))) continue;
      run.budget.spend(1 + (overload.cost?.(values) ?? 0));
      return overload.call(values, run.budget);
    }
    throw noOverload(name, ...values);
  };
}
