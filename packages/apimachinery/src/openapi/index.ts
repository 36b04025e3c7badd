export type { OpenApiOptions, OpenApiResource, OpenApiSubresource } from "./document.ts";
export { schemaName } from "./document.ts";
export { openApiV2 } from "./v2.ts";
export { openApiV2Protobuf } from "./v2-protobuf.ts";
export { openApiHash, openApiV3, openApiV3Index, openApiV3Path } from "./v3.ts";
