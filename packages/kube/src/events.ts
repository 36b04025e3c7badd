/**
 * Writes Events (core/v1) for people: what has happened to an object. Repeats become a count on one Event, a burst about
 * one object is cut, and nothing here ever throws or makes a controller wait.
 * Source: k8s.io/client-go/tools/record (aggregation, 25 events per object then one per 5 minutes).
 */
import { createHash, randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { Event as EventKind, type EventType, isReason, type KubernetesObject } from "@krate/kinds";
import type { KubeClient } from "./types.ts";

export type RecordedEventType = "Normal" | "Warning";

export interface EventRecorder {
  /** `reason` is CamelCase and equals the condition's reason; `message` carries the value. */
  record(object: KubernetesObject, type: RecordedEventType, reason: string, message: string): void;
  /** Resolves when everything recorded so far was sent or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  /** `source.component` and `reportingComponent`, e.g. `runner-operator`. */
  component: string;
  /** Where Events about cluster-scoped objects go. @defaultValue 'default' */
  clusterEventNamespace?: string;
  now?: () => Date;
  onProblem?: (error: unknown) => void;
}

const burstPerObject = 25;
const refillSeconds = 300;
const rememberedSeries = 4096;
/** Events are hints: more of them waiting than this are dropped, newest first. */
const maxQueued = 1000;
const maxMessageLength = 1024;

interface Series {
  namespace: string;
  name: string;
  count: number;
  firstTimestamp: string;
}

export function eventRecorder(client: KubeClient, options: EventRecorderOptions): EventRecorder {
  const now = options.now ?? (() => new Date());
  const series = new Map<string, Series>();
  const allowed = new Map<string, { tokens: number; at: number }>();
  const queue: (() => Promise<void>)[] = [];
  let draining: Promise<void> | undefined;

  const mayRecord = (objectKey: string): boolean => {
    const at = now().getTime();
    const bucket = allowed.get(objectKey) ?? { tokens: burstPerObject, at };
    const refilled = Math.min(burstPerObject, bucket.tokens + (at - bucket.at) / 1000 / refillSeconds);
    remember(allowed, objectKey, { tokens: refilled >= 1 ? refilled - 1 : refilled, at });
    return refilled >= 1;
  };

  const drain = async () => {
    for (let send = queue.shift(); send; send = queue.shift()) {
      try {
        await send();
      } catch (error) {
        options.onProblem?.(error);
      }
    }
    draining = undefined;
  };

  return {
    record(object, type, reason, message) {
      try {
        const objectKey =
          object.metadata?.uid ?? `${object.kind}/${object.metadata?.namespace}/${object.metadata?.name}`;
        if (queue.length >= maxQueued || !mayRecord(objectKey)) return;
        const text = message.length > maxMessageLength ? `${message.slice(0, maxMessageLength - 1)}…` : message;
        const key = createHash("sha256").update([objectKey, type, reason, text].join("\0")).digest("base64");
        const time = now()
          .toISOString()
          .replace(/\.\d+Z$/, "Z");
        queue.push(async () => {
          const known = series.get(key);
          if (known && (await repeat(client, known, time))) return;
          const created = eventOf(object, { type, reason, message: text, time, ...options });
          remember(series, key, {
            namespace: created.metadata.namespace,
            name: created.metadata.name,
            count: 1,
            firstTimestamp: time,
          });
          await client.create(EventKind, created);
        });
        draining ??= drain();
      } catch (error) {
        options.onProblem?.(error);
      }
    },
    async flush() {
      while (draining) await draining;
    },
  };
}

/** False when the Event is gone (they expire after an hour) and has to be made anew. */
async function repeat(client: KubeClient, known: Series, time: string): Promise<boolean> {
  known.count += 1;
  try {
    await client.patch(EventKind, known, { count: known.count, lastTimestamp: time }, { type: "merge" });
    return true;
  } catch (error) {
    if (isReason(error, "NotFound")) return false;
    throw error;
  }
}

function eventOf(
  object: KubernetesObject,
  event: EventRecorderOptions & { type: RecordedEventType; reason: string; message: string; time: string },
) {
  const { name = "", namespace, uid, resourceVersion } = object.metadata ?? {};
  const eventNamespace = namespace ?? event.clusterEventNamespace ?? "default";
  return {
    metadata: { namespace: eventNamespace, name: `${name.slice(0, 230)}.${randomBytes(8).toString("hex")}` },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
    type: event.type,
    reason: event.reason,
    message: event.message,
    count: 1,
    firstTimestamp: event.time,
    lastTimestamp: event.time,
    source: { component: event.component, host: hostname() },
    reportingComponent: event.component,
    reportingInstance: hostname(),
  } satisfies EventType as EventType & { metadata: { namespace: string; name: string } };
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > rememberedSeries) map.delete(map.keys().next().value as string);
}
