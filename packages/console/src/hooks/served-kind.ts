/** In which version the cluster serves a kind, from discovery. */
import { isReason, type KindRef, type KubernetesObject } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { HookSource } from "./sources.ts";

/** Sources of one group start together and ask once. */
const rememberedMilliseconds = 5_000;

export interface Discovery {
  /** Undefined when the cluster has no such kind. @throws ApiError what the cluster answers instead */
  find(source: HookSource): Promise<KindRef<KubernetesObject> | undefined>;
}

/** plural → version, the group's preferred one first. */
type Served = ReadonlyMap<string, string>;

export function discovery(client: KubeClient, signal: AbortSignal): Discovery {
  const groups = new Map<string, { at: number; served: Promise<Served> }>();
  return {
    async find({ group, version, plural, kind, scope }) {
      if (version !== undefined) return { group, version, plural, kind, scope };
      const known = groups.get(group);
      const isFresh = known !== undefined && Date.now() - known.at < rememberedMilliseconds;
      const entry = isFresh ? known : { at: Date.now(), served: servedOf(client, group, signal) };
      groups.set(group, entry);
      const found = (await entry.served).get(plural);
      return found === undefined ? undefined : { group, version: found, plural, kind, scope };
    },
  };
}

async function servedOf(client: KubeClient, group: string, signal: AbortSignal): Promise<Served> {
  const versions = await read<{ versions?: { version: string }[] }>(client, `/apis/${group}`, signal);
  const served = new Map<string, string>();
  for (const { version } of versions?.versions ?? []) {
    const list = await read<{ resources?: { name: string }[] }>(client, `/apis/${group}/${version}`, signal);
    for (const { name } of list?.resources ?? []) if (!served.has(name)) served.set(name, version);
  }
  return served;
}

async function read<T>(client: KubeClient, path: string, signal: AbortSignal): Promise<T | undefined> {
  try {
    return (await (await client.raw({ path, signal })).json()) as T;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
