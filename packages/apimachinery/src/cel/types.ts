import type { Schema } from "../schema/types.ts";
import { valueSchema } from "../schema/types.ts";

/** A static type. `dyn` is what is known only when the expression runs. */
export interface CelType {
  readonly kind:
    | "dyn"
    | "null"
    | "bool"
    | "int"
    | "uint"
    | "double"
    | "string"
    | "bytes"
    | "timestamp"
    | "duration"
    | "type"
    | "list"
    | "map"
    | "optional"
    | "opaque"
    | "object"
    | "param";
  readonly name: string;
  readonly of: readonly CelType[];
  /** Objects: the type of a member, undefined when there is none. */
  field?(name: string): CelType | undefined;
}

function simple(kind: CelType["kind"], name: string = kind): CelType {
  return { kind, name, of: [] };
}

export const types = {
  dyn: simple("dyn"),
  null: simple("null", "null_type"),
  bool: simple("bool"),
  int: simple("int"),
  uint: simple("uint"),
  double: simple("double"),
  string: simple("string"),
  bytes: simple("bytes"),
  timestamp: simple("timestamp", "google.protobuf.Timestamp"),
  duration: simple("duration", "google.protobuf.Duration"),
  type: simple("type"),
} as const;

export function listOf(element: CelType): CelType {
  return { kind: "list", name: "list", of: [element] };
}

export function mapOf(key: CelType, value: CelType): CelType {
  return { kind: "map", name: "map", of: [key, value] };
}

export function optionalOf(value: CelType): CelType {
  return { kind: "optional", name: "optional_type", of: [value] };
}

export function opaque(name: string): CelType {
  return { kind: "opaque", name, of: [] };
}

/** An object with known members; selecting another is an error before the expression runs. */
export function objectOf(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return { kind: "object", name, of: [], field: (key) => (Object.hasOwn(fields, key) ? fields[key] : undefined) };
}

/** `list(string)`, as cel-go prints types in errors. */
export function formatType(type: CelType): string {
  return type.of.length === 0 ? type.name : `${type.name}(${type.of.map(formatType).join(", ")})`;
}

const byName: Record<string, CelType> = { ...types, google_timestamp: types.timestamp };
const parsed = new Map<string, CelType>();

/** Types in signatures: `list<T>`, `map<string, dyn>`, `optional<T>`, single capitals as parameters, anything unknown as an opaque type. */
export function parseType(text: string): CelType {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const generic = /^(list|map|optional)<(.*)>$/.exec(text);
  let type: CelType;
  if (generic !== null) {
    const inner = splitTopLevel(generic[2] ?? "").map(parseType);
    const [first = types.dyn, second = types.dyn] = inner;
    type = generic[1] === "list" ? listOf(first) : generic[1] === "map" ? mapOf(first, second) : optionalOf(first);
  } else if (/^[A-Z]$/.test(text)) type = simple("param", text);
  else type = byName[text] ?? opaque(text);
  parsed.set(text, type);
  return type;
}

function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "<") depth++;
    else if (text[at] === ">") depth--;
    else if (text[at] === "," && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}

export type Substitution = Map<string, CelType>;

/** True when a value of `given` may stand where `wanted` is asked for; binds type parameters on the way. */
export function isAssignable(wanted: CelType, given: CelType, bound: Substitution): boolean {
  if (wanted.kind === "param") {
    const before = bound.get(wanted.name);
    if (before === undefined || before.kind === "dyn") {
      bound.set(wanted.name, given);
      return true;
    }
    return isAssignable(before, given, bound);
  }
  if (wanted.kind === "dyn" || given.kind === "dyn" || given.kind === "param") return true;
  if (given.kind === "null")
    return (
      wanted.kind === "null" ||
      wanted.kind === "object" ||
      wanted.kind === "optional" ||
      wanted.kind === "timestamp" ||
      wanted.kind === "duration"
    );
  if (wanted.kind === "map" && given.kind === "object") return true; // objects of a schema are maps at run time
  if (wanted.kind !== given.kind) return false;
  if (wanted.kind === "opaque" || wanted.kind === "object") return wanted.name === given.name;
  return wanted.of.every((part, index) => isAssignable(part, given.of[index] ?? types.dyn, bound));
}

export function substitute(type: CelType, bound: Substitution): CelType {
  if (type.kind === "param") return bound.get(type.name) ?? types.dyn;
  return type.of.length === 0 ? type : { ...type, of: type.of.map((part) => substitute(part, bound)) };
}

/** One type for two branches or elements; undefined when there is none. */
export function join(a: CelType, b: CelType): CelType | undefined {
  if (a.kind === "dyn" || b.kind === "dyn") return types.dyn;
  if (isAssignable(a, b, new Map())) return a;
  return isAssignable(b, a, new Map()) ? b : undefined;
}

const schemaTypes = new WeakMap<Schema, CelType>();

/** The type of `self` in a rule of this schema. Source: k8s.io/apiserver/pkg/cel/common/schemas.go. */
export function schemaType(schema: Schema): CelType {
  const known = schemaTypes.get(schema);
  if (known !== undefined) return known;
  const type = makeSchemaType(schema);
  schemaTypes.set(schema, type);
  return type;
}

function makeSchemaType(schema: Schema): CelType {
  if (schema["x-kubernetes-int-or-string"]) return types.dyn;
  switch (schema.type ?? "") {
    case "array":
      return schema.items === undefined ? listOf(types.dyn) : listOf(schemaType(schema.items));
    case "object": {
      const values = valueSchema(schema);
      if (values !== undefined && schema.properties === undefined) return mapOf(types.string, schemaType(values));
      if (schema.properties === undefined) return types.dyn;
      return { kind: "object", name: "object", of: [], field: (name) => memberType(schema, name) };
    }
    case "string":
      return schema.format === "date-time" || schema.format === "date"
        ? types.timestamp
        : schema.format === "duration"
          ? types.duration
          : schema.format === "byte"
            ? types.bytes
            : types.string;
    case "integer":
      return types.int;
    case "number":
      return types.double;
    case "boolean":
      return types.bool;
    default:
      return types.dyn;
  }
}

function memberType(schema: Schema, name: string): CelType | undefined {
  const key = unescapeField(name);
  const property =
    schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
  if (property !== undefined) return schemaType(property);
  return valueSchema(schema) === undefined ? undefined : types.dyn;
}

/** Field names that are no CEL identifiers are written with escapes in rules: `a-b` is `a__dash__b`. */
export function unescapeField(name: string): string {
  if (!name.includes("__")) return name;
  const word = /^__(.+)__$/.exec(name)?.[1];
  if (
    word !== undefined &&
    /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/.test(
      word,
    )
  )
    return word;
  return name.replace(
    /__(underscores|dot|dash|slash)__/g,
    (_all, kind: string) => ({ underscores: "__", dot: ".", dash: "-", slash: "/" })[kind] ?? "",
  );
}
