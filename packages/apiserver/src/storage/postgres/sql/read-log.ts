import { type ChangeType, LogEvent } from "../../log-event.ts";
import { withRevision } from "../../row.ts";
import type { ObjectKey } from "../../store.ts";
import type { Queryable } from "../connection.ts";
import { getVersion } from "./get-version.ts";
import { type ObjectRow, rowOf } from "./object-row.ts";
import { bytesBefore, maxReadBytes } from "./read-bytes.ts";
import { inPlace } from "./rows-in-place.ts";

/** The chosen rows of the log up to the one that brings them to `maxReadBytes`, each with the tags of what it replaced. */
function bounded(chosen: string): string {
  return `select l.revision, l.resource_id, l.change, l.namespace, l.name, l.previous_revision, l.tags,
  l.revision_offset, l.bytes, p.tags as previous_tags
from (select c.*, ${bytesBefore("c.bytes", "c.revision")} from (${chosen}) c) l
  left join krate_rows p on p.revision = l.previous_revision and ${inPlace("p")}
where l.bytes_before < ${maxReadBytes}
order by l.revision`;
}

/** Every event after a revision, in order. */
const everything = bounded(`select * from krate_log where revision > $1 order by revision limit $2`);

/** Those of one resource, and one namespace unless null, in ($1, $2]. */
const ofResource = bounded(`select * from krate_log
where revision > $1 and revision <= $2 and resource_id = $3 and ($4::text is null or namespace = $4)
order by revision limit $5`);

interface LogRow extends ObjectRow {
  resource_id: number;
  change: number;
  namespace: string;
  name: string;
  previous_revision: bigint;
  previous_tags: string[] | null;
}

const changes: Readonly<Record<number, ChangeType>> = { 1: "created", 2: "updated", 3: "deleted" };

/** Tells which resource an id means. */
export type ResourceNames = (id: number) => Promise<{ group: string; resource: string }>;

export async function readLog(
  client: Queryable,
  names: ResourceNames,
  { after, limit }: { after: bigint; limit: number },
): Promise<LogEvent[]> {
  const values = [after.toString(), limit];
  const { rows } = await client.query<LogRow>({ name: "storage-read-log", text: everything, values });
  return eventsOf(client, names, rows);
}

export async function readLogOf(
  client: Queryable,
  names: ResourceNames,
  range: { after: bigint; upTo: bigint; resourceId: number; namespace: string | undefined; limit: number },
): Promise<LogEvent[]> {
  const { after, upTo, resourceId, namespace, limit } = range;
  const values = [after.toString(), upTo.toString(), resourceId, namespace ?? null, limit];
  const { rows } = await client.query<LogRow>({ name: "storage-read-log-of", text: ofResource, values });
  return eventsOf(client, names, rows);
}

async function eventsOf(client: Queryable, names: ResourceNames, rows: readonly LogRow[]): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for (const row of rows) {
    const { group, resource } = await names(row.resource_id);
    events.push(eventOf(client, { group, resource, namespace: row.namespace, name: row.name }, row));
  }
  return events;
}

function eventOf(client: Queryable, key: ObjectKey, row: LogRow): LogEvent {
  const change = changes[row.change];
  if (!change) throw new Error(`krate_log row ${row.revision} has the unknown change ${row.change}`);
  const previous = row.previous_tags && {
    tags: row.previous_tags,
    load: async () => withRevision(await getVersion(client, key, row.previous_revision), row.revision),
    bytesInMemory: 0,
  };
  return new LogEvent(change, rowOf(key, row), previous ?? undefined);
}
