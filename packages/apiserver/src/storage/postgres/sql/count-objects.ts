import type { Queryable } from "../connection.ts";

const text = `select coalesce(sum(objects), 0)::bigint as objects from krate_object_counts
where resource_id = $1 and ($2::text is null or namespace = $2)`;

/** How many objects a resource has now, in one namespace or in all; counted by krate_commit, not by reading them. */
export async function countObjects(
  client: Queryable,
  resourceId: number,
  namespace: string | undefined,
): Promise<number> {
  const { rows } = await client.query<{ objects: bigint }>({
    name: "storage-count-objects",
    text,
    values: [resourceId, namespace ?? null],
  });
  return Number(rows[0]?.objects ?? 0n);
}
