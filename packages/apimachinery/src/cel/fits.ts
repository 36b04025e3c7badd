import type { CelType } from "./types.ts";
import type { Value } from "./values.ts";
import { ListValue, MapValue, Opaque, typeNameOf } from "./values.ts";

/** True when a parameter of this type takes the value. Of lists and maps only the first element is looked at, as cel-go does. */
export function fits(type: CelType, value: Value): boolean {
  switch (type.kind) {
    case "dyn":
    case "param":
      return true;
    case "list":
      return value instanceof ListValue && (value.size === 0 || fits(type.of[0] as CelType, value.at(0)));
    case "map":
      return value instanceof MapValue && typeNameOf(value) === "map" && fitsEntry(type, value);
    case "object":
      return (value instanceof Opaque || value instanceof MapValue) && typeNameOf(value) === type.name;
    default:
      return typeNameOf(value) === type.name;
  }
}

function fitsEntry(type: CelType, map: MapValue): boolean {
  for (const key of map.keys())
    return fits(type.of[0] as CelType, key) && fits(type.of[1] as CelType, map.get(key) ?? null);
  return true;
}
