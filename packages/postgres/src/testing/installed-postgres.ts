import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PostgresBinaries } from "../embedded/index.ts";

/** A Postgres of the operating system, where Debian's packages put it (`apt-get install postgresql-15`). */
export function installedPostgres(major: number): PostgresBinaries | undefined {
  const folder = `/usr/lib/postgresql/${major}/bin`;
  const binaries = { initdb: join(folder, "initdb"), postgres: join(folder, "postgres") };
  return existsSync(binaries.initdb) && existsSync(binaries.postgres) ? binaries : undefined;
}
