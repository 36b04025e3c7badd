/**
 * OpenAPI v2 in the protobuf form that client-go's discovery asks for (`OpenAPISchema()`: older kubectl, `kubectl explain` of v2, GitOps tools).
 *
 *   <message> ::= (<tag> <value>)*      tag: varint of number << 3 | wire type (0 varint, 1 fixed64, 2 bytes)
 *
 * Numbers are those of openapi.v2 in https://github.com/google/gnostic-models/blob/v0.7.1/openapiv2/OpenAPIv2.proto. A map is a list of
 * `{1 name, 2 value}`; a value of any type is `{2 yaml}`; `x-` members are a list of those under one number.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";

type Encode = (value: JsonValue) => Buffer;

/** How one member is written; lists repeat it. */
interface Field {
  number: number;
  wire: "text" | "bool" | "int" | "double" | Encode;
  isList?: true;
}

interface Message {
  fields: Readonly<Record<string, Field>>;
  /** Number of the list of `x-` members. */
  extensions?: number;
}

const text = (number: number): Field => ({ number, wire: "text" });
const bool = (number: number): Field => ({ number, wire: "bool" });
const int = (number: number): Field => ({ number, wire: "int" });
const double = (number: number): Field => ({ number, wire: "double" });
const message = (number: number, wire: Encode): Field => ({ number, wire });
const list = (field: Field): Field => ({ ...field, isList: true });

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function fieldOf({ number, wire }: Field, value: JsonValue): Buffer {
  switch (wire) {
    case "text":
      return bytesField(number, Buffer.from(String(value)));
    case "bool":
      return Buffer.concat([varint(number << 3), varint(value === true ? 1 : 0)]);
    case "int":
      return Buffer.concat([varint(number << 3), varint(Math.trunc(Number(value)))]);
    case "double": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(Number(value));
      return Buffer.concat([varint((number << 3) | 1), bytes]);
    }
    default:
      return bytesField(number, wire(value));
  }
}

function encodeMessage(value: JsonValue, { fields, extensions }: Message): Buffer {
  if (!isObject(value)) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined || member === null) continue;
    const field = fields[key];
    if (field !== undefined) {
      for (const each of field.isList && Array.isArray(member) ? member : [member]) parts.push(fieldOf(field, each));
    } else if (extensions !== undefined && key.startsWith("x-")) {
      parts.push(bytesField(extensions, named(key, any(member))));
    }
  }
  return Buffer.concat(parts);
}

function named(name: string, value: Buffer): Buffer {
  return Buffer.concat([bytesField(1, Buffer.from(name)), bytesField(2, value)]);
}

/** A map, as a list of named values under `number`. */
function map(number: number, encode: Encode): Encode {
  return (value) =>
    Buffer.concat(
      Object.entries(isObject(value) ? value : {}).map(([name, member]) =>
        bytesField(number, named(name, encode(member ?? null))),
      ),
    );
}

const any: Encode = (value) => bytesField(2, Buffer.from(`${JSON.stringify(value)}\n`));
const wrapped =
  (number: number, encode: Encode): Encode =>
  (value) =>
    bytesField(number, encode(value));
const texts: Encode = (value) =>
  Buffer.concat((Array.isArray(value) ? value : [value]).map((each) => bytesField(1, Buffer.from(String(each)))));

const schema: Encode = (value) => encodeMessage(value, schemaMessage);
const additionalProperties: Encode = (value) =>
  typeof value === "boolean" ? fieldOf(bool(2), value) : bytesField(1, schema(value));

const schemaMessage: Message = {
  fields: {
    $ref: text(1),
    format: text(2),
    title: text(3),
    description: text(4),
    default: message(5, any),
    multipleOf: double(6),
    maximum: double(7),
    exclusiveMaximum: bool(8),
    minimum: double(9),
    exclusiveMinimum: bool(10),
    maxLength: int(11),
    minLength: int(12),
    pattern: text(13),
    maxItems: int(14),
    minItems: int(15),
    uniqueItems: bool(16),
    maxProperties: int(17),
    minProperties: int(18),
    required: list(text(19)),
    enum: list(message(20, any)),
    additionalProperties: message(21, additionalProperties),
    type: message(22, texts),
    items: message(23, wrapped(1, schema)),
    allOf: list(message(24, schema)),
    properties: message(25, map(1, schema)),
  },
  extensions: 31,
};

const bodyParameter: Message = {
  fields: { description: text(1), name: text(2), in: text(3), required: bool(4), schema: message(5, schema) },
  extensions: 6,
};
const queryParameter: Message = {
  fields: {
    required: bool(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(6),
    format: text(7),
    uniqueItems: bool(20),
  },
  extensions: 23,
};
const pathParameter: Message = {
  fields: {
    required: bool(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(5),
    format: text(6),
    uniqueItems: bool(19),
  },
  extensions: 22,
};

/** ParametersItem{1 Parameter{1 body, 2 NonBodyParameter{3 query, 4 path}}} */
const parameter: Encode = (value) => {
  const place = isObject(value) ? value.in : undefined;
  if (place === "body") return bytesField(1, bytesField(1, encodeMessage(value, bodyParameter)));
  const inner =
    place === "path"
      ? bytesField(4, encodeMessage(value, pathParameter))
      : bytesField(3, encodeMessage(value, queryParameter));
  return bytesField(1, bytesField(2, inner));
};

/** ResponseValue{1 Response{1 description, 2 SchemaItem{1 schema}}} */
const response: Encode = (value) =>
  bytesField(
    1,
    encodeMessage(value, { fields: { description: text(1), schema: message(2, wrapped(1, schema)) }, extensions: 5 }),
  );

const operation: Encode = (value) =>
  encodeMessage(value, {
    fields: {
      tags: list(text(1)),
      summary: text(2),
      description: text(3),
      operationId: text(5),
      produces: list(text(6)),
      consumes: list(text(7)),
      parameters: list(message(8, parameter)),
      responses: message(9, map(1, response)),
      deprecated: bool(11),
    },
    extensions: 13,
  });

const pathItem: Encode = (value) =>
  encodeMessage(value, {
    fields: {
      get: message(2, operation),
      put: message(3, operation),
      post: message(4, operation),
      delete: message(5, operation),
      options: message(6, operation),
      head: message(7, operation),
      patch: message(8, operation),
      parameters: list(message(9, parameter)),
    },
    extensions: 10,
  });

const info: Encode = (value) =>
  encodeMessage(value, { fields: { title: text(1), version: text(2), description: text(3) } });
const apiKey: Encode = (value) =>
  bytesField(2, encodeMessage(value, { fields: { type: text(1), name: text(2), in: text(3), description: text(4) } }));

const document: Message = {
  fields: {
    swagger: text(1),
    info: message(2, info),
    paths: message(8, map(2, pathItem)),
    definitions: message(9, map(1, schema)),
    security: list(message(12, map(1, texts))),
    securityDefinitions: message(13, map(1, apiKey)),
  },
  extensions: 16,
};

/** Encodes what {@link openApiV2} made. */
export function openApiV2Protobuf(value: JsonObject): Buffer {
  return encodeMessage(value, document);
}
