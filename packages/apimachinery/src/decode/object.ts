import { ApiError, badRequest } from "@krate/kinds";
import type { JsonObject } from "../json.ts";
import { isObject } from "../json.ts";
import type { DecodeLimits } from "./json.ts";
import { decodeJson } from "./json.ts";
import { decodeYaml } from "./yaml.ts";

export interface DecodedObject {
  object: JsonObject;
  duplicateFields: string[];
}

/** Media types that a body may come in; parameters such as charset are ignored. */
export const jsonMediaTypes = [
  "application/json",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];
export const yamlMediaTypes = ["application/yaml", "application/apply-patch+yaml", "application/vnd.yaml", "text/yaml"];

/**
 * Decodes a body that must hold one JSON object, by its content type (JSON when there is none).
 *
 * @throws badRequest for a malformed body, unsupportedMediaType for another content type
 */
export function decodeObject(
  input: Uint8Array | string,
  contentType: string | undefined,
  limits: DecodeLimits = {},
): DecodedObject {
  const mediaType = (contentType ?? "application/json").split(";")[0]?.trim().toLowerCase() ?? "";
  const decode = yamlMediaTypes.includes(mediaType) ? decodeYaml : decodeJson;
  if (decode === decodeJson && mediaType !== "" && !jsonMediaTypes.includes(mediaType)) {
    throw new ApiError(
      "UnsupportedMediaType",
      `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml`,
    );
  }
  const { value, duplicateFields } = decode(input, limits);
  if (!isObject(value)) throw badRequest("the request body must hold one object");
  return { object: value, duplicateFields };
}
