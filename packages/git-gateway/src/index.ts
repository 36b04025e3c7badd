export * from "./access/authorize.ts";
export * from "./access/gateway-error.ts";
export { createGatewayServer, type GatewayServer, type GatewayServerOptions } from "./http/server.ts";
export * from "./ports.ts";
export { replayJournal } from "./receive-pack/land.ts";
