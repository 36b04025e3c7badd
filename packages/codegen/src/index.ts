/** @krate/codegen: start reading at `output-file.ts`, then `generators.ts`. */
export * from "./console-descriptors.ts";
export * from "./crd.ts";
export type { Samples } from "./docs/reference.ts";
export * from "./fields.ts";
export * from "./file-name.ts";
export * from "./generators.ts";
export * from "./object-schema.ts";
export * from "./output-file.ts";
export { programObjects } from "./rbac/generate-programs.ts";
export { type ProgramAccess, programNamespace, programs } from "./rbac/programs.ts";
export { rulesOfRole } from "./rbac/roles.ts";
export * from "./structural-schema.ts";
