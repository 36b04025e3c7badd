import type { BranchTip } from "../engine/code-search.ts";
import { openForSearching } from "./schema.ts";

/** What an index file makes searchable, the default branch first. @throws for a damaged one */
export function readBranches(file: string): BranchTip[] {
  const database = openForSearching(file);
  try {
    const rows = database.prepare('SELECT name, "commit" FROM branch ORDER BY position').all();
    return rows.map((row) => ({ name: String(row.name), commit: String(row.commit) }));
  } finally {
    database.close();
  }
}
