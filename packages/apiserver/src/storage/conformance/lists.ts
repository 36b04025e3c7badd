import { describe, expect, test } from "@jest/globals";
import type { ListOptions, Selector, StoredObject } from "../store.ts";
import { at, encode, group, names, parsed, readAllPages, reason, replaceBy, resource, type World } from "./fixtures.ts";

/** Pages, consistency, selectors, streams. */
export function listTests(world: World): void {
  describe("lists", () => {
    const list = (options: Partial<ListOptions> = {}) => world.store.list({ group, resource, ...options });

    test("are empty where nothing was ever written", async () => {
      expect(await list()).toMatchObject({ items: [], revision: 0n });
    });

    test("are in order of namespace and name, and know their revision", async () => {
      await world.create("b");
      await world.create("a", {}, "zeta");
      await world.create("a");
      await world.store.create({ ...at("x"), resource: "issues" }, encode(at("x")));
      const page = await list();
      expect(page.items.map(({ key }) => `${key.namespace}/${key.name}`)).toEqual(["acme/a", "acme/b", "zeta/a"]);
      expect(page.revision).toBe(await world.store.currentRevision());
      expect(names((await list({ namespace: "zeta" })).items)).toEqual(["a"]);
    });

    test("come in pages that know how much follows", async () => {
      for (const name of ["a", "b", "c", "d", "e"]) await world.create(name);
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
      for (const name of ["a", "b", "c", "d", "e"]) await world.create(name);
      const before = await readAllPages(world.store, { limit: 10 });
      const first = await list({ limit: 2 });
      await world.store.delete(at("a"));
      await world.store.update(at("c"), {}, replaceBy({ text: "new" }));
      await world.store.update(at("c"), {}, replaceBy({ text: "newer" }));
      await world.store.delete(at("d"));
      await world.create("d", { text: "another d" });
      await world.store.delete(at("e"));
      await world.create("cc");
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
      const first = await world.create("a", { text: "1" });
      await world.store.update(at("a"), {}, replaceBy({ text: "2" }));
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
      await world.create("a");
      await world.create("b");
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
      await Promise.all(wanted.map((name) => world.create(name)));
      const stream = await world.store.listStream({ group, resource });
      const found: string[] = [];
      for await (const chunk of stream.chunks) found.push(...names(chunk));
      expect(found).toEqual(wanted);
      expect(stream.end()).toEqual({});
    });

    test("stream a selection of any number, with the revision's state throughout", async () => {
      const wanted = Array.from({ length: 1_234 }, (_, index) => `n${String(index).padStart(5, "0")}`);
      const labelled = { labels: { app: "web" } };
      await Promise.all(wanted.map((name) => world.create(name, labelled)));
      await world.create("other");
      const selector: Selector = { labels: [{ key: "app", operator: "In", values: ["web"] }] };
      const stream = await world.store.listStream({ group, resource, selector });
      const found: string[] = [];
      for await (const chunk of stream.chunks) {
        found.push(...names(chunk));
        await world.store.update(at("n01233"), {}, replaceBy({ labels: { app: "gone" } }));
        await world.store.create(at(`o${found.length}`), encode(at(`o${found.length}`), labelled));
      }
      expect(found).toEqual(wanted);
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
      await world.create("a", { labels: { app: "web", n: "2" }, state: "Open" });
      await world.create("b", { labels: { app: "web", n: "10" }, state: long });
      await world.create("c", { labels: { app: "db", n: "ten" }, state: "Open" });
      await world.create("d", { labels: { odd: "' or 1=1 --" } });
      await world.store.create(
        { ...at("a"), resource: "issues" },
        encode(at("a"), { labels: { app: "web" }, state: "Open" }),
      );
      const found = await world.store.list({ group, resource, selector });
      expect(names(found.items)).toEqual(finds);
      await world.create("end", { labels: { end: "1" } });
      const abort = new AbortController();
      const watched: string[] = [];
      for await (const event of world.store.watch({
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
}
