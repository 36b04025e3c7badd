export type { ApplyOptions, FieldManagerOptions } from "./field-manager.ts";
export { applyConfiguration, trackUpdate } from "./field-manager.ts";
export type { FieldSet } from "./field-set.ts";
export { decodeFieldSet, encodeFieldSet, fieldSetOf, formatPath } from "./field-set.ts";
export { validateManagedFields } from "./managed-fields.ts";
export { mergeConfiguration } from "./merge-configuration.ts";
