/** The rules in short; `reference/apply.test.ts` compares whole sequences with a real kube-apiserver. */
import { describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../json.ts";
import { dig } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { applyConfiguration, trackUpdate } from "./field-manager.ts";

const text: Schema = { type: "string" };
const schema: Schema = {
  type: "object",
  properties: {
    metadata: { type: "object", properties: { name: text, labels: { type: "object", additionalProperties: text } } },
    spec: {
      type: "object",
      properties: {
        title: text,
        steps: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: { type: "object", properties: { name: text, run: text } },
        },
      },
    },
    status: { type: "object", properties: { phase: text } },
  },
};
const apiVersion = "x/v1";
const options = (manager: string, seconds = 0) => ({ schema, apiVersion, manager, now: new Date(seconds * 1000) });
const object = (spec: JsonObject): JsonObject => ({ apiVersion, kind: "X", metadata: { name: "a" }, spec });
const owners = (of: JsonObject) =>
  (dig(of, "metadata", "managedFields") as JsonObject[]).map(({ manager, operation, time }) => [
    manager,
    operation,
    time,
  ]);

describe("applyConfiguration", () => {
  it("claims what it applies and removes what it no longer does", () => {
    const first = applyConfiguration(undefined, object({ title: "t", steps: [{ name: "x", run: "r" }] }), options("a"));
    expect(dig(first, "metadata", "managedFields")).toEqual([
      {
        manager: "a",
        operation: "Apply",
        apiVersion,
        time: "1970-01-01T00:00:00Z",
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:spec": { "f:steps": { 'k:{"name":"x"}': { ".": {}, "f:name": {}, "f:run": {} } }, "f:title": {} },
        },
      },
    ]);
    expect(applyConfiguration(first, object({ title: "t" }), options("a")).spec).toEqual({ title: "t" });
  });

  it("names each conflict as kubectl shows it", () => {
    const live = applyConfiguration(undefined, object({ title: "t", steps: [{ name: "x", run: "r" }] }), options("a"));
    const other = object({ title: "u", steps: [{ name: "x", run: "s" }] });
    expect(() => applyConfiguration(live, other, options("b"))).toThrow(
      'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.title\n- .spec.steps[name="x"].run',
    );
    expect(() => applyConfiguration(live, object({ title: "u" }), options("b"))).toThrow(
      expect.objectContaining({
        code: 409,
        message: 'Apply failed with 1 conflict: conflict with "a": .spec.title',
        details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "a"', field: ".spec.title" }] },
      }),
    );
    const forced = applyConfiguration(live, other, { ...options("b"), force: true });
    expect(forced.spec).toEqual(other.spec);
  });

  it("keeps the time when nothing changes", () => {
    const first = applyConfiguration(undefined, object({ title: "t" }), options("a", 1));
    const again = applyConfiguration(first, object({ title: "t" }), options("a", 9));
    expect(again).toEqual(first);
  });

  it("refuses configurations of another version and with managedFields", () => {
    expect(() => applyConfiguration(undefined, { ...object({}), apiVersion: "x/v2" }, options("a"))).toThrow(
      /expected: x\/v1/,
    );
    const withManaged = { ...object({}), metadata: { managedFields: [] } };
    expect(() => applyConfiguration(undefined, withManaged, options("a"))).toThrow(
      "metadata.managedFields must be nil",
    );
  });

  it("changes neither argument", () => {
    const live = applyConfiguration(undefined, object({ title: "t" }), options("a"));
    const configuration = object({ steps: [{ name: "x" }] });
    const before = JSON.stringify([live, configuration]);
    applyConfiguration(live, configuration, options("b"));
    expect(JSON.stringify([live, configuration])).toBe(before);
  });
});

describe("trackUpdate", () => {
  it("gives changed fields to the writer and takes them from others", () => {
    const live = applyConfiguration(undefined, object({ title: "t" }), options("a"));
    const next = trackUpdate(live, { ...live, spec: { title: "u" } }, options("m"));
    expect(owners(next)).toEqual([["m", "Update", "1970-01-01T00:00:00Z"]]);
  });

  it("leaves status to the status subresource", () => {
    const created = trackUpdate(undefined, { ...object({ title: "t" }), status: { phase: "x" } }, options("m"));
    expect(JSON.stringify(created.metadata)).not.toContain("f:status");
    const status = trackUpdate(
      created,
      { ...created, status: { phase: "y" } },
      { ...options("c"), subresource: "status" },
    );
    expect((dig(status, "metadata", "managedFields") as JsonObject[])[0]).toMatchObject({
      manager: "c",
      subresource: "status",
      fieldsV1: { "f:status": { "f:phase": {} } },
    });
  });

  it("keeps at most ten updaters apart and merges the oldest", () => {
    let live = trackUpdate(undefined, object({ title: "t" }), options("m0"));
    live = { ...live, metadata: { ...(live.metadata as JsonObject), uid: "u", labels: {} } };
    for (let i = 1; i <= 12; i++) {
      const metadata = live.metadata as JsonObject;
      const next = {
        ...live,
        metadata: { ...metadata, labels: { ...(metadata.labels as JsonObject), [`l${i}`]: "x" } },
      };
      live = trackUpdate(live, next, options(`m${i}`, i));
    }
    const names = owners(live).map(([manager]) => manager);
    expect(names).toHaveLength(10);
    expect(names[0]).toBe("ancient-changes");
    expect(names.at(-1)).toBe("m12");
  });

  it("forgets owners when asked to, and tracks again from the next apply", () => {
    const live = applyConfiguration(undefined, object({ title: "t" }), options("a"));
    const stored = { ...live, metadata: { ...(live.metadata as JsonObject), uid: "u" } };
    const reset = trackUpdate(
      stored,
      { ...stored, metadata: { name: "a", uid: "u", managedFields: [{}] } },
      options("m"),
    );
    expect(dig(reset, "metadata", "managedFields")).toBeUndefined();
    const applied = applyConfiguration(reset, object({ title: "t" }), options("b"));
    expect(owners(applied).map(([manager]) => manager)).toEqual(["b", "before-first-apply"]);
  });
});
