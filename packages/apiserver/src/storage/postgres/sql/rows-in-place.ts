/**
 * Of `krate_rows`, each row once: while a partition waits to be dropped, what is needed of it stands in `krate_kept` as well.
 * @param alias of krate_rows in the statement
 */
export function inPlace(alias: string): string {
  return `(${alias}.kept or ${alias}.revision > (select kept_revision from krate_compaction))`;
}
