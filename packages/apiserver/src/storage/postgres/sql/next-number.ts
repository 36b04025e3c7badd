import type { Queryable } from "../connection.ts";

const text = `insert into krate_counters as c (scope, value) values ($1, $2)
on conflict (scope) do update set value = c.value + excluded.value
returning value`;

/** The first of `count` numbers that follow each other. */
export async function nextNumber(client: Queryable, scope: string, count: number): Promise<number> {
  const { rows } = await client.query<{ value: bigint }>({ name: "storage-next-number", text, values: [scope, count] });
  return Number(rows[0]?.value) - count + 1;
}
