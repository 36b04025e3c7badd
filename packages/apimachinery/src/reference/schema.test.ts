/** Pruning, defaults, validation texts, warnings and Tables beside a real kube-apiserver. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { applyFieldValidation, decodeObject } from "../decode/index.ts";
import type { JsonObject } from "../json.ts";
import { cloneJson, dig, isObject } from "../json.ts";
import { compileSchema, validateObjectMeta } from "../schema/index.ts";
import type { Schema } from "../schema/types.ts";
import { renderTable, tableConvertor } from "../table/index.ts";
import { causesOf, ReferenceKind } from "./custom-resource.ts";

const text: Schema = { type: "string" };
const schema: Schema = {
  type: "object",
  required: ["spec"],
  properties: {
    apiVersion: text,
    kind: text,
    metadata: { type: "object" },
    spec: {
      type: "object",
      required: ["title"],
      properties: {
        title: { type: "string", minLength: 1, maxLength: 10 },
        state: { type: "string", enum: ["Open", "Closed"], default: "Open" },
        count: { type: "integer", minimum: 1, maximum: 5 },
        ratio: { type: "number", minimum: 0, exclusiveMinimum: true },
        name: { type: "string", pattern: "^[a-z]+$" },
        port: { "x-kubernetes-int-or-string": true },
        when: { type: "string", format: "date-time" },
        maybe: { type: "string", nullable: true },
        tags: { type: "array", items: text, maxItems: 2, minItems: 1, "x-kubernetes-list-type": "set" },
        steps: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            required: ["name"],
            properties: { name: text, retries: { type: "integer", default: 3 } },
          },
        },
        env: { type: "object", additionalProperties: text, maxProperties: 1 },
        free: {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          properties: { known: { type: "object" } },
        },
        template: {
          type: "object",
          "x-kubernetes-embedded-resource": true,
          "x-kubernetes-preserve-unknown-fields": true,
        },
        nested: {
          type: "object",
          default: {},
          properties: { a: { type: "string", default: "A" }, b: { type: "boolean" } },
        },
      },
    },
  },
};

const specs: JsonObject[] = [
  { title: "ok" },
  {},
  { title: 3 },
  { title: "" },
  { title: "x".repeat(11) },
  { title: "t", state: "Lost" },
  { title: "t", state: 3 },
  { title: "t", count: 0 },
  { title: "t", count: 9 },
  { title: "t", count: "1" },
  { title: "t", ratio: 0 },
  { title: "t", name: "A1" },
  { title: "t", port: true },
  { title: "t", port: "http" },
  { title: "t", when: "noon" },
  { title: "t", when: "2026-02-28T10:00:00Z" },
  { title: "t", tags: ["a", "b", "c"] },
  { title: "t", tags: [] },
  { title: "t", tags: ["a", "a"] },
  { title: "t", tags: "a" },
  { title: "t", tags: [1] },
  { title: "t", steps: [{ name: "a" }, { name: "a" }] },
  { title: "t", steps: [{ name: "a" }, {}] },
  { title: "t", steps: [null] },
  { title: "t", env: { a: "1", b: "2" } },
  { title: "t", env: { "a.b/c": 1 } },
  { title: "t", template: { apiVersion: "v1", kind: "Pod", metadata: { name: "x", bad: 1 }, spec: { any: 1 } } },
  { title: "t", maybe: null, name: null, state: null },
  { title: "t", nested: null, steps: [{ name: "a", retries: null, odd: 1 }] },
  { title: "t", nested: { b: true, c: 1 }, unknown: { x: 1 }, free: { x: { y: 1 }, known: { z: 1 } } },
  { title: "t", nested: [] },
];

const metadatas: JsonObject[] = [
  { name: "Upper" },
  { name: "a_b" },
  { name: "x".repeat(254) },
  { name: "t", labels: { "a b": "x" } },
  { name: "t", labels: { a: "x:y" } },
  { name: "t", labels: { "/a": "" } },
  { name: "t", labels: { "a/b/c": "" } },
  { name: "t", labels: { [`${"p".repeat(254)}/a`]: "x" } },
  { name: "t", labels: { a: "x".repeat(64) } },
  { name: "t", annotations: { "A B": "x" } },
  { name: "t", annotations: { a: "x".repeat(256 * 1024) } },
  { name: "t", finalizers: ["a b"] },
  { name: "t", finalizers: ["example.com/ok"] },
  { name: "t", ownerReferences: [{ apiVersion: "v1", kind: "Event", name: "e", uid: "u" }] },
  { name: "t", ownerReferences: [{ apiVersion: "", kind: "", name: "", uid: "" }] },
  {
    name: "t",
    ownerReferences: ["p", "q"].map((name) => ({ apiVersion: "v1", kind: "Pod", name, uid: name, controller: true })),
  },
];

const texts = [
  '{"spec":{"title":"a","title":"b"}}',
  '{"spec":{"title":"a","steps":[{"name":"x","name":"x","odd":1}]},"extra":1}',
  '{"metadata":{"name":"t","unheard":1},"spec":{"title":"a","env":{"k":"1","k":"2"}}}',
];

const columns = [
  { name: "Title", type: "string", jsonPath: ".spec.title" },
  { name: "Count", type: "integer", jsonPath: ".spec.count", priority: 1, description: "how many" },
  { name: "Ratio", type: "number", jsonPath: ".spec.ratio" },
  { name: "Second", type: "string", jsonPath: ".spec.steps[1].name" },
  { name: "Retries", type: "integer", jsonPath: '.spec.steps[?(@.name=="a")].retries' },
  { name: "Tags", type: "string", jsonPath: ".spec.tags" },
  { name: "Env", type: "string", jsonPath: ".spec.env" },
  { name: "All", type: "string", jsonPath: ".spec.steps[*].name" },
  { name: "Nothing", type: "string", jsonPath: ".spec.none" },
  { name: "Wrong", type: "boolean", jsonPath: ".spec.title" },
  { name: "When", type: "date", jsonPath: ".spec.when" },
  { name: "Version", type: "string", jsonPath: ".apiVersion" },
];

skipWithout("envtest")("schemas beside kube-apiserver", () => {
  const controlPlane = withControlPlane();
  const compiled = compileSchema(schema);
  let kind: ReferenceKind;

  beforeAll(async () => {
    kind = new ReferenceKind(controlPlane(), eventually);
    const defined = await kind.define(schema, { columns: columns as JsonObject[] });
    expect(causesOf(defined.body)).toEqual([]);
    const wrong = { method: "POST", path: `${kind.path}?dryRun=All`, body: kind.object({}) };
    await eventually(async () => (await kind.send(wrong)).code === 422, {
      timeoutSeconds: 10,
      description: "the schema",
    });
  }, 60_000);

  afterAll(() => kind?.remove());

  function here(object: JsonObject): { causes?: string[]; spec?: JsonObject } {
    const copy = cloneJson(object);
    compiled.prune(copy);
    compiled.applyDefaults(copy);
    const metaErrors = validateObjectMeta(copy.metadata as JsonObject, { namespaced: false });
    const errors = [...metaErrors, ...compiled.validate(copy)].map(({ field, message }) => `${field}: ${message}`);
    return errors.length > 0 ? { causes: errors.sort() } : { spec: copy.spec as JsonObject };
  }

  async function there(object: JsonObject): Promise<{ causes?: string[]; spec?: JsonObject }> {
    const { code, body } = await kind.send({ method: "POST", path: `${kind.path}?dryRun=All`, body: object });
    return code < 300 ? { spec: body.spec as JsonObject } : { causes: causesOf(body).sort() };
  }

  test.each(specs)("spec %j", async (spec) => {
    const object = kind.object(spec);
    expect(here(object)).toEqual(await there(object));
  });

  test.each(metadatas.map((metadata) => [JSON.stringify(metadata).slice(0, 80), metadata] as const))(
    "metadata %s",
    async (_text, metadata) => {
      const object = kind.object({ title: "t" }, metadata);
      expect(here(object)).toEqual(await there(object));
    },
  );

  describe("unknown and duplicate fields", () => {
    test.each(texts)("%s", async (body) => {
      const whole = `{"apiVersion":"${kind.group}/v1","kind":"Thing",${body.includes("metadata") ? "" : '"metadata":{"name":"t"},'}${body.slice(1)}`;
      const subject = () => {
        const { object, duplicateFields } = decodeObject(whole, "application/json");
        return { kind: "Thing", version: "v1", duplicateFields, unknownFields: compiled.prune(object) };
      };
      const warned = await kind.send({
        method: "POST",
        path: `${kind.path}?dryRun=All&fieldValidation=Warn`,
        body: whole,
      });
      expect(applyFieldValidation("Warn", subject())).toEqual(warned.warnings);
      const strict = await kind.send({
        method: "POST",
        path: `${kind.path}?dryRun=All&fieldValidation=Strict`,
        body: whole,
      });
      expect(() => applyFieldValidation("Strict", subject())).toThrow(String(strict.body.message));
    });
  });

  test("a Table has the same columns and cells", async () => {
    const spec = {
      title: "t",
      count: 4,
      ratio: 1.5,
      steps: [{ name: "a" }, { name: "b" }],
      tags: ["x", "y"],
      env: { k: "v" },
      when: "2020-01-01T00:00:00Z",
    };
    const created = await kind.send({ method: "POST", path: kind.path, body: kind.object(spec, { name: "table" }) });
    const answer = await kind.send({
      method: "GET",
      path: kind.path,
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    const ours = renderTable(tableConvertor(columns as never), [created.body], { now: new Date() });
    const rows = (answer.body.rows as JsonObject[]).filter(isObject);
    expect(ours.rows[0]?.cells).toEqual(rows[0]?.cells);
    const definitions = (answer.body.columnDefinitions as JsonObject[]).slice(1);
    expect(ours.columnDefinitions?.slice(1)).toEqual(definitions);
    expect(dig(rows[0], "object", "kind")).toBe("PartialObjectMetadata");
  });
});
