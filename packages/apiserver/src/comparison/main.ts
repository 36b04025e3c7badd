/** Writes docs/reference/differences.md. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { differencesTable } from "./differences-table.ts";

writeFileSync(fileURLToPath(new URL("../../../../docs/reference/differences.md", import.meta.url)), differencesTable());
