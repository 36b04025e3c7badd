import { describe, expect, test } from "@jest/globals";
import { silentLog } from "@krate/postgres";
import { type ChangeType, LogEvent } from "../log-event.ts";
import { compareKeys, type StoredRow } from "../row.ts";
import { type RememberedList, ResourceCache } from "./resource-cache.ts";

const scope = { group: "", resource: "pods" };
const first = { exactly: undefined, after: undefined, limit: 3, conditions: [] };
const rowBytes = 1_000;

function row(name: string, revision: bigint, namespace = "n"): StoredRow {
  return { key: { ...scope, namespace, name }, revision, bytes: Buffer.alloc(300), revisionOffset: 0, tags: [] };
}

/** A cache over a table that is a Map; `write` is a commit that the log reports. */
function setUp(maxRows: number) {
  const table = new Map<string, StoredRow>();
  let tail = 0n;
  let gate = Promise.resolve();
  const sorted = () => [...table.values()].sort((a, b) => compareKeys(a.key, b.key));
  const cache = new ResourceCache({
    maxBytes: maxRows * rowBytes,
    tail: () => tail,
    async *load() {
      const rows = sorted();
      for (let at = 0; at < rows.length || at === 0; at += 2) {
        await gate;
        yield rows.slice(at, at + 2);
      }
    },
    now: () => 0,
    log: silentLog,
  });
  const write = (change: ChangeType, name: string, namespace = "n") => {
    const written = row(name, tail + 1n, namespace);
    if (change === "deleted") table.delete(`${namespace}/${name}`);
    else table.set(`${namespace}/${name}`, written);
    const handled = cache.apply(new LogEvent(change, written, undefined));
    tail = written.revision;
    return handled;
  };
  const loaded = async () => {
    cache.list(scope, first);
    cache.list(scope, first);
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  };
  const hold = (until: Promise<void>): void => {
    gate = until;
  };
  return { cache, write, loaded, sorted, hold, tail: () => tail };
}

const rowsOf = (list: RememberedList | undefined) => (list ? [...list.rows.chunks()].flat() : []);
const names = (list: RememberedList | undefined) => list && rowsOf(list).map((each) => each.key.name);

