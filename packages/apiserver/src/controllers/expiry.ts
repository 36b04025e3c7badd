/**
 * Removes what is kept for a time only: Events after an hour, records after the retention of their kind (kinds.md §2.10), both
 * counted from their last write. They go as any client would delete them: watchers see it, finalizers hold.
 */
import { isReason } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { recordKinds } from "../records/resources.ts";
import type { ApiServer } from "../server.ts";
import type { ObjectKey } from "../storage/store.ts";
import { pause } from "../watching/local-cache.ts";
import { InternalClient } from "./internal-client.ts";

const sweepMilliseconds = 10 * 60 * 1000;
/** kube-apiserver's default `--event-ttl`. */
const eventSeconds = 3600;
const daySeconds = 24 * 3600;
/** Deletions of one kind in one sweep; the rest waits for the next. Bounds what expiry takes from everybody else. */
const maxDeletions = 20_000;
const pageKeys = 500;
/** Writes of one moment are committed together. */
const concurrentDeletions = 32;

/** Days by plural, instead of what the kind says; 0 keeps for ever. */
export type RetentionDays = Readonly<Record<string, number>>;

export interface ExpiryRule {
  group: string;
  plural: string;
  seconds: number;
}

export interface ExpiryOptions {
  log: Logger;
  signal: AbortSignal;
  retentionDays?: RetentionDays | undefined;
}

export function startExpiry(server: ApiServer, { log, signal, retentionDays = {} }: ExpiryOptions): void {
  void run(server, expiryRules(retentionDays), log, signal);
}

/** @throws Error when a retention is named for no record kind */
export function expiryRules(retentionDays: RetentionDays): ExpiryRule[] {
  const unknown = Object.keys(retentionDays).find((plural) => !recordKinds.some((kind) => kind.plural === plural));
  if (unknown !== undefined) {
    const allowed = recordKinds.map(({ plural }) => plural).join(", ");
    throw new Error(`there is no record kind "${unknown}" to keep for so many days: must be one of ${allowed}`);
  }
  const records = recordKinds.map(({ group, plural, retentionDays: days }) => ({
    group,
    plural,
    seconds: (retentionDays[plural] ?? days ?? 0) * daySeconds,
  }));
  return [{ group: "", plural: "events", seconds: eventSeconds }, ...records].filter(({ seconds }) => seconds > 0);
}

async function run(server: ApiServer, rules: readonly ExpiryRule[], log: Logger, signal: AbortSignal): Promise<void> {
  const client = new InternalClient(server, "ttl-controller");
  while (!signal.aborted) {
    await pause(sweepMilliseconds, signal);
    for (const rule of rules) {
      if (signal.aborted) return;
      try {
        const deleted = await sweep(server, client, rule, signal);
        if (deleted > 0) log.info({ resource: rule.plural, deleted }, "expired objects removed");
      } catch (err) {
        log.warn({ err, resource: rule.plural }, "could not remove expired objects; trying again later");
      }
    }
  }
}

/** One round for one kind; how many it removed. */
export async function sweep(
  server: ApiServer,
  client: InternalClient,
  { group, plural, seconds }: ExpiryRule,
  signal: AbortSignal,
): Promise<number> {
  const { store, registry, now } = server.services;
  const resource = registry.findResource(group, plural);
  if (resource === undefined) return 0;
  const before = new Date(now().getTime() - seconds * 1000);
  const remove = async (key: ObjectKey): Promise<number> => {
    try {
      await client.delete(resource, key);
      return 1;
    } catch (error) {
      if (isReason(error, "NotFound")) return 0; // another replica was faster
      throw error;
    }
  };
  let deleted = 0;
  while (deleted < maxDeletions && !signal.aborted) {
    const keys = await store.unchangedSince(resource.storage, before, pageKeys);
    let gone = 0;
    for (let at = 0; at < keys.length && !signal.aborted; at += concurrentDeletions) {
      const batch = keys.slice(at, at + concurrentDeletions);
      gone += (await Promise.all(batch.map(remove))).reduce((sum, each) => sum + each, 0);
    }
    deleted += gone;
    if (gone === 0) break; // all there is, or finalizers hold the rest
  }
  return deleted;
}
