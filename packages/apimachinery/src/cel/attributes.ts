/**
 * Paths into a value: `object.spec.containers[0].?image`. cel-go resolves them in one step, with one unit of cost for the start and one for each
 * part, and once a part is optional everything after it is. Source: cel-go v0.26 interpreter/attributes.go.
 */

import { CelError } from "./issues.ts";
import { JsonList, JsonMap } from "./json-values.ts";
import { isNumeric } from "./operators.ts";
import type { Evaluate, Run } from "./plan.ts";
import type { Value } from "./values.ts";
import { ArrayMap, ListValue, MapValue, Opaque, OptionalValue, Timestamp, TypeValue, Uint } from "./values.ts";

/** One part of a path. */
export interface Qualifier {
  /** The key; of an index that is no constant, how to get it. */
  key: Value | Evaluate;
  /** A name written after a dot, which may be escaped. */
  isField: boolean;
  optional: boolean;
  /** The last part of `has(a.b)`: gives whether it is there. */
  testOnly: boolean;
}

export interface Attribute {
  /** The value at the end of the path, without the cost of its start. @throws CelError */
  resolve(run: Run): Value;
  add(qualifier: Qualifier): void;
}

/** A path that starts at a variable or at what another step gives. */
export class PathAttribute implements Attribute {
  readonly #start: Evaluate;
  readonly #qualifiers: Qualifier[] = [];

  constructor(start: Evaluate) {
    this.#start = start;
  }

  add(qualifier: Qualifier): void {
    this.#qualifiers.push(qualifier);
  }

  resolve(run: Run): Value {
    let value = this.#start(run);
    if (this.#qualifiers.length === 0) return value;
    let isOptional = value instanceof OptionalValue;
    if (value instanceof OptionalValue) {
      if (value.value === undefined) return value;
      value = value.value;
    }
    for (const qualifier of this.#qualifiers) {
      isOptional ||= qualifier.optional;
      if (!isOptional) value = qualify(run, value, qualifier);
      else {
        const found = qualifyIfPresent(run, value, qualifier);
        if (found === undefined) return OptionalValue.none;
        value = found;
      }
    }
    return isOptional ? new OptionalValue(value) : value;
  }
}

/** `condition ? a : b`: what follows it is added to both. */
export class ConditionalAttribute implements Attribute {
  readonly #condition: Evaluate;
  readonly #yes: Attribute;
  readonly #no: Attribute;

  constructor(condition: Evaluate, yes: Attribute, no: Attribute) {
    this.#condition = condition;
    this.#yes = yes;
    this.#no = no;
  }

  add(qualifier: Qualifier): void {
    this.#yes.add(qualifier);
    this.#no.add(qualifier);
  }

  resolve(run: Run): Value {
    const condition = this.#condition(run);
    if (typeof condition !== "boolean") throw new CelError("no such overload");
    return (condition ? this.#yes : this.#no).resolve(run);
  }
}

function qualify(run: Run, container: Value, qualifier: Qualifier): Value {
  try {
    const key = keyOf(run, qualifier);
    const found = lookUp(container, key, qualifier, qualifier.testOnly);
    if (qualifier.testOnly) return found !== undefined;
    if (found !== undefined) return found;
    const zero = container instanceof ArrayMap ? container.zeroOf(key) : undefined;
    if (zero !== undefined) return zero;
    throw new CelError(
      container instanceof ListValue ? `index out of bounds: ${textOf(key)}` : `no such key: ${textOf(key)}`,
    );
  } finally {
    run.budget.spend(1);
  }
}

function qualifyIfPresent(run: Run, container: Value, qualifier: Qualifier): Value | undefined {
  const found = lookUp(container, keyOf(run, qualifier), qualifier, true);
  if (found !== undefined) run.budget.spend(1);
  return found;
}

function keyOf(run: Run, { key }: Qualifier): Value {
  if (typeof key !== "function") return key;
  const value = key(run);
  if (typeof value !== "string" && typeof value !== "boolean" && !isNumeric(value))
    throw new CelError(`invalid qualifier type: ${goType(value)}`);
  return value;
}

/** The member or element; undefined when it is not there. `isTest` asks only whether it is. */
function lookUp(container: Value, key: Value, { isField }: Qualifier, isTest: boolean): Value | undefined {
  if (container instanceof MapValue) return isField ? container.select(key as string) : container.get(key);
  if (container instanceof ListValue) {
    const index = indexOf(key);
    return index >= 0 && index < container.size ? container.at(index) : undefined;
  }
  if (container instanceof Opaque && typeof key === "string") return container.select(key);
  return isTest ? undefined : missing(key);
}

function missing(key: Value): never {
  throw new CelError(`no such key: ${textOf(key)}`);
}

/** A position in a list: any number without a fraction. @throws CelError */
export function indexOf(key: Value): number {
  if (typeof key === "bigint") return Number(key);
  if (key instanceof Uint) return Number(key.value);
  if (typeof key !== "number") throw new CelError(`unsupported index type '${shortType(key)}' in list`);
  if (!Number.isInteger(key)) throw new CelError(`unsupported index value ${key} in list`);
  return key;
}

function shortType(value: Value): string {
  if (typeof value === "string") return "string";
  return typeof value === "boolean" ? "bool" : goType(value);
}

export function textOf(key: Value): string {
  return key instanceof Uint ? String(key.value) : String(key);
}

/** The name of a value's type in Go, which some of cel-go's errors have. */
export function goType(value: Value): string {
  if (value === null) return "types.Null";
  if (typeof value === "string") return "types.String";
  if (typeof value === "boolean") return "types.Bool";
  if (typeof value === "bigint") return "types.Int";
  if (typeof value === "number") return "types.Double";
  if (value instanceof Uint) return "types.Uint";
  if (value instanceof Uint8Array) return "types.Bytes";
  if (value instanceof Timestamp) return "types.Timestamp";
  if (value instanceof OptionalValue) return "*types.Optional";
  if (value instanceof TypeValue) return "*types.Type";
  if (value instanceof ListValue) return value instanceof JsonList ? "[]interface {}" : "*types.baseList";
  if (value instanceof MapValue) return value instanceof JsonMap ? "map[string]interface {}" : "*types.baseMap";
  return value instanceof Opaque ? value.goType : "types.Duration";
}
