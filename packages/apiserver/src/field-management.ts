/** Who owns which field: `metadata.managedFields`. */
import type { JsonObject } from "@krate/apimachinery";
import { ApiError } from "@krate/kinds";
import type { RequestContext } from "./context.ts";

export function applyServerSide(_ctx: RequestContext, _applied: JsonObject, _now: Date): JsonObject {
  throw new ApiError("UnsupportedMediaType", "server-side apply is not served yet");
}
