/**
 * Bodies in Kubernetes' protobuf form, which kubectl and client-go send for core kinds. Reading only: answers are JSON, which all of
 * them take.
 *
 *   <body>    ::= "k8s" 0x00 <runtime.Unknown>     Unknown: 1 typeMeta {1 apiVersion, 2 kind}, 2 raw, 3 contentEncoding, 4 contentType
 *   <message> ::= (<tag> <value>)*                 tag: varint of number << 3 | wire type (0 varint, 1 fixed64, 2 bytes, 5 fixed32)
 *
 * Source: k8s.io/apimachinery/pkg/runtime/serializer/protobuf, https://protobuf.dev/programming-guides/encoding/.
 */
import type { JsonObject, JsonValue } from "@krate/apimachinery";
import { badRequest } from "@krate/kinds";
import generated from "./messages.generated.json" with { type: "json" };
import { durationText, timeText } from "./times.ts";

interface Field {
  n: string;
  t: string;
  r?: 1;
  m?: 1;
  p?: 1;
  i?: 1;
}

const messages = generated as unknown as Record<string, Record<string, Field>>;
const magic = Buffer.from("k8s\0");
const maxDepth = 100;

export const protobufMediaType = "application/vnd.kubernetes.protobuf";

/**
 * The object in a protobuf body, as its JSON would be. Zeros that Go sends for fields that are no pointers are left out.
 * @throws BadRequest for a broken body or a kind that has no protobuf form here
 */
export function decodeProtobuf(body: Uint8Array): JsonObject {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!bytes.subarray(0, magic.length).equals(magic))
    throw badRequest("the protobuf body does not start with the Kubernetes prefix");
  const { apiVersion, kind, raw } = readUnknown(bytes.subarray(magic.length));
  const message = rootOf(apiVersion, kind);
  if (message === undefined)
    throw badRequest(`${kind || "the kind"} in ${apiVersion || "the body"} cannot be read as protobuf: send JSON`);
  return { apiVersion, kind, ...readMessage(raw, message, 0) };
}

function rootOf(apiVersion: string, kind: string): string | undefined {
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  const name = `k8s.io.api.${group?.split(".")[0]}.${version}.${kind}`;
  if (Object.hasOwn(messages, name)) return name;
  const meta = `k8s.io.apimachinery.pkg.apis.meta.v1.${kind}`;
  return kind === "DeleteOptions" && Object.hasOwn(messages, meta) ? meta : undefined;
}

interface Entry {
  number: number;
  /** A number for varints and fixed values, bytes for all else. */
  value: bigint | Buffer;
}

function readUnknown(bytes: Buffer): { apiVersion: string; kind: string; raw: Buffer } {
  let raw: Buffer = Buffer.alloc(0);
  let apiVersion = "";
  let kind = "";
  for (const { number, value } of entries(bytes)) {
    if (!Buffer.isBuffer(value)) continue;
    if (number === 2) raw = value;
    if (number !== 1) continue;
    for (const member of entries(value)) {
      if (!Buffer.isBuffer(member.value)) continue;
      if (member.number === 1) apiVersion = member.value.toString("utf8");
      if (member.number === 2) kind = member.value.toString("utf8");
    }
  }
  return { apiVersion, kind, raw };
}

function* entries(bytes: Buffer): Generator<Entry> {
  let at = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw badRequest("the protobuf body ends early");
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw badRequest("the protobuf body holds a number that is too long");
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw badRequest("the protobuf body ends early");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8).readBigUInt64LE() };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: BigInt(take(4).readUInt32LE()) };
        break;
      default:
        throw badRequest("the protobuf body holds an unknown wire type");
    }
  }
}

const meta = "k8s.io.apimachinery.pkg.apis.meta.v1.";

