export { applyJsonPatch, maxJsonPatchOperations, PatchTestFailed } from "./json-patch.ts";
export { applyMergePatch } from "./merge-patch.ts";
export { applyStrategicMergePatch } from "./strategic.ts";
