import { decodeObject, type JsonObject } from "@krate/apimachinery";
import type { RequestContext } from "./context.ts";
import { decodeProtobuf, protobufMediaType } from "./protobuf/decode.ts";

/** One object in JSON, YAML or Kubernetes' protobuf. @throws BadRequest, UnsupportedMediaType */
export function decodeBody(
  body: Buffer,
  contentType: string | undefined,
): { object: JsonObject; duplicateFields: string[] } {
  return contentType?.startsWith(protobufMediaType) === true
    ? { object: decodeProtobuf(body), duplicateFields: [] }
    : decodeObject(body, contentType);
}

/** The object in the body of a request that has not been decoded yet. */
export async function readObject(ctx: RequestContext): Promise<JsonObject> {
  const body = await ctx.readBody();
  return decodeBody(body, ctx.exchange.header("content-type")).object;
}