/** Messages whose JSON is no object. */
const special: Record<string, (bytes: Buffer) => JsonValue | undefined> = {
  [`${meta}Time`]: (bytes) => timeText(numbersOf(bytes), "seconds"),
  [`${meta}MicroTime`]: (bytes) => timeText(numbersOf(bytes), "microseconds"),
  [`${meta}Duration`]: (bytes) => durationText(numbersOf(bytes)[1] ?? 0n),
  [`${meta}FieldsV1`]: (bytes) => jsonIn(bytes),
  "k8s.io.apimachinery.pkg.runtime.RawExtension": (bytes) => jsonIn(bytes),
  "k8s.io.apimachinery.pkg.api.resource.Quantity": (bytes) => textIn(bytes, 1),
  "k8s.io.apimachinery.pkg.util.intstr.IntOrString": (bytes) => {
    const numbers = numbersOf(bytes);
    return (numbers[1] ?? 0n) === 0n ? Number(BigInt.asIntN(32, numbers[2] ?? 0n)) : textIn(bytes, 3);
  },
};

function numbersOf(bytes: Buffer): Record<number, bigint> {
  const numbers: Record<number, bigint> = {};
  for (const { number, value } of entries(bytes))
    if (!Buffer.isBuffer(value)) numbers[number] = BigInt.asIntN(64, value);
  return numbers;
}

function textIn(bytes: Buffer, number: number): string {
  for (const entry of entries(bytes))
    if (entry.number === number && Buffer.isBuffer(entry.value)) return entry.value.toString("utf8");
  return "";
}

function jsonIn(bytes: Buffer): JsonValue | undefined {
  const text = textIn(bytes, 1);
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw badRequest("the protobuf body holds a raw part that is not JSON", cause);
  }
}

function readMessage(bytes: Buffer, name: string, depth: number): JsonObject {
  if (depth > maxDepth) throw badRequest(`the protobuf body nests deeper than ${maxDepth} levels`);
  const fields = messages[name] ?? {};
  const result: JsonObject = {};
  for (const { number, value } of entries(bytes)) {
    const field = fields[number];
    if (field !== undefined) readField(result, field, value, depth);
  }
  return result;
}

function readField(result: JsonObject, field: Field, value: Entry["value"], depth: number): void {
  if (field.m === 1) {
    const [key, member] = readMapEntry(field, value, depth);
    result[field.n] ??= {};
    const map = result[field.n] as JsonObject;
    if (key !== "__proto__") map[key] = member;
    return;
  }
  const read = readValue(field.t, value, depth);
  if (field.r === 1) {
    result[field.n] ??= [];
    (result[field.n] as JsonValue[]).push(read ?? null);
  } else if (field.i === 1) Object.assign(result, read);
  else if (read !== undefined && (field.p === 1 || !isZero(read))) result[field.n] = read;
}

function readMapEntry(field: Field, value: Entry["value"], depth: number): [string, JsonValue] {
  let key = "";
  let member: JsonValue | undefined;
  for (const entry of entries(value as Buffer)) {
    if (entry.number === 1) key = (entry.value as Buffer).toString("utf8");
    if (entry.number === 2) member = readValue(field.t, entry.value, depth);
  }
  return [key, member ?? (field.t === "string" || field.t === "bytes" ? "" : {})];
}

function readValue(type: string, value: Entry["value"], depth: number): JsonValue | undefined {
  if (!Buffer.isBuffer(value)) {
    if (type === "bool") return value !== 0n;
    if (type !== "double") return Number(BigInt.asIntN(64, value));
    const view = Buffer.alloc(8);
    view.writeBigUInt64LE(value);
    return view.readDoubleLE();
  }
  if (type === "string") return value.toString("utf8");
  if (type === "bytes") return value.toString("base64");
  const own = special[type];
  if (own !== undefined) return own(value);
  // `type ExtraValue []string` is a message of its own in protobuf and a list in JSON.
  const read = readMessage(value, type, depth + 1);
  const only = messages[type]?.[1];
  return only?.n === "items" && only.r === 1 && Object.keys(messages[type] ?? {}).length === 1 && isListAlias(type)
    ? (read["items"] ?? [])
    : read;
}

function isListAlias(type: string): boolean {
  return type.endsWith(".ExtraValue") || type.endsWith(".Verbs");
}

/** What Go writes for a field that was never set: "", 0, false, and messages of nothing but those. */
function isZero(value: JsonValue): boolean {
  if (value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
