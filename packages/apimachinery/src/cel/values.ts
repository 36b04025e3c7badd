/**
 * Values while an expression runs. JSON is not copied: a JsonMap or JsonList looks into the object it was given, and converts what is asked for. An
 * integral JSON number is an int, unless its schema says `number`; CEL doubles are JavaScript numbers, ints are bigints.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";
import { CelError } from "./issues.ts";
import { parseDuration, parseTimestamp } from "./times.ts";
import type { CelType } from "./types.ts";
import { unescapeField } from "./types.ts";

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

export class JsonList extends ListValue {
  readonly json: readonly JsonValue[];
  readonly schema: Schema | undefined;
  constructor(json: readonly JsonValue[], schema: Schema | undefined) {
    super();
    this.json = json;
    this.schema = schema;
  }
  get size(): number {
    return this.json.length;
  }
  at(index: number): Value {
    return fromJson(this.json[index], this.schema?.items);
  }
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

export class JsonMap extends MapValue {
  readonly json: JsonObject;
  readonly schema: Schema | undefined;
  constructor(json: JsonObject, schema: Schema | undefined) {
    super();
    this.json = json;
    this.schema = schema;
  }
  get size(): number {
    return Object.keys(this.json).length;
  }
  get(key: Value): Value | undefined {
    if (typeof key !== "string" || !Object.hasOwn(this.json, key)) return undefined;
    const value = this.json[key];
    return value === undefined ? undefined : fromJson(value, memberSchema(this.schema, key));
  }
  override has(key: Value): boolean {
    return typeof key === "string" && Object.hasOwn(this.json, key) && this.json[key] !== undefined;
  }
  override select(name: string): Value | undefined {
    return this.get(this.schema?.properties === undefined ? name : unescapeField(name));
  }
  keys(): string[] {
    return Object.keys(this.json);
  }
}

/** A map that an expression made. */
export class ArrayMap extends MapValue {
  readonly #entries = new Map<string, readonly [Value, Value]>();
  /** Set for objects of a named type, such as JSONPatch in a mutation. */
  readonly typeName: string | undefined;

  constructor(typeName?: string) {
    super();
    this.typeName = typeName;
  }
  /** @returns false when the key is there already */
  add(key: Value, value: Value): boolean {
    if (typeof key === "number") throw new CelError("unsupported key type: double");
    const text = keyText(key);
    if (this.#entries.has(text)) return false;
    this.#entries.set(text, [key, value]);
    return true;
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(keyText(key))?.[1];
  }
  *keys(): Generator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** A map whose members are computed when they are first asked for: `variables` of a policy. */
export class LazyMap extends MapValue {
  readonly #members: Map<string, () => Value>;
  readonly #known = new Map<string, { value: Value } | { error: unknown }>();

  constructor(members: Iterable<readonly [string, () => Value]>) {
    super();
    this.#members = new Map(members);
  }
  get size(): number {
    return this.#members.size;
  }
  get(key: Value): Value | undefined {
    if (typeof key !== "string") return undefined;
    const known = this.#known.get(key) ?? this.#compute(key);
    if (known === undefined) return undefined;
    if ("error" in known) throw known.error;
    return known.value;
  }
  override has(key: Value): boolean {
    return typeof key === "string" && this.#members.has(key);
  }
  keys(): Iterable<string> {
    return this.#members.keys();
  }
  #compute(key: string): { value: Value } | { error: unknown } | undefined {
    const compute = this.#members.get(key);
    if (compute === undefined) return undefined;
    let result: { value: Value } | { error: unknown };
    try {
      result = { value: compute() };
    } catch (error) {
      if (!(error instanceof CelError)) throw error; // only what the expression did wrong is the variable's value
      result = { error };
    }
    this.#known.set(key, result);
    return result;
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

/** A JSON value as CEL sees it; with a schema, formats and numbers have the types it says. */
export function fromJson(json: JsonValue | undefined, schema?: Schema): Value {
  if (json === undefined) return null;
  if (typeof json === "number") return Number.isInteger(json) && schema?.type !== "number" ? BigInt(json) : json;
  if (typeof json === "string") return schema?.format === undefined ? json : formatted(json, schema);
  if (typeof json !== "object" || json === null) return json;
  return Array.isArray(json) ? new JsonList(json, schema) : new JsonMap(json, schema);
}

function formatted(text: string, schema: Schema): Value {
  switch (schema.format) {
    case "date-time":
      return new Timestamp(parseTimestamp(text));
    case "date":
      return new Timestamp(parseTimestamp(`${text}T00:00:00Z`));
    case "duration":
      return new Duration(parseDuration(text));
    case "byte":
      return new Uint8Array(Buffer.from(text, "base64"));
    default:
      return text;
  }
}

/** A value as JSON, for what a policy stores or sends: bytes are base64, times text. @throws CelError for what has no JSON form */
export function toJson(value: Value): JsonValue {
  if (value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "number")
    return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof JsonList) return value.json as JsonValue[];
  if (value instanceof JsonMap) return value.json;
  if (value instanceof ListValue) return [...value].map(toJson);
  if (value instanceof MapValue) {
    const result: JsonObject = {};
    for (const key of value.keys()) {
      if (typeof key !== "string") throw new CelError("only maps with string keys have a JSON form");
      result[key] = toJson(value.get(key) ?? null);
    }
    return result;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  throw new CelError(`a value of type ${typeNameOf(value)} has no JSON form`);
}

/** Equal keys have equal texts; numbers are one key whatever their type. */
function keyText(key: Value): string {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "boolean") return `b${key}`;
  if (typeof key === "bigint") return `n${key}`;
  if (key instanceof Uint) return `n${key.value}`;
  if (typeof key === "number") return `n${Number.isInteger(key) ? BigInt(key) : key}`;
  throw new CelError(`unsupported key type: ${typeNameOf(key)}`);
}

/** The name that `type()` gives. */
export function typeNameOf(value: Value): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
  }
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

/** True when a parameter of this type takes the value. */
export function fits(type: CelType, value: Value): boolean {
  switch (type.kind) {
    case "dyn":
    case "param":
      return true;
    case "null":
      return value === null;
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint";
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "uint":
      return value instanceof Uint;
    case "bytes":
      return value instanceof Uint8Array;
    case "timestamp":
      return value instanceof Timestamp;
    case "duration":
      return value instanceof Duration;
    case "list":
      return value instanceof ListValue;
    case "map":
    case "object":
      return value instanceof MapValue;
    case "optional":
      return value instanceof OptionalValue;
    case "type":
      return value instanceof TypeValue;
    case "opaque":
      return value instanceof Opaque && value.typeName === type.name;
  }
}
