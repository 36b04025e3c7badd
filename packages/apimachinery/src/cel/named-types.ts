/** Types by name: the standard ones, those of Kubernetes' libraries, and those of mutations. */
import { functions } from "./functions/index.ts";
import type { CelType } from "./types.ts";
import { listOf, mapOf, parameter, types } from "./types.ts";
import type { Value } from "./values.ts";

/** Names of types, as values. */
const typeNames: Readonly<Record<string, CelType>> = {
  bool: types.bool,
  bytes: types.bytes,
  double: types.double,
  int: types.int,
  list: listOf(parameter("A")),
  map: mapOf(parameter("A"), parameter("B")),
  null_type: types.null,
  string: types.string,
  type: types.type,
  uint: types.uint,
  optional_type: { kind: "optional", name: "optional_type", of: [] },
  "google.protobuf.Timestamp": types.timestamp,
  "google.protobuf.Duration": types.duration,
};

/** What cel-go says about a field that JSONPatch has not is that its type has no name. */
export const unknownField: CelType = { kind: "object", name: "", of: [] };
const patchFields: Readonly<Record<string, CelType>> = {
  op: types.string,
  path: types.string,
  from: types.string,
  value: types.dyn,
};

/** Types of Kubernetes' libraries, which have names too. */
const libraryTypes = new Map<string, CelType>();
for (const overloads of functions.values()) {
  for (const { result } of overloads)
    if (result.kind === "opaque" || result.kind === "object") libraryTypes.set(result.name, result);
}

/** Types of mutations: every path of an object has one. */
function patchType(name: string): CelType | undefined {
  if (name === "JSONPatch")
    return {
      kind: "object",
      name,
      of: [],
      field: (field) => (Object.hasOwn(patchFields, field) ? patchFields[field] : undefined),
    };
  if (name === "Object" || name.startsWith("Object.")) return { kind: "object", name, of: [], field: () => types.dyn };
  return undefined;
}

/** The type of a name, with those of mutations where they are known; undefined when there is none. */
export function namedType(name: string, { mutating }: { mutating: boolean }): CelType | undefined {
  if (Object.hasOwn(typeNames, name)) return typeNames[name];
  return libraryTypes.get(name) ?? (mutating ? patchType(name) : undefined);
}

/** The type of a value that is written out. */
export function literalType(value: Value): CelType {
  if (value === null) return types.null;
  switch (typeof value) {
    case "bigint":
      return types.int;
    case "number":
      return types.double;
    case "string":
      return types.string;
    case "boolean":
      return types.bool;
    default:
      return value instanceof Uint8Array ? types.bytes : types.uint;
  }
}