describe("ResourceCache", () => {
  test("answers once a resource was listed twice and loaded, and follows the log", async () => {
    const { cache, write, loaded } = setUp(100);
    for (const name of ["a", "b", "c", "d"]) write("created", name);
    expect(cache.list(scope, first)).toBeUndefined();
    await loaded();
    expect(cache.list(scope, first)).toMatchObject({ revision: 4n, more: true });
    expect(write("deleted", "a")).toBe(true);
    write("updated", "c");
    write("created", "aa");
    expect(names(cache.list(scope, { ...first, limit: 10 }))).toEqual(["aa", "b", "c", "d"]);
    expect(cache.get({ ...scope, namespace: "n", name: "a" })).toEqual({ known: true, row: undefined });
    expect(cache.get({ ...scope, namespace: "n", name: "c" }).row?.revision).toBe(6n);
  });

  test("does not lose what is written while it loads", async () => {
    const { cache, write, loaded, hold } = setUp(100);
    for (const name of ["a", "b", "c"]) write("created", name);
    const gate = Promise.withResolvers<void>();
    hold(gate.promise);
    await loaded();
    write("deleted", "a");
    write("updated", "b");
    write("created", "d");
    expect(cache.list(scope, first)).toBeUndefined();
    gate.resolve();
    await loaded();
    const list = cache.list(scope, { ...first, limit: 10 });
    expect(rowsOf(list).map((each) => `${each.key.name}@${each.revision}`)).toEqual(["b@5", "c@3", "d@6"]);
  });

  test("answers with what has been read while the rest is still being read", async () => {
    const { cache, write, loaded, hold } = setUp(100);
    for (const name of ["a", "b", "c", "e"]) write("created", name);
    const gate = Promise.withResolvers<void>();
    cache.list(scope, first);
    cache.list(scope, first);
    await Promise.resolve();
    await Promise.resolve();
    hold(gate.promise);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(write("updated", "a")).toBe(true);
    expect(write("created", "d")).toBe(false);
    expect(write("deleted", "e")).toBe(false);
    const page = cache.list(scope, { ...first, limit: 1 });
    expect(page).toMatchObject({ revision: 7n, more: true });
    expect(rowsOf(page).map((each) => `${each.key.name}@${each.revision}`)).toEqual(["a@5"]);
    expect(cache.list(scope, first)).toBeUndefined();
    gate.resolve();
    await loaded();
    expect(names(cache.list(scope, { ...first, limit: 10 }))).toEqual(["a", "b", "c", "d"]);
  });

  test("a list keeps what it saw while the resource changes", async () => {
    const { cache, write, loaded } = setUp(100);
    for (const name of ["a", "b", "c"]) write("created", name);
    await loaded();
    const page = cache.list(scope, { ...first, limit: 10 });
    write("deleted", "a");
    write("updated", "b");
    expect(rowsOf(page).map((each) => `${each.key.name}@${each.revision}`)).toEqual(["a@1", "b@2", "c@3"]);
  });

  test("answers for an exact revision only while nothing of the resource changed since", async () => {
    const { cache, write, loaded, tail } = setUp(100);
    write("created", "a");
    await loaded();
    const then = tail();
    expect(cache.list(scope, { ...first, exactly: then })).toBeDefined();
    write("updated", "a");
    expect(cache.list(scope, { ...first, exactly: then })).toBeUndefined();
  });

  test("holds the first part of a resource that is too large", async () => {
    const { cache, write, loaded } = setUp(6);
    for (const name of "abcdefghijklmnop") write("created", name);
    await loaded();
    expect(names(cache.list(scope, first))).toEqual(["a", "b", "c"]);
    expect(cache.list(scope, { ...first, limit: 100 })).toBeUndefined();
    expect(cache.list(scope, { ...first, after: { namespace: "n", name: "o" } })).toBeUndefined();
    expect(cache.get({ ...scope, namespace: "n", name: "p" })).toEqual({ known: false });
    expect(write("updated", "p")).toBe(false);
    expect(write("updated", "b")).toBe(true);
    expect(cache.bytes).toBeLessThanOrEqual(6 * rowBytes);
  });

  test("knows an object by its name up to the bound, and whether it is there", async () => {
    const { cache, write, loaded } = setUp(6);
    for (const name of "abcdefghijklmnop") write("created", name);
    await loaded();
    const byName = (name: string) =>
      names(
        cache.list(
          { ...scope, namespace: "n" },
          { ...first, conditions: [{ on: "key", part: "name", value: name, negate: false }] },
        ),
      );
    expect(byName("b")).toEqual(["b"]);
    expect(byName("bb")).toEqual([]);
    expect(byName("p")).toBeUndefined();
  });

  test("answers for a namespace that ends before the bound", async () => {
    const { cache, write, loaded } = setUp(6);
    for (const name of "ab") write("created", name, "first");
    for (const name of "cdefghijklmnop") write("created", name, "second");
    await loaded();
    expect(cache.list({ ...scope, namespace: "first" }, { ...first, limit: 100 })).toMatchObject({ more: false });
    expect(cache.list({ ...scope, namespace: "second" }, { ...first, limit: 100 })).toBeUndefined();
    expect(cache.list({ ...scope, namespace: "third" }, { ...first, limit: 100 })).toBeUndefined();
  });

  test("never holds more than its bytes as resources grow", async () => {
    const { cache, write, loaded, sorted } = setUp(10);
    write("created", "m");
    await loaded();
    for (let index = 0; index < 3_000; index++) write("created", `x${(index * 7_919) % 3_000}`);
    expect(cache.bytes).toBeLessThanOrEqual(10 * rowBytes);
    await loaded();
    const page = cache.list(scope, first);
    expect(names(page)).toEqual(
      sorted()
        .slice(0, 3)
        .map((each) => each.key.name),
    );
  });
});
