import type { Queryable } from "../connection.ts";

const all = `select id, "group", resource from krate_resources`;
const find = `select id from krate_resources where "group" = $1 and resource = $2`;
const add = `insert into krate_resources ("group", resource) values ($1, $2) on conflict do nothing`;

export interface ResourceRow {
  id: number;
  group: string;
  resource: string;
}

export async function readResources(client: Queryable): Promise<ResourceRow[]> {
  return (await client.query<ResourceRow>({ text: all })).rows;
}

export async function findResource(client: Queryable, group: string, resource: string): Promise<number | undefined> {
  const { rows } = await client.query<{ id: number }>({ text: find, values: [group, resource] });
  return rows[0]?.id;
}

export async function addResource(client: Queryable, group: string, resource: string): Promise<void> {
  await client.query({ text: add, values: [group, resource] });
}
