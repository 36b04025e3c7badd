import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { encodeObject } from "./encode-object.ts";
import { parseRevision } from "./list.ts";
import type { StoreOptions } from "./options.ts";
import { later } from "./revision.ts";
import type {
  Change,
  ListOptions,
  ObjectKey,
  Selector,
  Store,
  StoredObject,
  WatchEvent,
  WatchOptions,
} from "./store.ts";

/** One set of data and its replicas; made afresh for each test. */
export interface StoreHarness {
  /** Opens a replica. */
  open(options?: StoreOptions): Promise<Store>;
  close(): Promise<void>;
  /** Only where the data is in a database: stops and starts it. */
  database?: { restart(how: "clean" | "crash"): Promise<void>; down(): Promise<void>; up(): Promise<void> };
}

export interface ConformanceSetup {
  /** Replicas that can share one set of data. */
  replicas: 1 | 2;
  start(): Promise<void>;
  stop(): Promise<void>;
  makeHarness(): Promise<StoreHarness>;
}

const group = "forge.krate.a5c.ai";
const resource = "pullrequests";

const at = (name: string, namespace = "acme"): ObjectKey => ({ group, resource, namespace, name });

interface Body {
  labels?: Record<string, string>;
  state?: string;
  text?: string;
}

function encode(key: ObjectKey, { labels, state = "", text = "" }: Body = {}) {
  const { name, namespace } = key;
  return encodeObject({ metadata: { name, namespace, labels }, spec: { state, text } } as never, {
    "spec.state": state,
  });
}

const parsed = (object: StoredObject) =>
  JSON.parse(object.bytes.toString()) as {
    metadata: { name: string; resourceVersion: string };
    spec: { text: string };
  };
const names = (objects: readonly StoredObject[]) => objects.map((object) => object.key.name);
const replaceBy =
  (body: Body) =>
  (current: StoredObject): Change => ({ do: "replace", object: encode(current.key, body) });

/** What a watcher saw, short: `ADDED a 3`. */
const shown = (event: WatchEvent) =>
  event.type === "BOOKMARK"
    ? `BOOKMARK ${event.revision}${event.initialEventsEnd ? " end" : ""}`
    : `${event.type} ${event.object.key.name} ${event.revision}`;

/** Reads from a watch until `enough` says so, then ends it. */
async function readWatch(
  store: Store,
  options: Partial<WatchOptions>,
  enough: (events: readonly WatchEvent[]) => boolean,
): Promise<WatchEvent[]> {
  const abort = new AbortController();
  const events: WatchEvent[] = [];
  for await (const event of store.watch({ group, resource, signal: abort.signal, ...options })) {
    events.push(event);
    if (enough(events)) abort.abort();
  }
  return events;
}

const readSome = (store: Store, options: Partial<WatchOptions>, count: number) =>
  readWatch(store, options, (events) => events.length >= count);

