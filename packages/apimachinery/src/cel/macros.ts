import type { LoopMacro, Node } from "./ast.ts";
import { CelSyntaxError } from "./issues.ts";

interface LoopShape {
  macro: LoopMacro;
  /** How many of the arguments are names of variables. */
  variables: number;
}

/** Loops by name and number of arguments. */
const loops: Record<string, Record<number, LoopShape>> = {
  all: { 2: { macro: "all", variables: 1 }, 3: { macro: "all", variables: 2 } },
  exists: { 2: { macro: "exists", variables: 1 }, 3: { macro: "exists", variables: 2 } },
  exists_one: { 2: { macro: "exists_one", variables: 1 } },
  existsOne: { 2: { macro: "exists_one", variables: 1 }, 3: { macro: "exists_one", variables: 2 } },
  map: { 2: { macro: "map", variables: 1 }, 3: { macro: "map", variables: 1 } },
  filter: { 2: { macro: "filter", variables: 1 } },
  transformList: { 3: { macro: "transformList", variables: 2 }, 4: { macro: "transformList", variables: 2 } },
  transformMap: { 3: { macro: "transformMap", variables: 2 }, 4: { macro: "transformMap", variables: 2 } },
  transformMapEntry: {
    3: { macro: "transformMapEntry", variables: 2 },
    4: { macro: "transformMapEntry", variables: 2 },
  },
  sortBy: { 2: { macro: "sortBy", variables: 1 } },
};

/** The node a macro stands for; undefined when the call is none. @throws CelSyntaxError */
export function expandMacro(name: string, target: Node | undefined, args: Node[], at: number): Node | undefined {
  if (target === undefined) return name === "has" && args.length === 1 ? expandHas(args[0] as Node, at) : undefined;
  if (name === "bind" && target.kind === "ident" && target.name === "cel" && args.length === 3) {
    const [variable, value, body] = args as [Node, Node, Node];
    return { kind: "bind", at, variable: variableOf(variable), value, body };
  }
  if ((name === "optMap" || name === "optFlatMap") && args.length === 2) {
    const [variable, body] = args as [Node, Node];
    return { kind: "optMap", at, flat: name === "optFlatMap", operand: target, variable: variableOf(variable), body };
  }
  const shape = Object.hasOwn(loops, name) ? loops[name]?.[args.length] : undefined;
  if (shape === undefined) return undefined;
  const variables = args.slice(0, shape.variables).map(variableOf);
  if (new Set(variables).size < variables.length) throw new CelSyntaxError("overlapping variable names in macro", at);
  return { kind: "loop", at, macro: shape.macro, range: target, variables, parts: args.slice(shape.variables) };
}

function expandHas(argument: Node, at: number): Node {
  if (argument.kind !== "select") throw new CelSyntaxError("invalid argument to has() macro", at);
  return { kind: "has", at, operand: argument.operand, field: argument.field, optional: argument.optional };
}

function variableOf(node: Node): string {
  if (node.kind !== "ident") throw new CelSyntaxError("argument must be a simple name", node.at);
  return node.name;
}
