import type { PoolClient } from "@krate/postgres";
import type { ChangeType } from "../../log-event.ts";
import type { Write } from "../../object-writes.ts";
import { tagSeparator } from "../../tags.ts";
import { textArray } from "../array-parameter.ts";

const text = "select o_ordinal, o_revision, o_current from krate_commit($1, $2, $3, $4, $5, $6, $7, $8)";

const changeCode: Readonly<Record<ChangeType, number>> = { created: 1, updated: 2, deleted: 3 };

export interface CommitRow {
  /** The new revision; null when the write was refused. */
  revision: bigint | null;
  /** The object's revision before; 0 when it did not exist. */
  current: bigint;
}

/** Writes what can be written, in the order given, as one transaction. One answer per write, in the same order. */
export async function commitBatch(
  client: PoolClient,
  writes: readonly { resourceId: number; write: Write }[],
): Promise<CommitRow[]> {
  const values = [
    writes.map(({ resourceId }) => resourceId),
    textArray(writes.map(({ write }) => write.key.namespace)),
    textArray(writes.map(({ write }) => write.key.name)),
    writes.map(({ write }) => changeCode[write.change]),
    writes.map(({ write }) => (write.previous?.revision ?? 0n).toString()),
    textArray(writes.map(({ write }) => write.bytes.head)),
    textArray(writes.map(({ write }) => write.bytes.tail)),
    textArray(writes.map(({ write }) => write.tags.join(tagSeparator))),
  ];
  const { rows } = await client.query<{ o_ordinal: number; o_revision: bigint | null; o_current: bigint }>({
    name: "storage-commit-batch",
    text,
    values,
  });
  const answers: CommitRow[] = new Array(writes.length);
  for (const row of rows) answers[row.o_ordinal - 1] = { revision: row.o_revision, current: row.o_current };
  return answers;
}
