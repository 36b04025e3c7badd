import type { StoredRow } from "../row.ts";
import type { Condition } from "../tags.ts";

/** The rows of a resource by tag, for selectors that choose few of many. */
export class TagIndex {
  readonly #rows = new Map<string, Set<StoredRow>>();

  constructor(rows: Iterable<StoredRow>) {
    for (const row of rows) this.add(row);
  }

  add(row: StoredRow): void {
    for (const tag of row.tags) {
      const rows = this.#rows.get(tag);
      if (rows) rows.add(row);
      else this.#rows.set(tag, new Set([row]));
    }
  }

  remove(row: StoredRow): void {
    for (const tag of row.tags) {
      const rows = this.#rows.get(tag);
      rows?.delete(row);
      if (rows?.size === 0) this.#rows.delete(tag);
    }
  }

  /** A superset of the rows for which all conditions hold, when one of them narrows it down to at most `most`. */
  candidates(conditions: readonly Condition[], most: number): Iterable<StoredRow> | undefined {
    let best: readonly string[] | undefined;
    let bestSize = most + 1;
    for (const condition of conditions) {
      if (condition.on !== "tags" || condition.negate) continue;
      const size = condition.any.reduce((sum, tag) => sum + (this.#rows.get(tag)?.size ?? 0), 0);
      if (size >= bestSize) continue;
      best = condition.any;
      bestSize = size;
    }
    if (!best) return undefined;
    // A row has one value per label or field, so no row stands under two of them.
    return best.flatMap((tag) => [...(this.#rows.get(tag) ?? [])]);
  }
}
