/** The operators: which types they take, and what they do. */
import { add, compare, contains, divide, equals, modulo, multiply, negate, noOverload, subtract } from "./operators.ts";
import type { CelType } from "./types.ts";
import { join, listOf, types } from "./types.ts";
import type { Value } from "./values.ts";

interface Unary {
  type(a: CelType): CelType | undefined;
  apply(a: Value): Value;
}

interface Binary {
  type(a: CelType, b: CelType): CelType | undefined;
  apply(a: Value, b: Value): Value;
}

const isOpen = ({ kind }: CelType) => kind === "dyn" || kind === "param";
const isNumber = ({ kind }: CelType) => kind === "int" || kind === "uint" || kind === "double";

/** Results by `left,right`. */
function table(results: Readonly<Record<string, CelType>>): (a: CelType, b: CelType) => CelType | undefined {
  return (a, b) => {
    if (!isOpen(a) && !isOpen(b)) return results[`${a.kind},${b.kind}`];
    const side = isOpen(a) ? b.kind : a.kind;
    const possible = Object.keys(results).some((key) =>
      isOpen(a) && isOpen(b) ? true : key.split(",")[isOpen(a) ? 1 : 0] === side,
    );
    return possible ? types.dyn : undefined;
  };
}

const { int, uint, double, string, bytes, timestamp, duration, bool } = types;
const numbers = { "int,int": int, "uint,uint": uint, "double,double": double };
const times = { "timestamp,duration": timestamp, "duration,duration": duration };

const addTypes = table({
  ...numbers,
  ...times,
  "string,string": string,
  "bytes,bytes": bytes,
  "duration,timestamp": timestamp,
  "list,list": types.dyn,
});

function addType(a: CelType, b: CelType): CelType | undefined {
  if (a.kind === "list" && b.kind === "list")
    return listOf(join(a.of[0] ?? types.dyn, b.of[0] ?? types.dyn) ?? types.dyn);
  return addTypes(a, b);
}

const ordered = new Set(["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"]);

function relation(name: string, holds: (order: number) => boolean): Binary {
  return {
    type: (a, b) => {
      if (isOpen(a) || isOpen(b))
        return (isOpen(a) || ordered.has(a.kind)) && (isOpen(b) || ordered.has(b.kind)) ? bool : undefined;
      return (a.kind === b.kind && ordered.has(a.kind)) || (isNumber(a) && isNumber(b)) ? bool : undefined;
    },
    apply: (a, b) => {
      const order = compare(name, a, b);
      return order !== undefined && holds(order);
    },
  };
}

const equality = (a: CelType, b: CelType) => (join(a, b) === undefined ? undefined : bool);

function membership(item: CelType, container: CelType): CelType | undefined {
  if (isOpen(container)) return bool;
  if (container.kind === "list" || container.kind === "map")
    return join(container.of[0] ?? types.dyn, item) === undefined ? undefined : bool;
  return container.kind === "object" ? bool : undefined;
}

export const unaryOperators: Readonly<Record<string, Unary>> = {
  "!_": {
    type: (a) => (a.kind === "bool" || isOpen(a) ? bool : undefined),
    apply: (a) => {
      if (typeof a !== "boolean") throw noOverload("!_", a);
      return !a;
    },
  },
  "-_": {
    type: (a) => (a.kind === "int" || a.kind === "double" || a.kind === "duration" || isOpen(a) ? a : undefined),
    apply: negate,
  },
};

export const binaryOperators: Readonly<Record<string, Binary>> = {
  "_+_": { type: addType, apply: add },
  "_-_": { type: table({ ...numbers, ...times, "timestamp,timestamp": duration }), apply: subtract },
  "_*_": { type: table(numbers), apply: multiply },
  "_/_": { type: table(numbers), apply: divide },
  "_%_": { type: table({ "int,int": int, "uint,uint": uint }), apply: modulo },
  "_==_": { type: equality, apply: equals },
  "_!=_": { type: equality, apply: (a, b) => !equals(a, b) },
  "_<_": relation("_<_", (order) => order < 0),
  "_<=_": relation("_<=_", (order) => order <= 0),
  "_>_": relation("_>_", (order) => order > 0),
  "_>=_": relation("_>=_", (order) => order >= 0),
  "@in": { type: membership, apply: contains },
};
