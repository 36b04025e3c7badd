/** What holds for every configuration that anybody may apply, over a schema with scalars, maps, atomic lists, sets and keyed lists. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { JsonObject } from "../json.ts";
import { cloneJson, dig, isObject } from "../json.ts";
import { compileSchema } from "../schema/compile.ts";
import { applyConfiguration, trackUpdate } from "./field-manager.ts";

const string = { type: "string" } as const;
const { schema } = compileSchema({
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        a: string,
        b: { type: "integer" },
        map: { type: "object", additionalProperties: string },
        atomic: { type: "array", items: string, "x-kubernetes-list-type": "atomic" },
        set: { type: "array", items: string, "x-kubernetes-list-type": "set" },
        items: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: { type: "object", properties: { name: string, value: { type: "integer" } } },
        },
      },
    },
  },
});
const apiVersion = "example.com/v1";
const options = (manager: string) => ({ schema, apiVersion, manager, now: new Date("2026-01-02T03:04:05Z") });

const word = fc.constantFrom("x", "y", "z");
const optional = { requiredKeys: [] as never[] };
// No empty maps and lists: what is left of one that loses its last member is nothing, whoever else had applied it empty.
const spec = fc.record(
  {
    a: word,
    b: fc.integer({ min: 0, max: 3 }),
    map: fc.dictionary(word, word, { minKeys: 1, maxKeys: 2 }),
    atomic: fc.array(word, { minLength: 1, maxLength: 3 }),
    set: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
    items: fc.uniqueArray(
      fc.record({ name: word, value: fc.integer({ min: 0, max: 3 }) }, { requiredKeys: ["name"] }),
      {
        minLength: 1,
        maxLength: 3,
        selector: ({ name }) => name,
      },
    ),
  },
  optional,
);
const configuration = spec.map(
  (value): JsonObject => ({ apiVersion, kind: "Thing", metadata: { name: "t" }, spec: value as JsonObject }),
);

function managers(object: JsonObject): string[] {
  return ((dig(object, "metadata", "managedFields") ?? []) as JsonObject[]).map(({ manager }) => String(manager));
}

/** As it would be stored: with a uid, so that it is not taken for new. */
function stored(object: JsonObject): JsonObject {
  return { ...object, metadata: { ...(object["metadata"] as JsonObject), uid: "u" } };
}

/** Everything `part` says stands in `whole`: members in maps, members of sets, items by their key. */
function holds(whole: unknown, part: unknown, key = ""): boolean {
  if (Array.isArray(part) && Array.isArray(whole)) {
    if (key === "set") return part.every((each) => whole.includes(each));
    if (key === "items") {
      return (part as JsonObject[]).every((item) =>
        (whole as JsonObject[]).some((each) => each["name"] === item["name"] && holds(each, item)),
      );
    }
    return JSON.stringify(part) === JSON.stringify(whole);
  }
  if (isObject(part as JsonObject) && isObject(whole as JsonObject)) {
    return Object.entries(part as JsonObject).every(([name, member]) =>
      holds((whole as JsonObject)[name], member, name),
    );
  }
  return part === whole;
}

const first = (config: JsonObject) => stored(applyConfiguration(undefined, config, options("ada")));

describe("server-side apply, for every configuration", () => {
  test("what is applied is there afterwards, and neither argument is changed", () => {
    fc.assert(
      fc.property(configuration, configuration, (one, two) => {
        const live = first(one);
        const before = [cloneJson(live), cloneJson(two)];
        const result = applyConfiguration(live, two, { ...options("bob"), force: true });
        expect([live, two]).toEqual(before);
        expect(holds(result["spec"], two["spec"])).toBe(true);
      }),
    );
  });

  test("applying the same again changes nothing", () => {
    fc.assert(
      fc.property(configuration, (one) => {
        const live = first(one);
        const later = { ...options("ada"), now: new Date("2027-01-01T00:00:00Z") };
        expect(applyConfiguration(live, one, later)).toEqual(live);
      }),
    );
  });

  test("leaving out everything removes what one alone applied, and one's entry", () => {
    fc.assert(
      fc.property(configuration, (one) => {
        const nothing = { apiVersion, kind: "Thing", metadata: { name: "t" } };
        const result = applyConfiguration(first(one), nothing, options("ada"));
        expect(managers(result)).toEqual([]);
        expect(holds({}, result["spec"] ?? {})).toBe(true);
      }),
    );
  });

  test("what another manager owns stays when one leaves everything out", () => {
    fc.assert(
      fc.property(configuration, configuration, (one, two) => {
        const both = stored(applyConfiguration(first(one), two, { ...options("bob"), force: true }));
        const nothing = { apiVersion, kind: "Thing", metadata: { name: "t" } };
        expect(holds(applyConfiguration(both, nothing, options("ada"))["spec"] ?? {}, two["spec"])).toBe(true);
      }),
    );
  });

  test("without force either nothing of another manager changes, or it is refused with 409", () => {
    fc.assert(
      fc.property(configuration, configuration, (one, two) => {
        const live = first(one);
        let result: JsonObject;
        try {
          result = applyConfiguration(live, two, options("bob"));
        } catch (error) {
          expect(error).toMatchObject({ code: 409 });
          return;
        }
        expect(holds(result["spec"], one["spec"])).toBe(true);
      }),
    );
  });

  test("who forces may apply the same again without", () => {
    fc.assert(
      fc.property(configuration, configuration, (one, two) => {
        const forced = stored(applyConfiguration(first(one), two, { ...options("bob"), force: true }));
        expect(applyConfiguration(forced, two, options("bob"))).toEqual(forced);
      }),
    );
  });

  test("an update by somebody leaves no field with two owners who want different things", () => {
    fc.assert(
      fc.property(configuration, configuration, (one, two) => {
        const live = first(one);
        const next = { ...cloneJson(live), spec: cloneJson(two["spec"] as JsonObject) };
        const updated = trackUpdate(live, next, options("eve"));
        // Whoever applied still owns only what is as it was applied: applying it conflicts, or changes nothing of eve's.
        try {
          expect(holds(applyConfiguration(updated, one, options("ada"))["spec"], one["spec"])).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 409 });
        }
      }),
    );
  });
});
