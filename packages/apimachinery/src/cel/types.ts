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
    | "param"
    | "error";
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
  /** Stands for what was reported already: it fits everywhere, so that one mistake is told once. */
  error: simple("error", "!error!"),
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

/** A type parameter of a signature. */
export function parameter(name: string): CelType {
  return simple("param", name);
}

export function opaque(name: string): CelType {
  return { kind: "opaque", name, of: [] };
}

/** An object with known members; selecting another is an error before the expression runs. */
export function objectOf(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return { kind: "object", name, of: [], field: (key) => (Object.hasOwn(fields, key) ? fields[key] : undefined) };
}

/** The type of a type as a value: `type(int)`. */
export function typeOf(type: CelType): CelType {
  return { kind: "type", name: "type", of: [type] };
}

const shortNames: Partial<Record<CelType["kind"], string>> = {
  null: "null",
  timestamp: "timestamp",
  duration: "duration",
};

/** `list(string)`, as cel-go's checker prints types in errors. */
export function formatType(type: CelType): string {
  const name = shortNames[type.kind] ?? type.name;
  return type.of.length === 0 ? name : `${name}(${type.of.map(formatType).join(", ")})`;
}

/** The type with the names under which it is declared: `google.protobuf.Timestamp` where the checker prints `timestamp`. */
export function declaredType(type: CelType): string {
  if (type.kind === "param") return `<${type.name}>`;
  return type.of.length === 0 ? type.name : `${type.name}(${type.of.map(declaredType).join(", ")})`;
}

const byName: Record<string, CelType> = { ...types, google_timestamp: types.timestamp };
const parsed = new Map<string, CelType>();

/** Types in signatures: `list<T>`, `map<string, dyn>`, `optional<T>`, single capitals as parameters, anything unknown as an opaque type. */
export function parseType(text: string): CelType {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const generic = /^(list|map|optional|type)<(.*)>$/.exec(text);
  let type: CelType;
  if (generic !== null) {
    const inner = splitTopLevel(generic[2] ?? "").map(parseType);
    const [first = types.dyn, second = types.dyn] = inner;
    const make = { list: listOf, optional: optionalOf, type: typeOf };
    type = generic[1] === "map" ? mapOf(first, second) : make[generic[1] as keyof typeof make](first);
  } else if (/^[A-Z]$/.test(text)) type = simple("param", text);
  else type = byName[text] ?? (text.startsWith("kubernetes.") ? simple("object", text) : opaque(text));
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

const schemaTypes = new WeakMap<Schema, Map<string, CelType>>();

/**
 * The type of `self` in a rule of this schema; types of objects in it are named after the path to them.
 * Source: k8s.io/apiserver/pkg/cel/common/schemas.go and pkg/cel/types.go.
 */
export function schemaType(schema: Schema, name = "selfType"): CelType {
  const known = schemaTypes.get(schema) ?? new Map<string, CelType>();
  schemaTypes.set(schema, known);
  const type = known.get(name) ?? makeSchemaType(schema, name);
  known.set(name, type);
  return type;
}

function makeSchemaType(schema: Schema, name: string): CelType {
  if (schema["x-kubernetes-int-or-string"]) return types.dyn;
  switch (schema.type ?? "") {
    case "array":
      return listOf(schema.items === undefined ? types.dyn : schemaType(schema.items, `${name}.@idx`));
    case "object": {
      const values = valueSchema(schema);
      if (values !== undefined && schema.properties === undefined)
        return mapOf(types.string, schemaType(values, `${name}.@elem`));
      const described = schema["x-kubernetes-embedded-resource"] ? withMetadata(schema) : schema;
      return { kind: "object", name, of: [], field: (field) => memberType(described, name, field) };
    }
    case "string":
      return formatTypes[schema.format ?? ""] ?? types.string;
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

/** The schema of a resource: `kind`, `apiVersion`, `metadata.name` and `metadata.generateName` are known whatever it says. */
export function withMetadata(schema: Schema): Schema {
  const text: Schema = { type: "string" };
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  const isText = (each: Schema | undefined) => each?.type === "string";
  const isComplete =
    isText(kind) &&
    isText(apiVersion) &&
    metadata?.type === "object" &&
    isText(metadata.properties?.["name"]) &&
    isText(metadata.properties?.["generateName"]);
  if (isComplete) return schema;
  const named: Schema = { type: "object", properties: { name: text, generateName: text } };
  return { ...schema, properties: { ...schema.properties, kind: text, apiVersion: text, metadata: named } };
}

const formatTypes: Readonly<Record<string, CelType>> = {
  "date-time": types.timestamp,
  date: types.timestamp,
  duration: types.duration,
  byte: types.bytes,
};

function memberType(schema: Schema, name: string, field: string): CelType | undefined {
  const key = unescapeField(field);
  const property =
    schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
  if (property !== undefined) return schemaType(property, `${name}.${field}`);
  return valueSchema(schema) === undefined ? undefined : types.dyn;
}

const reservedWord =
  /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/;
const escapes: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/** The name of a field in rules; undefined when no escape makes it a CEL identifier. */
export function escapeField(name: string): string | undefined {
  if (!/^[a-zA-Z_./-][a-zA-Z0-9_./-]*$/.test(name)) return undefined;
  if (reservedWord.test(name)) return `__${name}__`;
  return name.replace(/__|[./-]/g, (found) => escapes[found] ?? found);
}

/** Field names that are no CEL identifiers are written with escapes in rules: `a-b` is `a__dash__b`. */
export function unescapeField(name: string): string {
  if (!name.includes("__")) return name;
  const word = /^__(.+)__$/.exec(name)?.[1];
  if (word !== undefined && reservedWord.test(word)) return word;
  return name.replace(
    /__(underscores|dot|dash|slash)__/g,
    (_all, kind: string) => ({ underscores: "__", dot: ".", dash: "-", slash: "/" })[kind] ?? "",
  );
}