async function readAllPages(store: Store, options: Partial<ListOptions>): Promise<string[]> {
  const found: string[] = [];
  let token: string | undefined;
  do {
    const page = await store.list({ group, resource, ...options, continue: token });
    found.push(...page.items.map((item) => `${item.key.name}@${item.revision}`));
    token = page.continue;
  } while (token);
  return found;
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

const reason = (name: string) => expect.objectContaining({ reason: name });

/** Every promise of the `Store` interface. Runs over each implementation. */
export function storeConformance(implementation: string, setup: ConformanceSetup): void {
  describe(`storage conformance: ${implementation}`, () => {
    let harness: StoreHarness;
    let store: Store;
    beforeAll(() => setup.start());
    afterAll(() => setup.stop());
    beforeEach(async () => {
      harness = await setup.makeHarness();
      store = await harness.open();
    });
    afterEach(() => harness.close());

    const create = (name: string, body?: Body, namespace?: string) =>
      store.create(at(name, namespace), encode(at(name, namespace), body));

    describe("objects", () => {
      test("are served with their revision inside", async () => {
        const made = await create("a", { text: 'ü "quoted" \\ 文字\u0000\u001f 😀' });
        expect(parsed(made).metadata.resourceVersion).toBe(made.revision.toString());
        const got = await store.get(at("a"));
        expect(got?.bytes.equals(made.bytes)).toBe(true);
        expect(got?.bytes.subarray(got.revisionOffset).toString().startsWith(`${made.revision}"`)).toBe(true);
        expect(parsed(made).spec.text).toBe('ü "quoted" \\ 文字\u0000\u001f 😀');
      });

      test("that do not exist are undefined", async () => {
        expect(await store.get(at("nobody"))).toBeUndefined();
        await create("a");
        expect(await store.get(at("nobody"))).toBeUndefined();
        expect(await store.get(at("a", "other"))).toBeUndefined();
      });

      test("are created once", async () => {
        await create("a");
        await expect(create("a")).rejects.toEqual(reason("AlreadyExists"));
        await create("a", {}, "other");
      });

      test("of a crowd creating one name, one wins", async () => {
        const results = await Promise.allSettled(Array.from({ length: 20 }, () => create("a")));
        expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
      });

      test("are updated on the revision the caller saw, and no other", async () => {
        const made = await create("a");
        const next = await store.update(at("a"), { expectedRevision: made.revision }, replaceBy({ text: "2" }));
        expect(next).toMatchObject({ outcome: "replaced", object: { revision: made.revision + 1n } });
        const late = store.update(at("a"), { expectedRevision: made.revision }, replaceBy({ text: "3" }));
        await expect(late).rejects.toEqual(reason("Conflict"));
        const ahead = store.update(at("a"), { expectedRevision: 999n }, replaceBy({ text: "3" }));
        await expect(ahead).rejects.toEqual(reason("Conflict"));
      });

      test("updated by a crowd without a revision lose no update", async () => {
        await create("a", { text: "" });
        const append = (letter: string) =>
          store.update(at("a"), {}, (current) => replaceBy({ text: parsed(current).spec.text + letter })(current));
        await Promise.all([..."abcdefghijkl"].map(append));
        const text = parsed((await store.get(at("a"))) as StoredObject).spec.text;
        expect([...text].sort().join("")).toBe("abcdefghijkl");
      });

      test("that are kept cost no revision", async () => {
        const made = await create("a");
        const kept = await store.update(at("a"), {}, () => ({ do: "keep" }));
        expect(kept).toMatchObject({ outcome: "kept", object: { revision: made.revision } });
        expect(await store.currentRevision()).toBe(made.revision);
      });

      test("are removed by an update that says so", async () => {
        await create("a");
        const removed = await store.update(at("a"), {}, () => ({ do: "remove" }));
        expect(removed.outcome).toBe("removed");
        expect(await store.get(at("a"))).toBeUndefined();
      });

      test("refuse an update whose change throws, and stay", async () => {
        const made = await create("a");
        const broken = store.update(at("a"), {}, () => {
          throw new Error("no");
        });
        await expect(broken).rejects.toThrow("no");
        expect((await store.get(at("a")))?.revision).toBe(made.revision);
      });

      test("are deleted once; the answer is their last state under the deletion's revision", async () => {
        const made = await create("a", { text: "last" });
        const gone = await store.delete(at("a"));
        expect(gone.revision).toBe(made.revision + 1n);
        expect(parsed(gone)).toMatchObject({
          metadata: { resourceVersion: gone.revision.toString() },
          spec: { text: "last" },
        });
        expect(await store.get(at("a"))).toBeUndefined();
        await expect(store.delete(at("a"))).rejects.toEqual(reason("NotFound"));
        await expect(store.update(at("a"), {}, replaceBy({}))).rejects.toEqual(reason("NotFound"));
        expect((await create("a")).revision).toBe(gone.revision + 1n);
      });

      test("are not deleted when a precondition fails", async () => {
        const made = await create("a");
        await expect(store.delete(at("a"), { expectedRevision: made.revision + 1n })).rejects.toEqual(
          reason("Conflict"),
        );
        const check = () => {
          throw new Error("wrong uid");
        };
        await expect(store.delete(at("a"), { check })).rejects.toThrow("wrong uid");
        expect(await store.get(at("a"))).toBeDefined();
        await store.delete(at("a"), { expectedRevision: made.revision });
      });

      test("one write that fails does not fail those beside it", async () => {
        await create("taken");
        const results = await Promise.allSettled([create("a"), create("taken"), create("b")]);
        expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      });
    });

    describe("lists", () => {
      const list = (options: Partial<ListOptions> = {}) => store.list({ group, resource, ...options });

      test("are empty where nothing was ever written", async () => {
        expect(await list()).toMatchObject({ items: [], revision: 0n });
      });

      test("are in order of namespace and name, and know their revision", async () => {
        await create("b");
        await create("a", {}, "zeta");
        await create("a");
        await store.create({ ...at("x"), resource: "issues" }, encode(at("x")));
        const page = await list();
        expect(page.items.map(({ key }) => `${key.namespace}/${key.name}`)).toEqual(["acme/a", "acme/b", "zeta/a"]);
        expect(page.revision).toBe(await store.currentRevision());
        expect(names((await list({ namespace: "zeta" })).items)).toEqual(["a"]);
      });

      test("come in pages that know how much follows", async () => {
        for (const name of ["a", "b", "c", "d", "e"]) await create(name);
        const first = await list({ limit: 2 });
        expect(names(first.items)).toEqual(["a", "b"]);
        expect(first.remainingItemCount).toBe(3);
        const second = await list({ limit: 2, continue: first.continue });
        expect(names(second.items)).toEqual(["c", "d"]);
        expect(second.remainingItemCount).toBe(1);
        const third = await list({ limit: 2, continue: second.continue });
        expect(names(third.items)).toEqual(["e"]);
        expect(third.continue).toBeUndefined();
        expect(third.remainingItemCount).toBeUndefined();
      });

      test("are one state on all pages, whatever is written between", async () => {
        for (const name of ["a", "b", "c", "d", "e"]) await create(name);
        const before = await readAllPages(store, { limit: 10 });
        const first = await list({ limit: 2 });
        await store.delete(at("a"));
        await store.update(at("c"), {}, replaceBy({ text: "new" }));
        await store.update(at("c"), {}, replaceBy({ text: "newer" }));
        await store.delete(at("d"));
        await create("d", { text: "another d" });
        await store.delete(at("e"));
        await create("cc");
        const second = await list({ limit: 2, continue: first.continue });
        const third = await list({ limit: 2, continue: second.continue });
        const seen = [first, second, third].flatMap((page) =>
          page.items.map((item) => `${item.key.name}@${item.revision}`),
        );
        expect(seen).toEqual(before);
        expect([first, second, third].map((page) => page.revision)).toEqual([5n, 5n, 5n]);
        expect(third.continue).toBeUndefined();
      });

      test("can be had as of an exact revision", async () => {
        const first = await create("a", { text: "1" });
        await store.update(at("a"), {}, replaceBy({ text: "2" }));
        const exact = { resourceVersionMatch: "Exact", resourceVersion: first.revision.toString() } as const;
        expect(parsed((await list(exact)).items[0] as StoredObject).spec.text).toBe("1");
        expect((await list(exact)).revision).toBe(first.revision);
        const newer = await list({ resourceVersion: first.revision.toString() });
        expect(parsed(newer.items[0] as StoredObject).spec.text).toBe("2");
        expect((await list({ resourceVersion: "0" })).items).toHaveLength(1);
      });

      const refusals: { options: Partial<ListOptions>; as: string; why: string }[] = [
        { options: { continue: "nonsense" }, as: "BadRequest", why: "a token that is none" },
        { options: { resourceVersion: "x" }, as: "BadRequest", why: "a resourceVersion that is no number" },
        { options: { resourceVersion: "999" }, as: "Timeout", why: "a resourceVersion from the future" },
        { options: { resourceVersionMatch: "Exact" }, as: "BadRequest", why: "a match without a resourceVersion" },
        { options: { resourceVersion: "0", resourceVersionMatch: "Exact" }, as: "BadRequest", why: "exactly 0" },
      ];
      test.each(refusals)("refuse $why", async ({ options, as }) => {
        await expect(list(options)).rejects.toEqual(reason(as));
      });

      test("refuse the token of another list", async () => {
        await create("a");
        await create("b");
        const page = await list({ limit: 1 });
        await expect(list({ namespace: "acme", continue: page.continue })).rejects.toEqual(reason("BadRequest"));
        const selected = list({
          selector: { labels: [{ key: "x", operator: "Exists", values: [] }] },
          continue: page.continue,
        });
        await expect(selected).rejects.toEqual(reason("BadRequest"));
      });

      test("stream any number of objects", async () => {
        const wanted = Array.from({ length: 1_234 }, (_, index) => `n${String(index).padStart(5, "0")}`);
        await Promise.all(wanted.map((name) => create(name)));
        const stream = await store.listStream({ group, resource });
        const found: string[] = [];
        for await (const chunk of stream.chunks) found.push(...names(chunk));
        expect(found).toEqual(wanted);
        expect(stream.end()).toEqual({});
      });

      const label = (
        key: string,
        operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "GreaterThan" | "LessThan",
        ...values: string[]
      ): Selector => ({
        labels: [{ key, operator, values }],
      });
      const field = (name: string, operator: "Equals" | "NotEquals", value: string): Selector => ({
        fields: [{ field: name, operator, value }],
      });
      const long = "v".repeat(5_000);
      const selections: { selector: Selector; finds: string[]; why: string }[] = [
        { selector: {}, finds: ["a", "b", "c", "d"], why: "nothing required" },
        { selector: label("app", "In", "web"), finds: ["a", "b"], why: "a value" },
        { selector: label("app", "In", "web", "db"), finds: ["a", "b", "c"], why: "one of several" },
        { selector: label("app", "In"), finds: [], why: "one of none" },
        { selector: label("app", "NotIn", "web"), finds: ["c", "d"], why: "another value or none at all" },
        { selector: label("app", "Exists"), finds: ["a", "b", "c"], why: "any value" },
        { selector: label("ap", "Exists"), finds: [], why: "a key that is the start of another" },
        { selector: label("app", "DoesNotExist"), finds: ["d"], why: "no value" },
        { selector: label("n", "GreaterThan", "9"), finds: ["b"], why: "numbers, not texts" },
        { selector: label("n", "LessThan", "10"), finds: ["a"], why: "numbers; a text is none" },
        { selector: field("spec.state", "Equals", "Open"), finds: ["a", "c"], why: "a field" },
        {
          selector: field("spec.state", "NotEquals", "Open"),
          finds: ["b", "d"],
          why: "another value or an empty field",
        },
        { selector: field("spec.state", "Equals", ""), finds: ["d"], why: "an empty field" },
        { selector: field("spec.state", "NotEquals", ""), finds: ["a", "b", "c"], why: "a field that is not empty" },
        { selector: field("spec.state", "Equals", long), finds: ["b"], why: "a value too long for an index" },
        { selector: field("metadata.name", "Equals", "c"), finds: ["c"], why: "the name" },
        { selector: field("metadata.name", "NotEquals", "c"), finds: ["a", "b", "d"], why: "another name" },
        { selector: field("metadata.namespace", "Equals", "other"), finds: [], why: "another namespace" },
        {
          selector: { ...label("app", "In", "web"), ...field("spec.state", "Equals", "Open") },
          finds: ["a"],
          why: "both a label and a field",
        },
        { selector: label("odd", "In", "' or 1=1 --"), finds: ["d"], why: "text that looks like SQL" },
        { selector: label("odd", "In", "\\"), finds: [], why: "a backslash" },
      ];
      test.each(selections)("select by $why, and a watch selects the same", async ({ selector, finds }) => {
        await create("a", { labels: { app: "web", n: "2" }, state: "Open" });
        await create("b", { labels: { app: "web", n: "10" }, state: long });
        await create("c", { labels: { app: "db", n: "ten" }, state: "Open" });
        await create("d", { labels: { odd: "' or 1=1 --" } });
        await store.create(
          { ...at("a"), resource: "issues" },
          encode(at("a"), { labels: { app: "web" }, state: "Open" }),
        );
        const found = await store.list({ group, resource, selector });
        expect(names(found.items)).toEqual(finds);
        await create("end", { labels: { end: "1" } });
        const abort = new AbortController();
        const watched: string[] = [];
        for await (const event of store.watch({
          group,
          resource,
          selector,
          fromRevision: 0n,
          sendInitialEvents: true,
          signal: abort.signal,
        })) {
          if (event.type === "BOOKMARK") abort.abort();
          else watched.push(event.object.key.name);
        }
        expect(watched.filter((name) => name !== "end")).toEqual(finds);
      });
    });

    describe("watches", () => {
      test("start after the revision given and see each change once, in order", async () => {
        const a = await create("a");
        await create("b");
        await store.update(at("a"), {}, replaceBy({ text: "2" }));
        await store.delete(at("b"));
        await store.create({ ...at("x"), resource: "issues" }, encode(at("x")));
        await create("c", {}, "other");
        const events = await readSome(store, { fromRevision: a.revision }, 4);
        expect(events.map(shown)).toEqual(["ADDED b 2", "MODIFIED a 3", "DELETED b 4", "ADDED c 6"]);
        const inNamespace = await readSome(store, { fromRevision: a.revision, namespace: "other" }, 1);
        expect(inNamespace.map(shown)).toEqual(["ADDED c 6"]);
      });

      test("see what is written while they wait", async () => {
        const a = await create("a");
        const watching = readSome(store, { fromRevision: a.revision }, 2);
        await create("b");
        await store.delete(at("b"));
        expect((await watching).map(shown)).toEqual(["ADDED b 2", "DELETED b 3"]);
      });

      test("without a revision begin with the current state", async () => {
        await create("b");
        await create("a");
        let third: Promise<unknown> | undefined;
        const events = await readWatch(store, {}, (seen) => {
          if (seen.length === 2) third = create("c");
          return seen.length === 3;
        });
        await third;
        expect(events.map(shown)).toEqual(["ADDED a 2", "ADDED b 1", "ADDED c 3"]);
      });

      test("send initial events and say where they end", async () => {
        await create("a");
        await create("b");
        const events = await readSome(store, { sendInitialEvents: true, fromRevision: 1n }, 3);
        expect(events.map(shown)).toEqual(["ADDED a 1", "ADDED b 2", "BOOKMARK 2 end"]);
      });

      test("with a selector see objects enter and leave it", async () => {
        const web = { labels: { app: "web" } };
        const selector: Selector = { labels: [{ key: "app", operator: "In", values: ["web"] }] };
        await create("a", { ...web, text: "matching" });
        await store.update(at("a"), {}, replaceBy({ labels: { app: "db" }, text: "left" }));
        await store.update(at("a"), {}, replaceBy({ labels: { app: "db" }, text: "still out" }));
        await store.update(at("a"), {}, replaceBy({ ...web, text: "back" }));
        await store.update(at("a"), {}, replaceBy({ ...web, text: "changed" }));
        await create("b", { labels: { app: "db" } });
        await store.delete(at("b"));
        await store.delete(at("a"));
        const events = await readSome(store, { selector, fromRevision: 1n }, 4);
        expect(events.map(shown)).toEqual(["DELETED a 2", "ADDED a 4", "MODIFIED a 5", "DELETED a 8"]);
        const texts = events.map((event) => event.type !== "BOOKMARK" && parsed(event.object).spec.text);
        expect(texts).toEqual(["matching", "back", "changed", "changed"]);
        const inside = events.map(
          (event) => event.type !== "BOOKMARK" && parsed(event.object).metadata.resourceVersion,
        );
        expect(inside).toEqual(["2", "4", "5", "8"]);
      });

      test("share one copy of the bytes", async () => {
        await create("a");
        const [one, two] = await Promise.all([
          readSome(store, { fromRevision: 0n }, 1),
          readSome(store, { fromRevision: 0n }, 1),
        ]);
        expect(one.map(shown)).toEqual(two.map(shown));
        const b = await create("b");
        const [three, four] = await Promise.all([
          readSome(store, { fromRevision: b.revision - 1n }, 1),
          readSome(store, { fromRevision: b.revision - 1n }, 1),
        ]);
        expect(three[0]).toBe(four[0]);
      });

      test("get bookmarks while nothing concerns them", async () => {
        const quick = await harness.open({ bookmarkIntervalMilliseconds: 20 });
        await create("a");
        const watching = readWatch(quick, { fromRevision: 1n, bookmarks: true }, (events) =>
          events.some((event) => event.revision >= 3n),
        );
        await store.create({ ...at("x"), resource: "issues" }, encode(at("x")));
        await store.create({ ...at("y"), resource: "issues" }, encode(at("y")));
        const events = await watching;
        expect(events.every((event) => event.type === "BOOKMARK")).toBe(true);
        expect(events.at(-1)?.revision).toBe(3n);
      });

      test("from the future are refused", async () => {
        await create("a");
        await expect(readSome(store, { fromRevision: 999n }, 1)).rejects.toEqual(reason("Timeout"));
      });

      test("that are slow read from the log what the window has dropped", async () => {
        const small = await harness.open({ windowMaxEvents: 5 });
        const first = await create("first");
        const abort = new AbortController();
        const watching = small.watch({ group, resource, fromRevision: first.revision, signal: abort.signal });
        const iterator = watching[Symbol.asyncIterator]();
        await create("n0");
        expect(shown((await iterator.next()).value as WatchEvent)).toBe("ADDED n0 2");
        await Promise.all(Array.from({ length: 40 }, (_, index) => create(`n${index + 1}`)));
        await small.currentRevision();
        const seen: bigint[] = [];
        while (seen.length < 40) seen.push(((await iterator.next()).value as WatchEvent).revision);
        expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => BigInt(index + 3)));
        abort.abort();
        await iterator.return?.(undefined);
      });

      test("end without an error when told to, and when the store closes", async () => {
        await create("a");
        const aborted = new AbortController();
        const watching = readWatch(store, { fromRevision: 1n, signal: aborted.signal }, () => false);
        aborted.abort();
        expect(await watching).toEqual([]);
        const other = await harness.open();
        const open = readWatch(other, { fromRevision: 1n, signal: undefined }, () => false);
        await other.currentRevision();
        await other.close();
        expect(await open).toEqual([]);
      });
    });

    describe("compaction", () => {
      test("keeps current objects, ends old watches and old pages with Expired", async () => {
        for (const name of ["a", "b", "c"]) await create(name);
        const page = await store.list({ group, resource, limit: 1 });
        await store.update(at("a"), {}, replaceBy({ text: "2" }));
        await store.delete(at("b"));
        const line = (await create("d")).revision;
        await store.compact(line);
        await create("e");
        expect(names((await store.list({ group, resource })).items)).toEqual(["a", "c", "d", "e"]);
        await expect(readSome(store, { fromRevision: 2n }, 1)).rejects.toEqual(reason("Expired"));
        await expect(store.list({ group, resource, limit: 1, continue: page.continue })).rejects.toEqual(
          reason("Expired"),
        );
        const exact = store.list({ group, resource, resourceVersion: "3", resourceVersionMatch: "Exact" });
        await expect(exact).rejects.toEqual(reason("Expired"));
        expect((await readSome(store, { fromRevision: line }, 1)).map(shown)).toEqual([`ADDED e ${line + 1n}`]);
        const now = await store.list({
          group,
          resource,
          resourceVersion: line.toString(),
          resourceVersionMatch: "Exact",
        });
        expect(names(now.items)).toEqual(["a", "c", "d"]);
      });

      test("may be asked for too much, or twice", async () => {
        const a = await create("a");
        await store.compact(a.revision + 100n);
        await store.compact(a.revision);
        await create("b");
        expect((await readSome(store, { fromRevision: a.revision }, 1)).map(shown)).toEqual(["ADDED b 2"]);
      });
    });

    describe("numbers", () => {
      test("count from 1 in each scope, never the same twice", async () => {
        const numbers = await Promise.all(Array.from({ length: 20 }, () => store.nextNumber("acme/web")));
        expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
        expect(await store.nextNumber("acme/other")).toBe(1);
        expect(await store.nextNumber("acme/other", 3)).toBe(2);
        expect(await store.nextNumber("acme/other")).toBe(5);
      });
    });

    describe("blobs", () => {
      const read = async (scope: string, range?: { offset?: number; limitBytes?: number }) => {
        const parts: Buffer[] = [];
        for await (const part of store.readBlob(scope, range)) parts.push(part);
        return Buffer.concat(parts);
      };
      const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * 7) % 256));

      test("give back exactly the bytes, whole and in part", async () => {
        expect(await store.putBlob("jobs/a/log", bytes)).toEqual({ sizeBytes: bytes.length });
        expect((await read("jobs/a/log")).equals(bytes)).toBe(true);
        const part = await read("jobs/a/log", { offset: 300_001, limitBytes: 250_000 });
        expect(part.equals(bytes.subarray(300_001, 550_001))).toBe(true);
        expect((await read("jobs/a/log", { offset: bytes.length })).length).toBe(0);
        await store.putBlob("jobs/a/log", Buffer.from("short"));
        expect((await read("jobs/a/log")).toString()).toBe("short");
      });

      test("grow by appending; a repeated append is told so", async () => {
        await store.appendBlob("log", Buffer.from("one "), { offset: 0 });
        expect(await store.appendBlob("log", Buffer.from("two"), { offset: 4 })).toEqual({ sizeBytes: 7 });
        await expect(store.appendBlob("log", Buffer.from("two"), { offset: 4 })).rejects.toEqual(reason("Conflict"));
        expect((await read("log")).toString()).toBe("one two");
        expect((await read("log", { offset: 2, limitBytes: 3 })).toString()).toBe("e t");
      });

      test("are bounded", async () => {
        const small = await harness.open({ maxBlobBytes: 10 });
        await small.appendBlob("log", Buffer.alloc(8));
        await expect(small.appendBlob("log", Buffer.alloc(8))).rejects.toEqual(reason("RequestEntityTooLarge"));
        expect(await small.statBlob("log")).toEqual({ sizeBytes: 8 });
      });

      test("go when deleted", async () => {
        await store.putBlob("log", bytes);
        await store.deleteBlob("log");
        await store.deleteBlob("log");
        expect(await store.statBlob("log")).toBeUndefined();
        await expect(read("log")).rejects.toEqual(reason("NotFound"));
      });
    });

    describe("order", () => {
      test("random writes of a crowd give every watcher the same unbroken history", async () => {
        const seed = Number(process.env.KRATE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
        console.info(`KRATE_TEST_SEED=${seed}`);
        const stores = [store, setup.replicas === 2 ? await harness.open({ windowMaxEvents: 50 }) : store];
        await randomHistory(stores, seed);
      });
    });

    if (setup.replicas === 2) {
      describe("two replicas", () => {
        test("read what the other has just written", async () => {
          const other = await harness.open();
          for (let round = 0; round < 20; round++) {
            const [one, two] = round % 2 === 0 ? [store, other] : [other, store];
            const key = at("shared");
            if (round === 0) await one.create(key, encode(key, { text: "0" }));
            else await one.update(key, {}, replaceBy({ text: String(round) }));
            expect(parsed((await two.get(key)) as StoredObject).spec.text).toBe(String(round));
            expect(parsed((await two.list({ group, resource })).items[0] as StoredObject).spec.text).toBe(
              String(round),
            );
          }
          await other.delete(at("shared"));
          expect(await store.get(at("shared"))).toBeUndefined();
        });

        test("do not keep an object as it was in a stale copy", async () => {
          const other = await harness.open();
          await create("a", { text: "wanted" });
          await other.get(at("a"));
          await store.update(at("a"), {}, replaceBy({ text: "changed" }));
          const result = await other.update(at("a"), {}, (current) =>
            parsed(current).spec.text === "wanted" ? { do: "keep" } : replaceBy({ text: "wanted" })(current),
          );
          expect(parsed(result.object).spec.text).toBe("wanted");
          expect((await store.get(at("a")))?.revision).toBe(3n);
        });

        test("lose no update and give no number twice between them", async () => {
          const other = await harness.open();
          await create("a", { text: "" });
          const append = (via: Store, letter: string) =>
            via.update(at("a"), {}, (current) => replaceBy({ text: parsed(current).spec.text + letter })(current));
          await Promise.all([..."abcdefghijkl"].map((letter, index) => append(index % 2 ? store : other, letter)));
          expect(parsed((await store.get(at("a"))) as StoredObject).spec.text).toHaveLength(12);
          const numbers = await Promise.all(
            Array.from({ length: 20 }, (_, index) => (index % 2 ? store : other).nextNumber("n")),
          );
          expect(new Set(numbers).size).toBe(20);
        });

        test("see the same gap-free rising sequence under 16 writers on both", async () => {
          const other = await harness.open();
          const writes = 16 * 25;
          const { revision } = await create("first");
          const watching = [store, other].map((replica) => readSome(replica, { fromRevision: revision }, writes));
          const writers = Array.from({ length: 16 }, async (_, writer) => {
            const replica = writer % 2 ? store : other;
            for (let index = 0; index < 25; index++) {
              const key = at(`w${writer}-${index}`);
              await replica.create(key, encode(key));
            }
          });
          await Promise.all(writers);
          const [one, two] = (await Promise.all(watching)).map((events) => events.map(shown));
          expect(one).toEqual(two);
          const revisions = (one as string[]).map((text) => Number(text.split(" ")[2]));
          expect(revisions).toEqual(Array.from({ length: writes }, (_, index) => index + 2));
        });

        test("a continue token works on the other", async () => {
          const other = await harness.open();
          for (const name of ["a", "b", "c"]) await create(name);
          const page = await store.list({ group, resource, limit: 2 });
          expect(names((await other.list({ group, resource, limit: 2, continue: page.continue })).items)).toEqual([
            "c",
          ]);
        });
      });
    }

    testDatabaseFailures(() => ({ harness, store, create }), setup);
  });
}

