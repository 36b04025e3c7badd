/** Values while an expression runs: CEL doubles are JavaScript numbers, ints are bigints. `json-values.ts` has those that look into JSON. */
import { CelBudgetError } from "./issues.ts";

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** A point in time, nanoseconds since 1970. */
export class Timestamp {
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class Duration {
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

/** A type as a value: `type(1) == int`. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class OptionalValue {
  static readonly none = new OptionalValue(undefined);
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/** A value of a library type that programs only handle through its functions. */
export abstract class Opaque {
  abstract readonly typeName: string;
  /** The name of the type in Go. */
  get goType(): string {
    return this.typeName;
  }
  /** What cel-go takes for the value's size, where it has one. */
  get costSize(): number | undefined {
    return undefined;
  }
  /** Of a format: the length of its pattern. */
  get patternSize(): number | undefined {
    return undefined;
  }
  equals(other: Opaque): boolean {
    return this === other;
  }
  /** A member by `.name`, for the few types that have any. */
  select(_name: string): Value | undefined {
    return undefined;
  }
}

export abstract class ListValue {
  abstract readonly size: number;
  abstract at(index: number): Value;

  *[Symbol.iterator](): Generator<Value> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }
}

export class ArrayList extends ListValue {
  readonly values: readonly Value[];
  constructor(values: readonly Value[]) {
    super();
    this.values = values;
  }
  get size(): number {
    return this.values.length;
  }
  at(index: number): Value {
    return this.values[index] as Value;
  }
}

/** The list that a loop makes: only the loop's hidden variable holds it, so it may grow in place. */
export class GrowingList extends ArrayList {
  readonly #values: Value[];
  constructor() {
    const values: Value[] = [];
    super(values);
    this.#values = values;
  }
  append(more: ListValue): this {
    for (const value of more) this.#values.push(value);
    return this;
  }
}

/** Two lists one after the other, without a copy: joining costs the same whatever their size. */
class JoinedList extends ListValue {
  readonly size: number;
  readonly #parts: readonly ListValue[];
  #flat: readonly Value[] | undefined;
  constructor(first: ListValue, second: ListValue) {
    super();
    this.#parts = [first, second];
    this.size = first.size + second.size;
  }
  at(index: number): Value {
    this.#flat ??= flatten(this);
    return this.#flat[index] as Value;
  }
  get parts(): readonly ListValue[] {
    return this.#flat === undefined ? this.#parts : [new ArrayList(this.#flat)];
  }
  override *[Symbol.iterator](): Generator<Value> {
    this.#flat ??= flatten(this);
    yield* this.#flat;
  }
}

/** More elements are a way to spend memory, not a policy. */
export const maxListSize = 5_000_000;

export function joinLists(first: ListValue, second: ListValue): ListValue {
  if (first instanceof GrowingList) return first.append(second);
  if (first.size === 0) return second;
  if (second.size === 0) return first;
  if (first.size + second.size > maxListSize) throw new CelBudgetError();
  return new JoinedList(first, second);
}

function flatten(list: JoinedList): Value[] {
  const values: Value[] = [];
  const rest: ListValue[] = [list];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next instanceof JoinedList) rest.push(...[...next.parts].reverse());
    else for (const value of next) values.push(value);
  }
  return values;
}

export abstract class MapValue {
  abstract readonly size: number;
  abstract get(key: Value): Value | undefined;
  abstract keys(): Iterable<Value>;

  has(key: Value): boolean {
    return this.get(key) !== undefined;
  }

  /** A member by `.name`; objects of a schema have names that are escaped where CEL has no such identifier. */
  select(name: string): Value | undefined {
    return this.get(name);
  }
}

/** A map that an expression made. */
export class ArrayMap extends MapValue {
  readonly #entries = new Map<string, readonly [Value, Value]>();
  /** Set for objects of a named type, such as JSONPatch in a mutation. */
  readonly typeName: string | undefined;
  /** Only the hidden variable of a loop holds it, so it may grow in place. */
  readonly isGrowing: boolean;

  constructor(typeName?: string, isGrowing = false) {
    super();
    this.typeName = typeName;
    this.isGrowing = isGrowing;
  }
  static growing(from?: MapValue): ArrayMap {
    const map = new ArrayMap(undefined, true);
    for (const key of from?.keys() ?? []) map.add(key, from?.get(key) ?? null);
    return map;
  }
  /** What an object of a named type has where nothing was set. */
  zeroOf(key: Value): Value | undefined {
    if (this.typeName !== "JSONPatch") return undefined;
    return key === "value" ? null : "";
  }
  /** The map as others may see it, which does not grow any more. */
  settled(): ArrayMap {
    if (!this.isGrowing) return this;
    const map = new ArrayMap(this.typeName);
    for (const [text, entry] of this.#entries) map.#entries.set(text, entry);
    return map;
  }
  /** @returns false when the key is there already */
  add(key: Value, value: Value): boolean {
    if (this.#find(key) !== undefined) return false;
    this.set(key, value);
    return true;
  }
  set(key: Value, value: Value): void {
    this.#entries.set(keyTexts(key)[0], [key, value]);
  }
  delete(key: Value): void {
    this.#entries.delete(keyTexts(key)[0]);
  }
  #find(key: Value): readonly [Value, Value] | undefined {
    for (const text of keyTexts(key)) {
      const found = this.#entries.get(text);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: Value): Value | undefined {
    return this.#find(key)?.[1];
  }
  *keys(): Generator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | TypeValue
  | OptionalValue
  | Opaque
  | ListValue
  | MapValue;

/** Texts of a key, the first for keys of its own type and the others for equal keys of other types. */
function keyTexts(key: Value): readonly [string, ...string[]] {
  switch (typeof key) {
    case "string":
      return [`s${key}`];
    case "boolean":
      return [`b${key}`];
    case "bigint":
      return [`i${key}`, `u${key}`, `d${Number(key)}`];
    case "number":
      return Number.isInteger(key) ? [`d${key}`, `i${BigInt(key)}`, `u${BigInt(key)}`] : [`d${key}`];
    default:
      if (key instanceof Uint) return [`u${key.value}`, `i${key.value}`, `d${Number(key.value)}`];
      return key === null ? ["null"] : [`#${identityOf(key)}`];
  }
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

/** Lists and other values are keys too, each equal to itself only. */
function identityOf(key: object): number {
  const known = identities.get(key) ?? ++lastIdentity;
  identities.set(key, known);
  return known;
}

/** The name that `type()` gives. */
export function typeNameOf(value: Value): string {
  if (value === null) return "null_type";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "double";
  if (typeof value === "string") return "string";
  if (value instanceof Uint) return "uint";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof ListValue) return "list";
  if (value instanceof ArrayMap && value.typeName !== undefined) return value.typeName;
  if (value instanceof MapValue) return "map";
  if (value instanceof OptionalValue) return "optional_type";
  if (value instanceof TypeValue) return "type";
  return value.typeName;
}
