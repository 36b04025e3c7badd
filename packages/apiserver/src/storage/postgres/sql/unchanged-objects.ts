import type { ObjectKey } from "../../store.ts";
import type { Queryable } from "../connection.ts";

const text = `select namespace, name from krate_objects
where resource_id = $1 and ($2::text is null or namespace = $2) and revision <= $3
order by namespace, name limit $4`;

/** Objects of a resource whose last write is not newer than a revision. Goes through the resource's keys, not its bytes. */
export async function unchangedObjects(
  client: Queryable,
  resource: { id: number; group: string; resource: string },
  { namespace, revision, limit }: { namespace: string | undefined; revision: bigint; limit: number },
): Promise<ObjectKey[]> {
  const values = [resource.id, namespace ?? null, revision.toString(), limit];
  const { rows } = await client.query<{ namespace: string; name: string }>({ text, values });
  return rows.map((row) => ({ group: resource.group, resource: resource.resource, ...row }));
}
