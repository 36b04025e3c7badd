export * from "./commits.ts";
export * from "./diff.ts";
export * from "./merge.ts";
export * from "./object-reader.ts";
export * from "./refs.ts";
export * from "./revision.ts";
export * from "./tree.ts";
export * from "./tree-object.ts";
