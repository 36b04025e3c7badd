/**
 * The Hooks tab as a live list (`live/events.ts`): each source is listed and watched as the user, and whenever one changes the entries
 * are computed anew and what differs is sent. A source that cannot be read now (no permission, no such kind yet) is asked again every
 * 15 s, so a Kyverno that is installed later appears by itself. A stream that comes back starts over.
 */
import { isReason, type KubernetesObject, Namespace } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { LiveEvent } from "../live/events.ts";
import { watchList } from "../live/watch-list.ts";
import { hookEntries, type SourceContent } from "./explorer.ts";
import type { HookEntry } from "./hook-rows.ts";
import { type Discovery, discovery } from "./served-kind.ts";
import { type HookSource, held, hookSources, type SourceName } from "./sources.ts";

export interface FollowHooksOptions {
  namespace: string;
  /** Absent: the hooks of all repositories of the organization. */
  repository?: string;
  signal: AbortSignal;
}

const retryMilliseconds = 15_000;
/** Changes that come together are computed once. */
const settleMilliseconds = 100;
/** A source that does not answer keeps the others waiting no longer than this. */
const patienceMilliseconds = 5_000;
/** A day ends without any change of an object. */
const dayCheckMilliseconds = 60_000;

const names = Object.keys(hookSources) as SourceName[];

export async function* followHooks(client: KubeClient, options: FollowHooksOptions): AsyncGenerator<LiveEvent> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const bell = makeBell(signal);
  const contents = Object.fromEntries(
    names.map((name) => [name, { state: "loading", objects: [], truncated: false }]),
  ) as unknown as Record<SourceName, SourceContent>;
  const found = discovery(client, signal);
  const set = (name: SourceName, content: SourceContent) => {
    contents[name] = content;
    bell.ring();
  };
  const follow = Promise.all(names.map((name) => followSource(client, { ...options, signal, name, found, set })));
  // Reported by the loop below, which this wakes.
  follow.catch(() => bell.ring());
  try {
    const namespaceLabels = await labelsOf(client, options.namespace, signal);
    const deadline = Date.now() + patienceMilliseconds;
    while (names.some((name) => contents[name].state === "loading") && Date.now() < deadline && !signal.aborted)
      await bell.wait(deadline - Date.now());
    let sent: Map<string, string> | undefined;
    while (!signal.aborted) {
      const { namespace, repository } = options;
      const entries = hookEntries({ namespace, repository, namespaceLabels, sources: contents, now: new Date() });
      yield* sent ? differences(sent, entries) : start(entries);
      sent = new Map(entries.map((entry) => [entry.uid, JSON.stringify(entry)]));
      await Promise.race([bell.wait(dayCheckMilliseconds), follow]);
      await pause(settleMilliseconds, signal);
    }
  } finally {
    stop.abort();
    await follow;
  }
}

function* start(entries: readonly HookEntry[]): Generator<LiveEvent> {
  yield { event: "reset" };
  yield { event: "snapshot", data: [...entries] };
  yield { event: "synced", id: "0" };
}

function* differences(sent: ReadonlyMap<string, string>, entries: readonly HookEntry[]): Generator<LiveEvent> {
  const now = new Set(entries.map(({ uid }) => uid));
  for (const [uid, text] of sent)
    if (!now.has(uid)) yield { event: "change", id: "0", data: { type: "DELETED", row: JSON.parse(text) } };
  for (const entry of entries) {
    const before = sent.get(entry.uid);
    if (before === JSON.stringify(entry)) continue;
    yield { event: "change", id: "0", data: { type: before === undefined ? "ADDED" : "MODIFIED", row: entry } };
  }
}

/** Selectors of policies ask for them. */
async function labelsOf(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Record<string, string> | undefined> {
  try {
    return (await client.get(Namespace, { name: namespace }, { signal })).metadata?.labels ?? {};
  } catch (error) {
    if (isReason(error, "Forbidden") || signal.aborted) return undefined;
    throw error;
  }
}

interface FollowSource extends FollowHooksOptions {
  name: SourceName;
  found: Discovery;
  set(name: SourceName, content: SourceContent): void;
}

/** Keeps one source's content until `signal` is aborted. */
async function followSource(client: KubeClient, options: FollowSource): Promise<void> {
  const { name, signal, set } = options;
  while (!signal.aborted) {
    const problem = await readUntilProblem(client, options);
    if (problem === undefined) return;
    set(name, { objects: [], truncated: false, ...problem });
    await pause(retryMilliseconds, signal);
  }
}

type Problem = Pick<SourceContent, "state" | "message">;

async function readUntilProblem(client: KubeClient, options: FollowSource): Promise<Problem | undefined> {
  const { name, namespace, repository, found, signal, set } = options;
  const source: HookSource = hookSources[name];
  let kind: Awaited<ReturnType<Discovery["find"]>>;
  try {
    kind = await found.find(source);
  } catch (error) {
    if (signal.aborted) return undefined;
    return problemOf({ reason: (error as { reason?: string }).reason ?? "", message: (error as Error).message });
  }
  if (kind === undefined) return { state: "absent" };
  const fieldSelector = source.selector?.(repository);
  const hold = source.hold ?? held;
  const resource = { kind, row: (object: KubernetesObject) => hold(object, new Date()) };
  let objects = new Map<string, KubernetesObject>();
  let listed = 0;
  let synced = false;
  for await (const event of watchList(client, resource, {
    namespace,
    signal,
    maxItems: source.maxItems,
    ...(fieldSelector && { fieldSelector }),
  })) {
    if (event.event === "problem") return problemOf(event.data);
    if (event.event === "reset") {
      // What was known is shown until the new list is complete.
      objects = new Map();
      listed = 0;
      synced = false;
    } else if (event.event === "snapshot") {
      listed += event.data.length;
      for (const object of event.data as (KubernetesObject | undefined)[])
        if (object) objects.set(object.metadata?.uid ?? "", object);
    } else if (event.event === "synced") synced = true;
    else change(objects, event.data, source.maxItems);
    if (synced) set(name, { state: "ready", objects: [...objects.values()], truncated: listed >= source.maxItems });
  }
  return undefined;
}

function change(
  objects: Map<string, KubernetesObject>,
  { type, row }: { type: string; row: unknown },
  maxItems: number,
) {
  const object = row as KubernetesObject | undefined;
  if (!object) return;
  const uid = object.metadata?.uid ?? "";
  if (type === "DELETED") objects.delete(uid);
  else if (objects.has(uid) || objects.size < maxItems) objects.set(uid, object);
}

function problemOf({ reason, message }: { reason: string; message: string }): Problem {
  if (reason === "NotFound") return { state: "absent" };
  return { state: reason === "Forbidden" ? "forbidden" : "failed", message };
}

interface Bell {
  ring(): void;
  /** Until it rang since the last wait, the time is over, or the signal is aborted. */
  wait(milliseconds: number): Promise<void>;
}

function makeBell(signal: AbortSignal): Bell {
  let rang = false;
  let wake: (() => void) | undefined;
  const ring = () => {
    rang = true;
    wake?.();
  };
  signal.addEventListener("abort", ring);
  return {
    ring,
    async wait(milliseconds) {
      if (!rang) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(0, milliseconds));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      rang = false;
    },
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
