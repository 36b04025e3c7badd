import type { JsonObject, JsonValue } from "../json.ts";
import { CelError } from "./issues.ts";
import { JsonList, JsonMap } from "./json-values.ts";
import type { Value } from "./values.ts";
import { ListValue, MapValue, typeNameOf, Uint } from "./values.ts";

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
