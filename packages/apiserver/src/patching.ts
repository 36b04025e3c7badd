/** The four patch types of the API, chosen by Content-Type. */
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  cloneJson,
  decodeJson,
  decodeYaml,
  describeSuspectFields,
  isObject,
  type JsonObject,
  strictDecodingError,
} from "@krate/apimachinery";
import { ApiError, badRequest } from "@krate/kinds";
import type { RequestContext } from "./context.ts";
import { applyServerSide } from "./field-management.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";

const patchTypes: Record<string, PatchType> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** @throws UnsupportedMediaType naming the four */
export function patchTypeOf(contentType: string | undefined): PatchType {
  const type = patchTypes[(contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? ""];
  if (type !== undefined) return type;
  throw new ApiError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${Object.keys(patchTypes).join(", ")}`,
  );
}

/** The object after the patch in the body; `ctx.old` stays as it is. */
export function applyPatch(
  ctx: RequestContext,
  type: PatchType,
  now: Date,
): { object: JsonObject; duplicateFields: string[]; unknownFields?: string[] } {
  const body = ctx.body ?? Buffer.alloc(0);
  if (type === "apply") {
    const { value, duplicateFields } = decodeYaml(body);
    const applied = objectIn(value);
    if (duplicateFields.length > 0 && ctx.options?.fieldValidation === "Strict") {
      throw badRequest(strictDecodingError(describeSuspectFields({ duplicateFields })));
    }
    // What the schema does not know cannot be owned.
    const unknownFields = ctx.served.schema?.prune(applied, { keepNulls: true }) ?? [];
    if (unknownFields.length > 0 && ctx.options?.fieldValidation !== "Strict") throw undeclared(ctx, unknownFields);
    ctx.served.strategy.complete?.(applied);
    return { object: applyServerSide(ctx, applied, now), duplicateFields, unknownFields };
  }
  const { value, duplicateFields } = decodeJson(body);
  const old = ctx.old as JsonObject;
  if (type === "json") return { object: applyJsonPatch(old, value), duplicateFields };
  const patch = objectIn(value);
  if (type === "merge") return { object: applyMergePatch(cloneJson(old), patch), duplicateFields };
  if (ctx.served.schema === undefined || !ctx.served.allowsStrategicPatch) throw noStrategicPatch();
  return { object: applyStrategicMergePatch(old, patch, ctx.served.schema.schema), duplicateFields };
}

function objectIn(value: unknown): JsonObject {
  if (!isObject(value)) throw badRequest("the patch must be one object");
  return value;
}

/** As kube-apiserver answers for custom resources; kubectl then falls back to a merge patch. */
function noStrategicPatch(): ApiError {
  return new ApiError(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );
}

/** 400: kube-apiserver answers 500, although the mistake is the client's. */
function undeclared(ctx: RequestContext, fields: readonly string[]): ApiError {
  const { namespace, name } = ctx.target;
  const { group, version, kind } = ctx.served;
  const object = `${namespace === "" ? "" : `${namespace}/`}${name}; ${group}/${version}, Kind=${kind}`;
  const list = fields.map((field) => `.${field}: field not declared in schema`);
  const text = list.length === 1 ? list[0] : `errors:\n${list.map((each) => `  ${each}`).join("\n")}`;
  return badRequest(`failed to create typed patch object (${object}): ${text}`);
}
