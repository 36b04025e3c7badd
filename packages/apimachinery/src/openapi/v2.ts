/**
 * OpenAPI v2 (`/openapi/v2`), for clients of before Kubernetes 1.27 and for the aggregator. It says less than v3: what v2 cannot express is left
 * out, as kube-apiserver does (k8s.io/apiextensions-apiserver/pkg/controller/openapi/v2/conversion.go).
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";
import type { OpenApiOptions, OpenApiResource } from "./document.ts";
import { openApiV3 } from "./v3.ts";

/** One document for all resources. */
export function openApiV2(resources: readonly OpenApiResource[], options: OpenApiOptions): JsonObject {
  const v3 = openApiV3(resources, options);
  const schemas = (v3.components as JsonObject).schemas as JsonObject;
  return {
    swagger: "2.0",
    info: v3.info,
    paths: mapValues(v3.paths as JsonObject, (item) => mapValues(item as JsonObject, convertPathMember)),
    definitions: mapValues(schemas, convertSchema),
    securityDefinitions: {
      BearerToken: { type: "apiKey", name: "authorization", in: "header", description: "Bearer Token authentication" },
    },
    security: [{ BearerToken: [] }],
  };
}

function mapValues(object: JsonObject, convert: (value: JsonValue) => JsonValue): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, value === undefined ? value : convert(value)]),
  );
}

function convertPathMember(member: JsonValue): JsonValue {
  if (Array.isArray(member)) return member.map(convertParameter);
  if (!isObject(member)) return member;
  const { requestBody, parameters, responses, ...rest } = member;
  const query = Array.isArray(parameters) ? parameters.map(convertParameter) : [];
  const contents = isObject(requestBody) ? (requestBody.content as JsonObject) : undefined;
  const schema = schemaOf(contents);
  const body =
    schema === undefined
      ? []
      : [
          {
            name: "body",
            in: "body",
            ...(isObject(requestBody) && requestBody.required ? { required: true } : {}),
            schema,
          },
        ];
  return {
    ...rest,
    ...(contents !== undefined && { consumes: Object.keys(contents) }),
    produces: ["application/json", "application/yaml"],
    ...(query.length + body.length > 0 && { parameters: [...body, ...query] }),
    responses: mapValues(responses as JsonObject, (response) => {
      const { content, ...plain } = response as JsonObject;
      const answered = schemaOf(content as JsonObject | undefined);
      return { ...plain, ...(answered !== undefined && { schema: answered }) };
    }),
  };
}

function schemaOf(content: JsonObject | undefined): JsonValue | undefined {
  const [first] = Object.values(content ?? {});
  return isObject(first) && first.schema !== undefined ? convertSchema(first.schema) : undefined;
}

function convertParameter(parameter: JsonValue): JsonValue {
  if (!isObject(parameter)) return parameter;
  const { schema, ...rest } = parameter;
  return { ...rest, ...(isObject(schema) ? schema : {}) };
}

const unknownInV2 = new Set(["oneOf", "anyOf", "allOf", "not", "nullable"]);

function convertSchema(schema: JsonValue): JsonValue {
  if (!isObject(schema)) return schema;
  const only = Array.isArray(schema.allOf) && schema.allOf.length === 1 ? schema.allOf[0] : undefined;
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (value === undefined || unknownInV2.has(key)) continue;
    if (key === "$ref") result.$ref = String(value).replace("#/components/schemas/", "#/definitions/");
    else if (key === "properties") result.properties = mapValues(value as JsonObject, convertSchema);
    else if (key === "items" || key === "additionalProperties") result[key] = convertSchema(value);
    else result[key] = value;
  }
  if (isObject(only) && typeof only.$ref === "string") Object.assign(result, convertSchema(only));
  if (schema.nullable || schema["x-kubernetes-int-or-string"]) delete result.type;
  if (schema["x-kubernetes-preserve-unknown-fields"] && schema.properties === undefined && schema.items === undefined)
    delete result.type;
  return result;
}
