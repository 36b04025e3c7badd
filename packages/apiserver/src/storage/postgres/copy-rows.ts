import { type Pool, translatePostgresError, withClient } from "@krate/postgres";
import { to } from "pg-copy-streams";
import type { StoredRow } from "../row.ts";
import type { Scope } from "../store.ts";
import type { Tags } from "../tags.ts";

/**
 * Rows of `COPY … TO STDOUT (FORMAT binary)` with the columns revision, namespace, name, revision_offset, tags, bytes.
 *
 *   file   ::= signature(11) flags(4) extension-length(4) extension row* end
 *   row    ::= field-count(2) (length(4) bytes)*
 *   end    ::= -1(2)
 *
 * Source: https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-BINARY-FORMAT
 */
export async function copyRows(pool: Pool, sql: string, scope: Scope): Promise<StoredRow[]> {
  try {
    return parseRows(await withClient(pool, async (client) => collect(client.query(to(sql)))), scope);
  } catch (error) {
    throw translatePostgresError(error);
  }
}

async function collect(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const headerBytes = 15;
const columns = 6;

export function parseRows(file: Buffer, { group, resource }: Pick<Scope, "group" | "resource">): StoredRow[] {
  const rows: StoredRow[] = [];
  let at = headerBytes + 4 + file.readInt32BE(headerBytes);
  const field = (): Buffer => {
    const length = file.readInt32BE(at);
    const start = at + 4;
    at = start + length;
    return file.subarray(start, at);
  };
  while (file.readInt16BE(at) === columns) {
    at += 2;
    const revision = field().readBigInt64BE();
    const namespace = field().toString();
    const name = field().toString();
    const revisionOffset = field().readInt32BE();
    const tags = textArrayOf(field());
    rows.push({ key: { group, resource, namespace, name }, revision, revisionOffset, tags, bytes: field() });
  }
  return rows;
}

/** The other direction of `textArray` in array-parameter.ts. */
function textArrayOf(array: Buffer): Tags {
  if (array.readInt32BE(0) === 0) return [];
  const items: string[] = new Array(array.readInt32BE(12));
  let at = 20;
  for (let index = 0; index < items.length; index++) {
    const start = at + 4;
    at = start + array.readInt32BE(at);
    items[index] = array.toString("utf8", start, at);
  }
  return items;
}
