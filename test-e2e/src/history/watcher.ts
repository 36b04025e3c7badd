/** A watcher of a run: watches, loses its server or leaves it, and goes on at any replica where it was. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client as HttpClient } from "../replicas/http-client.ts";
import { collectionPath, revisionOf, scopeQuery, seenOf } from "./objects.ts";
import type { Random } from "./random.ts";
import type { Bookmark, Scope, Session, Told } from "./record.ts";
import { positionOf } from "./streams.ts";

export interface WatcherOptions {
  name: string;
  scope: Scope;
  random: Random;
  replicas: readonly HttpClient[];
  from: Session["from"];
  /** Stops reading now and then, so that its connection fills up. */
  slow: boolean;
  record: (session: Session) => void;
  /** Where the run ended; undefined while it goes on. */
  end: () => number | undefined;
  /** Gives up. */
  signal: AbortSignal;
}

const retryMilliseconds = 100;
const slowPauseMilliseconds = 1_500;

/** Resolves when it was told everything up to the end of the run, or when it gave up. */
export async function runWatcher(options: WatcherOptions): Promise<void> {
  const { random, replicas, signal, end } = options;
  let from = options.from;
  for (let count = 1; !signal.aborted; count++) {
    const session: Session = {
      id: `${options.name}.${count}`,
      watcher: options.name,
      replica: random.below(replicas.length),
      scope: options.scope,
      from,
      told: [],
      end: "",
    };
    options.record(session);
    session.end = await runSession(session, options);
    const position = positionOf(session);
    if (position >= (end() ?? Number.POSITIVE_INFINITY)) return;
    from = nextFrom(session, position);
    if (session.told.length === 0) await sleep(retryMilliseconds);
  }
}

/** Initial events come in order of name, so a session that broke among them has no position yet. */
function nextFrom({ end, from, told }: Session, position: number): Session["from"] {
  if (end === "410") return "initial";
  const isBegun = from !== "initial" || told.some((each) => each.type === "BOOKMARK" && each.initialEventsEnd);
  return isBegun ? position : "initial";
}

async function runSession(session: Session, options: WatcherOptions): Promise<string> {
  const { random, replicas, end } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const stream = await (replicas[session.replica] as HttpClient).stream(pathOf(session, random), signal);
  if (stream === undefined) return "no answer";
  let patience = random.next() < 0.5 ? 20 + random.below(400) : Number.POSITIVE_INFINITY;
  let problem: string | undefined;
  for await (const line of stream.lines) {
    const { type, object } = JSON.parse(line) as { type?: string; object: { code?: number } };
    // A Status without an envelope is the answer to a watch that was refused.
    if (type === undefined || type === "ERROR") {
      problem = String(stream.status === 200 ? object.code : stream.status);
      break;
    }
    session.told.push(toldOf(type, object));
    if (positionOf(session) >= (end() ?? Number.POSITIVE_INFINITY)) break;
    if (--patience <= 0) break;
    if (options.slow && random.next() < 0.01) await sleep(slowPauseMilliseconds);
  }
  stop.abort();
  stream.destroy();
  return problem ?? (stream.endedCleanly() ? "clean" : "broken");
}

function pathOf({ scope, from }: Session, random: Random): string {
  const query = new URLSearchParams({ watch: "true", allowWatchBookmarks: "true", ...scopeQuery(scope) });
  if (random.next() < 0.2) query.set("timeoutSeconds", String(1 + random.below(5)));
  if (from === "initial") {
    query.set("sendInitialEvents", "true");
    query.set("resourceVersionMatch", "NotOlderThan");
  } else query.set("resourceVersion", String(from));
  return `${collectionPath(scope.resource, scope.namespace)}?${query}`;
}

function toldOf(type: string, object: unknown): Told | Bookmark {
  const at = performance.now();
  if (type !== "BOOKMARK") return { type: type as Told["type"], at, object: seenOf(object) };
  const { resourceVersion, annotations } = (
    object as { metadata: { resourceVersion: string; annotations?: Record<string, string> } }
  ).metadata;
  const initialEventsEnd = annotations?.["k8s.io/initial-events-end"] === "true";
  return { type, at, revision: revisionOf(resourceVersion), initialEventsEnd };
}
