import type { Queryable } from "../connection.ts";

const text = `insert into krate_counters as c (scope, value) values ($1, 1)
on conflict (scope) do update set value = c.value + 1
returning value`;

export async function nextNumber(client: Queryable, scope: string): Promise<number> {
  const { rows } = await client.query<{ value: bigint }>({ name: "storage-next-number", text, values: [scope] });
  return Number(rows[0]?.value);
}
