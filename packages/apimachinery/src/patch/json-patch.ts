import { ApiError, badRequest, tooLarge } from "@krate/kinds";
import type { Operation } from "fast-json-patch";
import jsonpatch from "fast-json-patch";
import type { JsonObject, JsonValue } from "../json.ts";
import { cloneJson, isObject } from "../json.ts";

/** As in kube-apiserver (maxJSONPatchOperations). */
export const maxJsonPatchOperations = 10_000;

/** Bytes that `copy` operations may add in all: without it a short patch doubles a document 10,000 times. */
const maxCopiedBytes = 3 * 1024 * 1024;

/** A `test` operation did not hold: the patch is well-formed and does not apply to this object. */
export class PatchTestFailed extends ApiError {}

const members: Record<string, readonly string[]> = {
  add: ["path", "value"],
  remove: ["path"],
  replace: ["path", "value"],
  move: ["path", "from"],
  copy: ["path", "from"],
  test: ["path", "value"],
};

/**
 * Applies a JSON Patch (RFC 6902) to a copy of the document: all operations or none.
 *
 * @throws badRequest for a malformed patch, RequestEntityTooLarge for too many operations, Invalid (422) when an operation does not fit the object
 */
export function applyJsonPatch(document: JsonObject, patch: unknown): JsonObject {
  const operations = checkOperations(patch);
  let result = cloneJson(document) as JsonValue;
  let copiedBytes = 0;
  for (const [index, operation] of operations.entries()) {
    if (operation.op === "copy") {
      copiedBytes += sizeAt(result, operation.from);
      if (copiedBytes > maxCopiedBytes) throw tooLarge(maxCopiedBytes);
    }
    result = applyOne(result, operation, index);
  }
  if (!isObject(result)) throw badRequest("the JSON patch must leave an object");
  return result;
}

function checkOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) throw badRequest("error decoding patch: a JSON patch must be a list of operations");
  if (patch.length > maxJsonPatchOperations) {
    throw new ApiError(
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`,
    );
  }
  return patch.map((operation: unknown, index) => {
    const op = isObject(operation) ? operation.op : undefined;
    const needed = typeof op === "string" && Object.hasOwn(members, op) ? members[op] : undefined;
    if (!isObject(operation) || needed === undefined) {
      throw new ApiError(
        "Invalid",
        `error decoding patch: operation ${index} must have an op of ${Object.keys(members).join(", ")}`,
      );
    }
    for (const name of needed) {
      if (!Object.hasOwn(operation, name) || (name !== "value" && !isPointer(operation[name]))) {
        throw badRequest(
          `error decoding patch: operation ${index} (${String(op)}) must have a ${name}${name === "value" ? "" : ", a JSON pointer"}`,
        );
      }
    }
    return cloneJson(operation) as unknown as Operation; // the library puts values into the document as they are
  });
}

function isPointer(value: unknown): boolean {
  return typeof value === "string" && (value === "" || value.startsWith("/"));
}

function applyOne(document: JsonValue, operation: Operation, index: number): JsonValue {
  try {
    return jsonpatch.applyOperation(document, operation, true, true, true, index).newDocument;
  } catch (cause) {
    const text = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    const from = "from" in operation ? ` from ${JSON.stringify(operation.from)}` : "";
    throw new (operation.op === "test" ? PatchTestFailed : ApiError)(
      "Invalid",
      `the JSON patch cannot be applied: operation ${index} (${operation.op} ${JSON.stringify(operation.path)}${from}): ${text}`,
      { cause },
    );
  }
}

function sizeAt(document: JsonValue, pointer: string): number {
  try {
    const value: unknown = jsonpatch.getValueByPointer(document, pointer);
    return JSON.stringify(value)?.length ?? 0;
  } catch {
    return 0; // the operation itself will say that there is nothing
  }
}
