import type { BlobStat } from "../../store.ts";
import type { Queryable } from "../connection.ts";

const create = "insert into krate_blobs (scope, size_bytes) values ($1, 0) on conflict (scope) do nothing";
const lock = "select id, size_bytes from krate_blobs where scope = $1 for update";
const resize = "update krate_blobs set size_bytes = $2 where id = $1";
const drop = "delete from krate_blob_chunks where blob_id = $1";
const add = "insert into krate_blob_chunks (blob_id, start_byte, bytes) values ($1, $2, $3)";
const stat = "select size_bytes from krate_blobs where scope = $1";
const remove = "delete from krate_blobs where scope = $1";

/** The chunks that hold bytes of [$2, $3), at most four. The first may start before $2. */
const chunks = `select c.start_byte, c.bytes from krate_blobs b join krate_blob_chunks c on c.blob_id = b.id
where b.scope = $1 and c.start_byte < $3 and c.start_byte >= coalesce(
  (select max(f.start_byte) from krate_blob_chunks f where f.blob_id = b.id and f.start_byte <= $2), 0)
order by c.start_byte limit 4`;

/** Makes the blob when absent and holds its row until the transaction ends. */
export async function lockBlob(client: Queryable, scope: string): Promise<{ id: bigint; sizeBytes: number }> {
  await client.query({ text: create, values: [scope] });
  const { rows } = await client.query<{ id: bigint; size_bytes: bigint }>({ text: lock, values: [scope] });
  const row = rows[0];
  if (!row) return lockBlob(client, scope); // deleted between the two statements
  return { id: row.id, sizeBytes: Number(row.size_bytes) };
}

export async function resizeBlob(client: Queryable, id: bigint, sizeBytes: number): Promise<void> {
  await client.query({ text: resize, values: [id, sizeBytes] });
}

export async function dropChunks(client: Queryable, id: bigint): Promise<void> {
  await client.query({ text: drop, values: [id] });
}

export async function addChunk(
  client: Queryable,
  { blobId, startByte, bytes }: { blobId: bigint; startByte: number; bytes: Buffer },
): Promise<void> {
  await client.query({ text: add, values: [blobId, startByte, bytes] });
}

export async function statBlob(client: Queryable, scope: string): Promise<BlobStat | undefined> {
  const { rows } = await client.query<{ size_bytes: bigint }>({ text: stat, values: [scope] });
  return rows[0] && { sizeBytes: Number(rows[0].size_bytes) };
}

export async function readChunks(
  client: Queryable,
  scope: string,
  from: number,
  to: number,
): Promise<{ startByte: number; bytes: Buffer }[]> {
  const { rows } = await client.query<{ start_byte: bigint; bytes: Buffer }>({
    text: chunks,
    values: [scope, from, to],
  });
  return rows.map((row) => ({ startByte: Number(row.start_byte), bytes: row.bytes }));
}

export async function deleteBlob(client: Queryable, scope: string): Promise<void> {
  await client.query({ text: remove, values: [scope] });
}
