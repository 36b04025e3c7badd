export { embeddedBinaries, type PostgresBinaries } from "./binaries.ts";
export { type Identity, type Invocation, invocation, unprivilegedIdentity } from "./identity.ts";
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./server.ts";
