export * from "./apply/index.ts";
export * from "./decode/index.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export { canonicalJson, cloneJson, dig, equalJson, isObject } from "./json.ts";
export * from "./openapi/index.ts";
export * from "./patch/index.ts";
export * from "./schema/index.ts";
export * from "./selectors/index.ts";
export * from "./table/index.ts";
