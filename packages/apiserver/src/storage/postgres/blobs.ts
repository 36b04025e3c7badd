import { ApiError, conflict, notFound, tooLarge } from "@krate/kinds";
import { type Pool, translatePostgresError, withTransaction } from "@krate/postgres";
import type { BlobStat, BlobStore } from "../store.ts";
import type { Queryable } from "./connection.ts";
import { addChunk, deleteBlob, dropChunks, lockBlob, readChunks, resizeBlob, statBlob } from "./sql/blobs.ts";

/** Large enough that a log needs few rows, small enough to stream. */
const chunkBytes = 256 * 1024;

/** Blobs as rows of chunks. Appends to one blob happen one after the other; a reader sees whole appends. */
export function createBlobStore(pool: Pool, client: Queryable, maxBlobBytes: number): BlobStore {
  return {
    putBlob: (scope, bytes) => write(pool, scope, bytes, { maxBlobBytes, replace: true }),
    appendBlob: (scope, bytes, { offset } = {}) => write(pool, scope, bytes, { maxBlobBytes, replace: false, offset }),
    statBlob: (scope) => statBlob(client, scope),
    readBlob: (scope, range) => read(client, scope, range),
    deleteBlob: (scope) => deleteBlob(client, scope),
  };
}

interface WriteOptions {
  maxBlobBytes: number;
  replace: boolean;
  offset?: number | undefined;
}

async function write(pool: Pool, scope: string, bytes: Buffer, options: WriteOptions): Promise<BlobStat> {
  try {
    return await withTransaction(pool, async (client) => {
      const blob = await lockBlob(client, scope);
      if (options.offset !== undefined && options.offset !== blob.sizeBytes) {
        throw conflict({ plural: "blobs", name: scope }, `it has ${blob.sizeBytes} bytes, not ${options.offset}`);
      }
      const start = options.replace ? 0 : blob.sizeBytes;
      if (start + bytes.length > options.maxBlobBytes) throw tooLarge(options.maxBlobBytes);
      if (options.replace) await dropChunks(client, blob.id);
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        await addChunk(client, { blobId: blob.id, startByte: start + at, bytes: bytes.subarray(at, at + chunkBytes) });
      }
      await resizeBlob(client, blob.id, start + bytes.length);
      return { sizeBytes: start + bytes.length };
    });
  } catch (error) {
    throw translatePostgresError(error);
  }
}

async function* read(
  client: Queryable,
  scope: string,
  { offset = 0, limitBytes }: { offset?: number; limitBytes?: number } = {},
): AsyncGenerator<Buffer> {
  const stat = await statBlob(client, scope);
  if (!stat) throw notFound({ plural: "blobs", name: scope });
  const end = Math.min(stat.sizeBytes, offset + (limitBytes ?? Number.POSITIVE_INFINITY));
  let at = offset;
  while (at < end) {
    const chunks = await readChunks(client, scope, at, end);
    if (chunks.length === 0) throw new ApiError("Conflict", `blob "${scope}" was replaced while it was being read`);
    for (const { startByte, bytes } of chunks) {
      const part = bytes.subarray(at - startByte, end - startByte);
      at += part.length;
      if (part.length > 0) yield part;
    }
  }
}
