/** Removes what is kept for a time only: Events after an hour, finished records after the retention of their kind (kinds.md §2.10). */
import { dig } from "@krate/apimachinery";
import { isReason } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { decodeStored } from "../objects.ts";
import { recordKinds } from "../records/resources.ts";
import type { ApiServer } from "../server.ts";
import { pause } from "../watching/local-cache.ts";
import { InternalClient } from "./internal-client.ts";

const sweepMilliseconds = 10 * 60 * 1000;
/** kube-apiserver's default `--event-ttl`. */
const eventSeconds = 3600;
const daySeconds = 24 * 3600;

export function startExpiry(server: ApiServer, { log, signal }: { log: Logger; signal: AbortSignal }): void {
  void run(server, log, signal);
}

async function run(server: ApiServer, log: Logger, signal: AbortSignal): Promise<void> {
  const client = new InternalClient(server, "ttl-controller");
  const rules = [
    { group: "", plural: "events", seconds: eventSeconds },
    ...recordKinds
      .filter(({ retentionDays }) => retentionDays !== undefined)
      .map(({ group, plural, retentionDays }) => ({ group, plural, seconds: Number(retentionDays) * daySeconds })),
  ];
  while (!signal.aborted) {
    await pause(sweepMilliseconds, signal);
    for (const rule of rules) {
      if (signal.aborted) return;
      try {
        await sweep(server, client, rule);
      } catch (err) {
        log.warn({ err, resource: rule.plural }, "could not remove expired objects; trying again later");
      }
    }
  }
}

async function sweep(
  server: ApiServer,
  client: InternalClient,
  { group, plural, seconds }: { group: string; plural: string; seconds: number },
): Promise<void> {
  const { store, registry, now } = server.services;
  const resource = registry.findResource(group, plural);
  if (resource === undefined) return;
  const before = now().getTime() - seconds * 1000;
  const { chunks } = await store.listStream(resource.storage);
  for await (const chunk of chunks) {
    for (const stored of chunk) {
      const object = decodeStored(stored);
      const last = dig(object, "lastTimestamp") ?? dig(object, "series", "lastObservedTime");
      const time = Date.parse(String(last ?? dig(object, "metadata", "creationTimestamp")));
      if (Number.isNaN(time) || time >= before) continue;
      await client.delete(resource, stored.key).catch((error: unknown) => {
        if (!isReason(error, "NotFound")) throw error;
      });
    }
  }
}
