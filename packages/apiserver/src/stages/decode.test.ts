import { beforeEach, describe, expect, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { defaultLimits } from "../services.ts";
import { type Fixture, fixture, widget, widgetPath } from "../testing/fixture.ts";

let server: Fixture;
beforeEach(async () => {
  server = fixture({
    services: { limits: { ...defaultLimits, maxBodyBytes: 4096 } },
  });
  await server.send({ method: "POST", url: widgetPath, body: widget("a") });
});

const create = (body: object | string, query = "") =>
  server.send({ method: "POST", url: `${widgetPath}${query}`, body });
const patch = (type: string, body: object | string, query = "") =>
  server.send({
    method: "PATCH",
    url: `${widgetPath}/a${query}`,
    headers: { "content-type": `application/${type}` },
    body,
  });

describe("create", () => {
  const refused = [
    { body: "{", status: 400, reason: "malformed JSON" },
    { body: { ...widget("b"), kind: "Gadget" }, status: 400, reason: "another kind" },
    { body: { ...widget("b"), apiVersion: "v1" }, status: 400, reason: "another version" },
    { body: { ...widget("b"), metadata: { name: "b", namespace: "other" } }, status: 400, reason: "another namespace" },
    { body: widget("b", { color: "red", pad: "x".repeat(5000) }), status: 413, reason: "too large" },
  ];
  test.each(refused)("$status for $reason", async ({ body, status }) => {
    expect((await create(body)).status).toBe(status);
  });

  test("defaults are set and unknown fields dropped, with a warning", async () => {
    const { json, headers } = await create({ ...widget("b"), spec: { color: "red", shape: "round" } });
    expect(json["spec"]).toEqual({ color: "red", size: 1 });
    expect(headers["warning"]).toEqual(['299 - "unknown field \\"spec.shape\\""']);
  });

  test("fieldValidation=Strict refuses them, Ignore is silent", async () => {
    const body = { ...widget("b"), spec: { color: "red", shape: "round" } };
    const strict = await create(body, "?fieldValidation=Strict");
    expect(strict).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('unknown field "spec.shape"') },
    });
    expect((await create(body, "?fieldValidation=Ignore")).headers["warning"]).toBeUndefined();
  });

  test("another media type is 415", async () => {
    const { status } = await server.send({
      method: "POST",
      url: widgetPath,
      headers: { "content-type": "text/html" },
      body: "x",
    });
    expect(status).toBe(415);
  });
});

describe("update", () => {
  const update = (change: (object: JsonObject) => void) => {
    const object = widget("a", { color: "red", size: 2 });
    change(object);
    return server.send({ method: "PUT", url: `${widgetPath}/a`, body: object });
  };

  test("needs a resourceVersion, and the current one", async () => {
    expect((await update(() => {})).status).toBe(422);
    expect(
      await update((object) => Object.assign(object["metadata"] as object, { resourceVersion: "999" })),
    ).toMatchObject({
      status: 409,
      json: { message: expect.stringContaining("the object has been modified") },
    });
    expect(
      (await update((object) => Object.assign(object["metadata"] as object, { resourceVersion: "1" }))).status,
    ).toBe(200);
  });

  test("another uid is another object", async () => {
    const { status, json } = await update((object) =>
      Object.assign(object["metadata"] as object, { uid: "x", resourceVersion: "1" }),
    );
    expect({ status, message: json["message"] }).toMatchObject({
      status: 409,
      message: expect.stringContaining("Precondition failed: UID"),
    });
  });

  test("the name in the body must be the one in the URL", async () => {
    expect((await update((object) => Object.assign(object["metadata"] as object, { name: "b" }))).status).toBe(400);
  });

  test("nothing to update is 404", async () => {
    expect((await server.send({ method: "PUT", url: `${widgetPath}/b`, body: widget("b") })).status).toBe(404);
  });
});

describe("patch", () => {
  const patches = [
    { type: "merge-patch+json", body: { spec: { size: 3 } }, reason: "merge patch" },
    { type: "json-patch+json", body: [{ op: "replace", path: "/spec/size", value: 3 }], reason: "JSON patch" },
    {
      type: "apply-patch+yaml",
      body: "apiVersion: test.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 3}\n",
      reason: "apply",
    },
  ];
  test.each(patches)("$reason", async ({ type, body }) => {
    const { status, json } = await patch(type, body, type.startsWith("apply") ? "?fieldManager=me&force=true" : "");
    expect(status).toBe(200);
    expect(json["spec"]).toEqual({ color: "red", size: 3 });
  });

  test("strategic merge patch is for core kinds: 415, upon which kubectl sends a merge patch", async () => {
    expect((await patch("strategic-merge-patch+json", { spec: { size: 3 } })).status).toBe(415);
  });

  test("applying a field of another manager conflicts, unless forced", async () => {
    const body = "apiVersion: test.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 4}\n";
    await patch("merge-patch+json", { spec: { size: 3 } }, "?fieldManager=other");
    const refused = await patch("apply-patch+yaml", body, "?fieldManager=me");
    expect(refused.json).toMatchObject({
      code: 409,
      details: { causes: [{ reason: "FieldManagerConflict", field: ".spec.size" }] },
    });
    expect((await patch("apply-patch+yaml", body, "?fieldManager=me&force=true")).status).toBe(200);
  });

  test("applying what is not there creates it, if the caller may create", async () => {
    const body = "apiVersion: test.example.com/v1\nkind: Widget\nmetadata: {name: b}\nspec: {color: blue}\n";
    const apply = (fixture: Fixture) =>
      fixture.send({
        method: "PATCH",
        url: `${widgetPath}/b?fieldManager=me`,
        headers: { "content-type": "application/apply-patch+yaml" },
        body,
      });
    expect((await apply(server)).status).toBe(201);
    expect((await apply(fixture({ allow: ({ verb }) => verb !== "create" }))).status).toBe(403);
  });
});

test("an unsupported dryRun value is refused", async () => {
  expect((await create(widget("b"), "?dryRun=Some")).status).toBe(422);
});
