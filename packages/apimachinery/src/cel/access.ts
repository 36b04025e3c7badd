/** Members and elements: their types, and how they are reached while an expression runs. */
import { CelError } from "./issues.ts";
import { lookUp } from "./operators.ts";
import type { CelType } from "./types.ts";
import { formatType, isAssignable, types } from "./types.ts";
import type { Value } from "./values.ts";
import { ListValue, MapValue, Opaque, OptionalValue, typeNameOf, Uint } from "./values.ts";

/** The type of a member, or why there is none. */
export function memberType(type: CelType, field: string): CelType | { problem: string } {
  if (type.kind === "dyn" || type.kind === "param") return types.dyn;
  if (type.kind === "map") return type.of[1] ?? types.dyn;
  if (type.kind === "optional") return memberType(type.of[0] ?? types.dyn, field);
  if (type.kind === "opaque" || type.kind === "object")
    return type.field?.(field) ?? { problem: `undefined field '${field}'` };
  return { problem: `type '${formatType(type)}' does not support field selection` };
}

/** The type of an element, or why there is none. */
export function elementType(container: CelType, index: CelType): CelType | { problem: string } {
  if (container.kind === "dyn" || container.kind === "param") return types.dyn;
  if (container.kind === "list" && ["int", "uint", "double", "dyn"].includes(index.kind)) {
    return container.of[0] ?? types.dyn;
  }
  if (container.kind === "map" && isAssignable(container.of[0] ?? types.dyn, index, new Map())) {
    return container.of[1] ?? types.dyn;
  }
  return {
    problem: `found no matching overload for '_[_]' applied to '(${formatType(container)}, ${formatType(index)})'`,
  };
}

export function selectField(value: Value, field: string): Value {
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

export function selectOptional(value: Value, field: string): OptionalValue {
  const inner = value instanceof OptionalValue ? value.value : value;
  if (inner === undefined) return OptionalValue.none;
  if (!(inner instanceof MapValue)) throw new CelError(`no such overload: ${typeNameOf(inner)}.?${field}`);
  const member = inner.select(field);
  if (member instanceof OptionalValue) return member;
  return member === undefined ? OptionalValue.none : new OptionalValue(member);
}

export function indexValue(value: Value, key: Value): Value {
  const found = lookUp(value, key);
  if (found !== undefined) return found;
  throw new CelError(
    value instanceof ListValue ? `index out of bounds: ${textOf(key)}` : `no such key: ${textOf(key)}`,
  );
}

export function indexOptional(value: Value, key: Value): OptionalValue {
  const inner = value instanceof OptionalValue ? value.value : value;
  const found = inner === undefined ? undefined : lookUp(inner, key);
  return found === undefined ? OptionalValue.none : new OptionalValue(found);
}

function textOf(key: Value): string {
  return key instanceof Uint ? String(key.value) : String(key);
}

export function hasField(value: Value, field: string): boolean {
  const inner = value instanceof OptionalValue ? value.value : value;
  if (inner === undefined) return false;
  if (!(inner instanceof MapValue)) throw new CelError(`no such overload: has(${typeNameOf(inner)}.${field})`);
  return inner.select(field) !== undefined;
}
