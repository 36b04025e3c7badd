import { createHash } from "node:crypto";

/** Servers in the order in which they serve `key`: the first does, the next when it is away. The same everywhere, without state. */
export function placementOrder<Server extends { name: string }>(key: string, servers: readonly Server[]): Server[] {
  // Rendezvous hashing: one more server takes over its share and moves nothing else.
  const weight = ({ name }: Server) => createHash("sha256").update(`${name}\0${key}`).digest("hex");
  return servers
    .map((server) => ({ server, weight: weight(server) }))
    .sort((a, b) => (a.weight < b.weight ? -1 : 1))
    .map(({ server }) => server);
}