/** What a reader saw, and the newest revision that had been answered to a writer before the read began. */
type Observation = { before: bigint } & (
  | { list: string[]; revision: bigint }
  | { key: ObjectKey; object: bigint | undefined }
);

/**
 * Writers choose at random what to do on which replica, readers get and list, watchers on each replica follow. Afterwards
 * the watchers must agree on one unbroken history, each list must be the state at its revision, and each read must be at
 * least as new as what had been answered when it began.
 */
async function randomHistory(stores: readonly Store[], seed: number): Promise<void> {
  const random = randomFrom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const { revision } = await (stores[0] as Store).create(at("first"), encode(at("first")));
  const isLast = (event: WatchEvent) => event.type !== "BOOKMARK" && event.object.key.name === "last";
  const seen = stores.map((store) => readWatch(store, { fromRevision: revision }, (events) => events.some(isLast)));
  const objectNames = ["a", "b", "c", "d"];
  const expectedFailures = ["AlreadyExists", "NotFound", "Conflict"];
  let answered = revision;
  let writing = true;

  const writers = Array.from({ length: 8 }, async () => {
    for (let step = 0; step < 40; step++) {
      const key = at(pick(objectNames));
      const store = pick(stores);
      const act = pick<() => Promise<{ revision: bigint }>>([
        () => store.create(key, encode(key, { text: String(step) })),
        async () => (await store.update(key, {}, replaceBy({ text: String(step) }))).object,
        async () =>
          (await store.update(key, { expectedRevision: parseRevision(String(step)) }, replaceBy({ text: "guess" })))
            .object,
        () => store.delete(key),
      ]);
      const written = await act().catch((error: { reason?: string }) => {
        if (!expectedFailures.includes(error.reason ?? "")) throw error;
        return undefined;
      });
      if (written && written.revision > answered) answered = written.revision;
    }
  });
  const observations: Observation[] = [];
  const readers = Array.from({ length: 4 }, async () => {
    while (writing) {
      const store = pick(stores);
      const before = answered;
      if (random() < 0.5) {
        const key = at(pick(objectNames));
        observations.push({ before, key, object: (await store.get(key))?.revision });
      } else {
        const page = await store.list({ group, resource });
        observations.push({ before, revision: page.revision, list: page.items.map(nameAndRevision) });
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await Promise.all(writers);
  await (stores[0] as Store).create(at("last"), encode(at("last")));
  const histories = await Promise.all(seen);
  writing = false;
  await Promise.all(readers);

  const [first] = histories as [WatchEvent[]];
  for (const history of histories) {
    const revisions = history.map((event) => event.revision);
    const unbroken = revisions.map((_, index) => revision + BigInt(index + 1));
    expect({ seed, revisions }).toEqual({ seed, revisions: unbroken });
    expect({ seed, history: history.map(shown) }).toEqual({ seed, history: first.map(shown) });
  }
  checkObservations(observations, stateReplay(revision, first), seed);
  for (const store of stores) {
    const listed = await readAllPages(store, { limit: 2 });
    expect({ seed, listed }).toEqual({ seed, listed: stateReplay(revision, first)(first.at(-1)?.revision ?? 0n).list });
  }
}

const nameAndRevision = ({ key, revision }: StoredObject) => `${key.name}@${revision}`;

/** The state at any revision, from the events of a watcher. */
function stateReplay(start: bigint, events: readonly WatchEvent[]) {
  return (revision: bigint): { list: string[]; objects: Map<string, bigint> } => {
    const objects = new Map<string, bigint>([["first", start]]);
    for (const event of events) {
      if (event.revision > revision || event.type === "BOOKMARK") break;
      if (event.type === "DELETED") objects.delete(event.object.key.name);
      else objects.set(event.object.key.name, event.revision);
    }
    return { list: [...objects].map(([name, at]) => `${name}@${at}`).sort(), objects };
  };
}

function checkObservations(
  observations: readonly Observation[],
  stateAt: ReturnType<typeof stateReplay>,
  seed: number,
): void {
  const newest = observations.reduce((max, each) => later(max, "list" in each ? each.revision : each.before), 0n);
  for (const seen of observations) {
    if ("list" in seen) {
      expect({ seed, fresh: seen.revision >= seen.before }).toEqual({ seed, fresh: true });
      expect({ seed, ...seen }).toEqual({ seed, ...seen, list: stateAt(seen.revision).list });
      continue;
    }
    const possible = new Set<bigint | undefined>();
    for (let at = seen.before; at <= newest + 1n; at++) possible.add(stateAt(at).objects.get(seen.key.name));
    expect({ seed, ...seen, possible: possible.has(seen.object) }).toEqual({ seed, ...seen, possible: true });
  }
}

function testDatabaseFailures(
  context: () => { harness: StoreHarness; store: Store; create: (name: string) => Promise<StoredObject> },
  setup: ConformanceSetup,
): void {
  if (setup.replicas === 1) return;
  describe("when the database goes away", () => {
    test.each(["clean", "crash"] as const)("a %s restart loses nothing and watches go on", async (how) => {
      const { harness, store, create } = context();
      const a = await create("a");
      const watching = readSome(store, { fromRevision: a.revision }, 2);
      await create("b");
      await harness.database?.restart(how);
      await untilReady(store);
      expect(names((await store.list({ group, resource })).items)).toEqual(["a", "b"]);
      await create("c");
      expect((await watching).map(shown)).toEqual(["ADDED b 2", "ADDED c 3"]);
    });

    test("reads and writes say so, and work again when it is back", async () => {
      const { harness, store, create } = context();
      await create("a");
      await harness.database?.down();
      await expect(create("b")).rejects.toEqual(
        expect.objectContaining({ reason: expect.stringMatching(/ServiceUnavailable|Timeout/) }),
      );
      await expect(create("b")).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(store.get(at("a"))).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(store.list({ group, resource })).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(store.ready()).rejects.toEqual(reason("ServiceUnavailable"));
      await harness.database?.up();
      await untilReady(store);
      await create("b");
      expect(names((await store.list({ group, resource })).items)).toEqual(["a", "b"]);
    });

    test("another replica's writes arrive after its nudges were lost", async () => {
      const { harness, store, create } = context();
      const other = await harness.open();
      const a = await create("a");
      await harness.database?.restart("crash");
      await untilReady(store);
      await untilReady(other);
      const watching = readSome(other, { fromRevision: a.revision }, 1);
      await create("b");
      expect((await watching).map(shown)).toEqual(["ADDED b 2"]);
    });
  });
}

/** Sessions that died with the server are found out one by one. */
async function untilReady(store: Store): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      await store.ready();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await store.ready();
}
