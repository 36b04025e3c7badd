/** Macros as cel-go expands them. Source: cel-go v0.26 parser/macro.go, ext/comprehensions.go, ext/lists.go, cel/library.go (optionals). */
import type { Expr } from "./ast.ts";
import { CelSyntaxError } from "./issues.ts";

/** Cannot be written in an expression, so it shadows nothing. */
const accumulator = "@result";
const unused = "#unused";

type Expand = (make: Maker, target: Expr, args: Expr[]) => Expr;

/** Makes nodes at the place of the macro's call. */
class Maker {
  readonly at: number;
  readonly #copied: { nodes: number };

  constructor(at: number, copied: { nodes: number }) {
    this.at = at;
    this.#copied = copied;
  }

  literal(value: boolean | bigint): Expr {
    return { kind: "literal", at: this.at, value };
  }
  ident(name: string): Expr {
    return { kind: "ident", at: this.at, name };
  }
  result(): Expr {
    return this.ident(accumulator);
  }
  list(...elements: Expr[]): Expr {
    return { kind: "list", at: this.at, elements, optional: new Set() };
  }
  call(name: string, ...args: Expr[]): Expr {
    return { kind: "call", at: this.at, name, target: undefined, args };
  }
  method(name: string, target: Expr, ...args: Expr[]): Expr {
    return { kind: "call", at: this.at, name, target, args };
  }
  fold(
    range: Expr,
    variables: readonly string[],
    parts: { init: Expr; condition: Expr; step: Expr; result: Expr },
  ): Expr {
    const [first = unused, second] = variables;
    return { kind: "fold", at: this.at, range, first, second, accumulator, ...parts };
  }
  /** `body` with a variable for a value: a loop over nothing. */
  bind(variable: string, value: Expr, body: Expr): Expr {
    const parts = { init: value, condition: this.literal(false), step: this.ident(variable), result: body };
    return {
      kind: "fold",
      at: this.at,
      range: this.list(),
      first: unused,
      second: undefined,
      accumulator: variable,
      ...parts,
    };
  }
  copy(node: Expr): Expr {
    return copyNode(node, this.#copied, this.at);
  }
}

/** `a.optMap(…).optMap(…)` copies its target twice for each link: without a bound a short text makes a tree of any size. */
const maxCopiedNodes = 10_000;

function copyNode(node: Expr, copied: { nodes: number }, at: number): Expr {
  if (++copied.nodes > maxCopiedNodes)
    throw new CelSyntaxError(`macros expand to more than ${maxCopiedNodes} nodes`, at);
  const copy = (each: Expr) => copyNode(each, copied, at);
  switch (node.kind) {
    case "literal":
    case "ident":
      return { ...node };
    case "select":
      return { ...node, operand: copy(node.operand) };
    case "call":
      return { ...node, target: node.target && copy(node.target), args: node.args.map(copy) };
    case "list":
      return { ...node, elements: node.elements.map(copy) };
    case "map":
      return {
        ...node,
        entries: node.entries.map((each) => ({ ...each, key: copy(each.key), value: copy(each.value) })),
      };
    case "struct":
      return { ...node, fields: node.fields.map((each) => ({ ...each, value: copy(each.value) })) };
    case "fold": {
      const { range, init, condition, step, result } = node;
      const parts = { init: copy(init), condition: copy(condition), step: copy(step), result: copy(result) };
      return { ...node, range: copy(range), ...parts };
    }
  }
}

function variableOf(node: Expr, problem: string): string {
  if (node.kind !== "ident") throw new CelSyntaxError(problem, node.at);
  return node.name;
}

function loopVariable(node: Expr, problem: string): string {
  const name = variableOf(node, problem);
  if (name === accumulator || name === "__result__")
    throw new CelSyntaxError("iteration variable overwrites accumulator variable", node.at);
  return name;
}

function loopVariables(nodes: readonly Expr[]): string[] {
  const names = nodes.map((node) => variableOf(node, "argument must be a simple name"));
  const [, second] = nodes;
  if (second !== undefined && names[0] === names[1])
    throw new CelSyntaxError(`duplicate variable name: ${names[0]}`, second.at);
  return nodes.map((node) => loopVariable(node, "argument must be a simple name"));
}

function all(count: number): Expand {
  return (make, target, args) =>
    make.fold(target, loopVariables(args.slice(0, count)), {
      init: make.literal(true),
      condition: make.call("@not_strictly_false", make.result()),
      step: make.call("_&&_", make.result(), args[count] as Expr),
      result: make.result(),
    });
}

function exists(count: number): Expand {
  return (make, target, args) =>
    make.fold(target, loopVariables(args.slice(0, count)), {
      init: make.literal(false),
      condition: make.call("@not_strictly_false", make.call("!_", make.result())),
      step: make.call("_||_", make.result(), args[count] as Expr),
      result: make.result(),
    });
}

function existsOne(count: number): Expand {
  return (make, target, args) =>
    make.fold(target, loopVariables(args.slice(0, count)), {
      init: make.literal(0n),
      condition: make.literal(true),
      step: make.call("_?_:_", args[count] as Expr, make.call("_+_", make.result(), make.literal(1n)), make.result()),
      result: make.call("_==_", make.result(), make.literal(1n)),
    });
}

/** A loop that adds to a list or map: with a filter where there is one more argument. */
function collect(make: Maker, target: Expr, variables: string[], init: Expr, step: Expr, filter?: Expr): Expr {
  const guarded = filter === undefined ? step : make.call("_?_:_", filter, step, make.result());
  return make.fold(target, variables, { init, condition: make.literal(true), step: guarded, result: make.result() });
}

const map: Expand = (make, target, args) => {
  const variable = loopVariable(args[0] as Expr, "argument is not an identifier");
  const step = make.call("_+_", make.result(), make.list(args.at(-1) as Expr));
  return collect(make, target, [variable], make.list(), step, args.length === 3 ? args[1] : undefined);
};

const filter: Expand = (make, target, args) => {
  const variable = loopVariable(args[0] as Expr, "argument is not an identifier");
  const step = make.call("_+_", make.result(), make.list(args[0] as Expr));
  return collect(make, target, [variable], make.list(), step, args[1]);
};

const transformList: Expand = (make, target, args) => {
  const variables = loopVariables(args.slice(0, 2));
  const step = make.call("_+_", make.result(), make.list(args.at(-1) as Expr));
  return collect(make, target, variables, make.list(), step, args.length === 4 ? args[2] : undefined);
};

function transformToMap(withKey: boolean): Expand {
  return (make, target, args) => {
    const variables = loopVariables(args.slice(0, 2));
    const body = args.at(-1) as Expr;
    const added = withKey ? [make.ident(variables[0] ?? ""), body] : [body];
    const step = make.call("cel.@mapInsert", make.result(), ...added);
    const init: Expr = { kind: "map", at: make.at, entries: [] };
    return collect(make, target, variables, init, step, args.length === 4 ? args[2] : undefined);
  };
}

const sortBy: Expand = (make, target, args) => {
  if (!["list", "select", "ident", "fold", "call"].includes(target.kind)) {
    const problem = "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
    throw new CelSyntaxError(problem, target.at);
  }
  const input = "@__sortBy_input__";
  const keys = map(make, make.ident(input), args);
  return make.bind(input, target, make.method("@sortByAssociatedKeys", make.ident(input), keys));
};

function optionalMap(name: string, isFlat: boolean): Expand {
  return (make, target, [variableNode, body]) => {
    const variable = variableOf(variableNode as Expr, `${name}() variable name must be a simple identifier`);
    const bound = make.bind(variable, make.method("value", make.copy(target)), body as Expr);
    return make.call(
      "_?_:_",
      make.method("hasValue", target),
      isFlat ? bound : make.call("optional.of", bound),
      make.call("optional.none"),
    );
  };
}

/** Macros of receivers by name and number of arguments. */
const macros: Readonly<Record<string, Readonly<Record<number, Expand>>>> = {
  all: { 2: all(1), 3: all(2) },
  exists: { 2: exists(1), 3: exists(2) },
  exists_one: { 2: existsOne(1), 3: existsOne(2) },
  existsOne: { 3: existsOne(2) },
  map: { 2: map, 3: map },
  filter: { 2: filter },
  transformList: { 3: transformList, 4: transformList },
  transformMap: { 3: transformToMap(true), 4: transformToMap(true) },
  transformMapEntry: { 3: transformToMap(false), 4: transformToMap(false) },
  sortBy: { 2: sortBy },
  optMap: { 2: optionalMap("optMap", false) },
  optFlatMap: { 2: optionalMap("optFlatMap", true) },
};

export interface MacroCall {
  name: string;
  target: Expr | undefined;
  args: Expr[];
  at: number;
  /** Counts the nodes that macros of one expression copy. */
  copied: { nodes: number };
}

/** The node a macro stands for; undefined when the call is none. @throws CelSyntaxError */
export function expandMacro({ name, target, args, at, copied }: MacroCall): Expr | undefined {
  if (target === undefined) return name === "has" && args.length === 1 ? has(args[0] as Expr, at) : undefined;
  const expand = Object.hasOwn(macros, name) ? macros[name]?.[args.length] : undefined;
  return expand?.(new Maker(at, copied), target, args);
}

function has(argument: Expr, at: number): Expr {
  if (argument.kind !== "select") throw new CelSyntaxError("invalid argument to has() macro", argument.at);
  return { kind: "select", at, operand: argument.operand, field: argument.field, testOnly: true };
}
