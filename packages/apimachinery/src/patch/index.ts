export { applyJsonPatch, maxJsonPatchOperations } from "./json-patch.ts";
export { applyMergePatch } from "./merge-patch.ts";
export { applyStrategicMergePatch } from "./strategic.ts";
