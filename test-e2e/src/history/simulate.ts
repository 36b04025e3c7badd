/** A recording as a correct server would have left it, without a server: for tests of the checker. */
import { colors, keys, namespaces } from "./objects.ts";
import { type Random, randomFrom } from "./random.ts";
import {
  type Bookmark,
  inScope,
  type List,
  type Operation,
  type Recording,
  type Resource,
  resources,
  type Scope,
  type Seen,
  type State,
  type Told,
  type Write,
} from "./record.ts";

interface Event extends Told {
  revision: number;
  before: Seen | undefined;
}

/** In milliseconds: how far requests lie apart, and how long one takes at most before and after its moment. */
const stepMilliseconds = 2;
const spreadMilliseconds = 15;

export function simulate(seed: number, steps: number): Recording {
  const random = randomFrom(seed, "simulation");
  const server = new Simulation(random);
  const operations = Array.from({ length: steps }, (_, step) => server.step(step));
  const scopes: Scope[] = resources.flatMap((resource) => [
    { resource },
    { resource, namespace: namespaces[0] },
    { resource, color: colors[0] },
  ]);
  const end = { configmaps: server.revision, issues: server.revision };
  return {
    seed,
    start: { configmaps: { revision: 0, items: [] }, issues: { revision: 0, items: [] } },
    operations,
    sessions: scopes.flatMap((scope, index) => server.watch(`w${index}`, scope)),
    faults: [],
    end,
  };
}

class Simulation {
  readonly #random: Random;
  readonly #objects = new Map<string, Seen>();
  readonly #events: Record<Resource, Event[]> = { configmaps: [], issues: [] };
  revision = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  step(step: number): Operation {
    const random = this.#random;
    const at = step * stepMilliseconds;
    const resource = random.pick(resources);
    const key = random.pick(keys);
    const base = {
      id: `${step}`,
      client: random.below(6),
      replica: random.below(2),
      resource,
      invoked: at - random.next() * spreadMilliseconds,
      completed: at + random.next() * spreadMilliseconds,
      outcome: "ok" as const,
      status: 200,
    };
    const choice = random.weighted({ get: 20, list: 10, create: 15, update: 20, patch: 20, delete: 10 });
    const current = this.#objects.get(`${resource} ${key}`);
    if (choice === "get") return { ...base, verb: "get", key, ...(current && { object: current }) };
    if (choice === "list") return { ...base, ...this.#list(resource) };
    const write = this.#write(base, choice, key, current, at);
    if (write.outcome === "ok" && random.next() < 0.05) {
      const { completed: _unheard, object: _unseen, ...unknown } = write;
      return { ...unknown, outcome: "unknown", status: 0 };
    }
    return write;
  }

  #list(resource: Resource): Pick<List, "verb" | "scope" | "resourceVersion" | "exact" | "revisions" | "items"> {
    const scope: Scope = { resource, ...(this.#random.next() < 0.3 && { color: colors[0] }) };
    const all = [...this.#objects].filter(([name]) => name.startsWith(`${resource} `)).map(([, seen]) => seen);
    const items = all.filter(({ key, state }) => inScope(scope, key, state));
    const revisions = Array.from({ length: 1 + this.#random.below(2) }, () => this.revision);
    return { verb: "list", scope, resourceVersion: "", exact: false, revisions, items };
  }

  #write(
    base: Omit<Write, "verb" | "key" | "sets">,
    verb: Exclude<Write["verb"], "apply">,
    key: string,
    current: Seen | undefined,
    at: number,
  ): Write {
    const { id, client, resource } = base;
    const own = verb === "patch" ? { [`patch-${client}`]: id } : {};
    const sets: State = { marks: { op: id, ...own }, color: verb === "patch" ? "" : this.#random.pick(colors) };
    // Sometimes what it knows is old.
    const isStale = this.#random.next() < 0.2;
    const expected = verb === "update" || verb === "delete" ? (current?.revision ?? 0) - (isStale ? 1 : 0) : undefined;
    const write: Write = { ...base, verb, key, sets, ...(expected !== undefined && { expected }) };
    const refusal = refusalOf(verb, current, expected);
    if (refusal) return { ...write, outcome: "refused", ...refusal };
    const patched = current && { marks: { ...current.state.marks, ...sets.marks }, color: current.state.color };
    const state = verb === "delete" ? (current as Seen).state : verb === "patch" ? (patched as State) : sets;
    const object: Seen = { key, revision: ++this.revision, state };
    const type = verb === "delete" ? "DELETED" : current ? "MODIFIED" : "ADDED";
    this.#events[resource].push({ type, at, object, revision: object.revision, before: current });
    if (verb === "delete") this.#objects.delete(`${resource} ${key}`);
    else this.#objects.set(`${resource} ${key}`, object);
    return verb === "delete" ? write : { ...write, object };
  }

  /** A watcher whose connection breaks now and then. */
  watch(watcher: string, scope: Scope): Recording["sessions"] {
    const sessions: Recording["sessions"] = [];
    const begin = (from: number) => {
      sessions.push({
        id: `${watcher}.${sessions.length + 1}`,
        watcher,
        replica: 0,
        scope,
        from,
        told: [],
        end: "broken",
      });
    };
    begin(0);
    for (const event of this.#events[scope.resource]) {
      const told = sessions.at(-1)?.told as (Told | Bookmark)[];
      const view = viewOf(event, scope);
      if (view) told.push(view);
      if (view && this.#random.next() < 0.02) begin(event.revision);
    }
    const last = {
      type: "BOOKMARK",
      at: Number.MAX_SAFE_INTEGER,
      revision: this.revision,
      initialEventsEnd: false,
    } as const;
    sessions.at(-1)?.told.push(last);
    return sessions;
  }
}

function refusalOf(verb: Write["verb"], current: Seen | undefined, expected: number | undefined) {
  if (verb === "create") return current && { status: 409, reason: "AlreadyExists" };
  if (current === undefined) return { status: 404, reason: "NotFound" };
  return expected === undefined || expected === current.revision ? undefined : { status: 409, reason: "Conflict" };
}

function viewOf({ type, at, object, before }: Event, scope: Scope): Told | undefined {
  const { key, revision } = object;
  const matched = before !== undefined && inScope(scope, key, before.state);
  const matches = type !== "DELETED" && inScope(scope, key, object.state);
  if (matches) return { type: matched ? "MODIFIED" : "ADDED", at: at + spreadMilliseconds, object };
  return matched
    ? { type: "DELETED", at: at + spreadMilliseconds, object: { key, revision, state: before.state } }
    : undefined;
}
