/** Objects of a megabyte: however many there are, what is read at a time stays small, and nothing is left out. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { silentLog } from "@krate/postgres";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "@krate/postgres/testing";
import { silentObserver } from "../observer.ts";
import { ResourceIds } from "./resource-ids.ts";
import { rowCursor } from "./row-cursor.ts";
import { openSessions, type Sessions } from "./sessions.ts";
import { maxReadBytes } from "./sql/read-bytes.ts";
import { readLog, readLogOf } from "./sql/read-log.ts";

jest.setTimeout(120_000);

const objects = 30;
const megabyte = 1024 * 1024;
/** The read ends with the object that brings it to the bound. */
const mostBytes = maxReadBytes + megabyte;

const fill = `
insert into krate_resources ("group", resource) values ('', 'blobs');
do $$
begin
  while (select partition_stop from krate_log_head) <= ${objects} loop
    perform krate_add_partition();
  end loop;
end $$;
insert into krate_log (revision, resource_id, change, namespace, name, previous_revision, tags, revision_offset, bytes)
select n, 1, 1, 'n', 'o' || lpad(n::text, 6, '0'), 0, array['1 app=web'], 0, n || repeat('x', ${megabyte} - 10)
from generate_series(1, ${objects}) n;
insert into krate_objects (resource_id, namespace, name, revision, tags)
select resource_id, namespace, name, revision, tags from krate_log;
update krate_log_head set revision = ${objects};
`;

let postgres: TestPostgres;
let database: TestDatabase;
let sessions: Sessions;

beforeAll(async () => {
  postgres = await startTestPostgres();
  database = await postgres.createDatabase();
  sessions = await openSessions({
    connection: database.connection,
    maxReadConnections: 1,
    migrations: undefined,
    observer: silentObserver,
    log: silentLog,
  });
  await sessions.write.query(fill);
}, 120_000);

afterAll(async () => {
  await sessions.end();
  await database.drop();
  await postgres.stop();
});

const names = async () => ({ group: "", resource: "blobs" });
const bytesOf = (rows: readonly { bytes: Buffer }[]) => rows.reduce((sum, { bytes }) => sum + bytes.length, 0);
const everyRevision = Array.from({ length: objects }, (_, index) => BigInt(index + 1));

test.each([
  { what: "the log", read: (after: bigint) => readLog(sessions.reader, names, { after, limit: 500 }) },
  {
    what: "the log of a resource",
    read: (after: bigint) =>
      readLogOf(sessions.reader, names, { after, upTo: BigInt(objects), resourceId: 1, namespace: "n", limit: 500 }),
  },
])("$what is read in pieces of a bounded size", async ({ read }) => {
  const seen: bigint[] = [];
  for (;;) {
    const events = await read(seen.at(-1) ?? 0n);
    if (events.length === 0) break;
    expect(bytesOf(events.map(({ row }) => row))).toBeLessThanOrEqual(mostBytes);
    seen.push(...events.map(({ revision }) => revision));
  }
  expect(seen).toEqual(everyRevision);
});

test.each([
  { what: "a list", selector: undefined },
  { what: "a list with a selector", selector: { labels: [{ key: "app", operator: "In" as const, values: ["web"] }] } },
])("$what is read in pieces of a bounded size", async ({ selector }) => {
  const scope = { group: "", resource: "blobs", namespace: undefined, selector };
  const ids = new ResourceIds(sessions.reader);
  const cursor = rowCursor({ sessions, ids }, scope, { revision: BigInt(objects), after: undefined });
  const seen: bigint[] = [];
  let more = true;
  while (more) {
    const chunk = await cursor.next(500);
    expect(bytesOf(chunk.rows)).toBeLessThanOrEqual(mostBytes);
    seen.push(...chunk.rows.map(({ revision }) => revision));
    more = chunk.more;
  }
  expect(seen).toEqual(everyRevision);
});
