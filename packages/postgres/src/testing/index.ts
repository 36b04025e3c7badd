export { installedPostgres } from "./installed-postgres.ts";
export { startTestPostgres, type TestConnection, type TestDatabase, type TestPostgres } from "./test-postgres.ts";
