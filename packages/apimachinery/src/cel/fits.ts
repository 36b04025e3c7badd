import type { CelType } from "./types.ts";
import type { Value } from "./values.ts";
import { Duration, ListValue, MapValue, Opaque, OptionalValue, Timestamp, TypeValue, Uint } from "./values.ts";

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
