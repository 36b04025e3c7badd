/**
 * JSON as CEL values. Nothing is copied: a JsonMap or JsonList looks into what it was given, and converts what is asked for. An integral JSON number is
 * an int, unless its schema says `number`.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";
import { parseDuration, parseTimestamp } from "./times.ts";
import { unescapeField } from "./types.ts";
import type { Value } from "./values.ts";
import { Duration, ListValue, MapValue, Timestamp } from "./values.ts";

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

export class JsonMap extends MapValue {
  readonly json: JsonObject;
  readonly schema: Schema | undefined;
  constructor(json: JsonObject, schema: Schema | undefined) {
    super();
    this.json = json;
    this.schema = schema;
  }
  get size(): number {
    return keysOf(this.json).length;
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
  keys(): readonly string[] {
    return keysOf(this.json);
  }
}

const knownKeys = new WeakMap<JsonObject, readonly string[]>();

/** The keys of an object, which expressions ask for again and again: objects do not change while they are judged. */
function keysOf(json: JsonObject): readonly string[] {
  const known = knownKeys.get(json);
  if (known !== undefined) return known;
  const keys = Object.keys(json);
  knownKeys.set(json, keys);
  return keys;
}

/** A JSON value as CEL sees it; with a schema, formats and numbers have the types it says. */
export function fromJson(json: JsonValue | undefined, schema?: Schema): Value {
  if (json === undefined) return null;
  if (typeof json === "number") return Number.isInteger(json) && schema?.type !== "number" ? BigInt(json) : json;
  if (typeof json === "string") return schema?.format === undefined ? json : formatted(json, schema);
  if (typeof json !== "object" || json === null) return json;
  return Array.isArray(json) ? new JsonList(json, schema) : new JsonMap(json, schema);
}

function formatted(text: string, schema: Schema): Value {
  switch (schema.format ?? "") {
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
