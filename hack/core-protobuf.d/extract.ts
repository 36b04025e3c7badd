/** Reads Kubernetes' generated.proto and types.go: which number a field has, and how its JSON differs from its message. */

/** One field of a message, as the decoder needs it. */
export interface Field {
  /** JSON name. */
  n: string;
  /** `string`, `bytes`, `bool`, `int`, `double`, or the full name of a message. Of a map: the type of its values. */
  t: string;
  /** A list. */
  r?: 1;
  /** A map with string keys. */
  m?: 1;
  /** A pointer in Go, or never left out of JSON: a zero that was sent means zero, not absent. */
  p?: 1;
  /** Embedded in Go: its members stand in the parent's JSON. */
  i?: 1;
}

export type Messages = Record<string, Record<string, Field>>;

const scalars: Record<string, string> = {
  string: "string",
  bytes: "bytes",
  bool: "bool",
  int32: "int",
  int64: "int",
  uint32: "int",
  uint64: "int",
  double: "double",
};

/** Messages of one generated.proto by full name. */
export function parseProto(text: string): Messages {
  const packageName = /^package (\S+);/m.exec(text)?.[1];
  if (packageName === undefined) throw new Error("the file names no package");
  const messages: Messages = {};
  for (const [, name, body] of text.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const fields: Record<string, Field> = {};
    for (const line of (body as string).split("\n")) {
      const map = /^\s*map<string, ([\w.]+)> (\w+) = (\d+);/.exec(line);
      const plain = /^\s*(optional|repeated) ([\w.]+) (\w+) = (\d+);/.exec(line);
      if (map !== null)
        fields[map[3] as string] = { n: map[2] as string, t: typeOf(map[1] as string, packageName), m: 1 };
      else if (plain !== null) {
        const [, label, type, field, number] = plain as unknown as string[];
        fields[number as string] = {
          n: field as string,
          t: typeOf(type as string, packageName),
          ...(label === "repeated" && { r: 1 as const }),
        };
      }
    }
    messages[`${packageName}.${name}`] = fields;
  }
  return messages;
}

function typeOf(type: string, packageName: string): string {
  const scalar = scalars[type];
  if (scalar !== undefined) return scalar;
  return type.startsWith(".") ? type.slice(1) : `${packageName}.${type}`;
}

/** Adds what only the Go types know: pointers, embedding, JSON names. `packageName` is that of the proto file beside. */
export function addGoTypes(messages: Messages, packageName: string, source: string): void {
  for (const [, name, body] of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    const fields = messages[`${packageName}.${name}`];
    if (fields === undefined) continue;
    const tagged = /^\s*(?:\w+\s+)?(\*?)[\w.[\]*]+\s+`json:"([^"]*)"[^`]*protobuf:"\w+,(\d+),/gm;
    for (const [, pointer, json, number] of (body as string).matchAll(tagged)) {
      const field = fields[number as string];
      if (field === undefined) continue;
      const [jsonName = "", ...options] = (json as string).split(",");
      if (options.includes("inline")) field.i = 1;
      else if (jsonName !== "") field.n = jsonName;
      if (pointer === "*" || !options.some((option) => option.startsWith("omit") || option === "inline")) field.p = 1;
    }
  }
}

/** The messages that `roots` reach. */
export function reachable(messages: Messages, roots: readonly string[]): Messages {
  const result: Messages = {};
  const pending = [...roots];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const message = messages[name];
    if (message === undefined || result[name] !== undefined) continue;
    result[name] = message;
    pending.push(...Object.values(message).map((field) => field.t));
  }
  return Object.fromEntries(Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1)));
}
