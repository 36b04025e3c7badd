import { beforeEach, describe, expect, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { type Fixture, fixture, widget, widgetPath } from "../testing/fixture.ts";

let server: Fixture;
beforeEach(() => {
  server = fixture();
});

const create = (name: string, more: JsonObject = {}) => {
  const object = widget(name);
  Object.assign(object["metadata"] as object, more);
  return server.send({ method: "POST", url: widgetPath, body: object });
};
const remove = (name: string, options: object = {}) =>
  server.send({ method: "DELETE", url: `${widgetPath}/${name}`, body: options });
const list = async (query = "") => {
  const { json } = await server.send({ url: `${widgetPath}${query}` });
  const items = (json["items"] ?? []) as { metadata: { name: string } }[];
  return { names: items.map(({ metadata }) => metadata.name), metadata: json["metadata"] as JsonObject, json };
};

test("what was created is read byte for byte", async () => {
  const { text } = await create("a");
  expect((await server.send({ url: `${widgetPath}/a` })).text).toBe(text);
  expect((await create("a")).json).toMatchObject({ code: 409, reason: "AlreadyExists" });
  expect((await server.send({ url: `${widgetPath}/b` })).json).toMatchObject({
    code: 404,
    message: 'widgets.test.example.com "b" not found',
  });
});

describe("list", () => {
  beforeEach(async () => {
    for (const name of ["a", "b", "c"]) await create(name, { labels: { first: String(name === "a") } });
  });

  test("selects by label and field", async () => {
    expect((await list("?labelSelector=first%3Dtrue")).names).toEqual(["a"]);
    expect((await list("?fieldSelector=spec.color%3Dred,metadata.name!%3Da")).names).toEqual(["b", "c"]);
    expect((await list("?fieldSelector=spec.size%3D1")).json).toMatchObject({
      code: 400,
      message: "field label not supported: spec.size",
    });
  });

  test("pages show one state", async () => {
    const first = await list("?limit=2");
    expect(first.names).toEqual(["a", "b"]);
    await remove("c");
    const second = await list(`?limit=2&continue=${encodeURIComponent(String(first.metadata["continue"]))}`);
    expect(second.names).toEqual(["c"]);
    expect(second.metadata).toEqual({ resourceVersion: first.metadata["resourceVersion"] });
  });

  test("a resourceVersionMatch needs a resourceVersion", async () => {
    expect((await list("?resourceVersionMatch=Exact")).json["code"]).toBe(422);
  });
});

describe("delete", () => {
  test("answers Success with the uid", async () => {
    await create("a");
    expect((await remove("a")).json).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name: "a", kind: "widgets", uid: "uid-1" },
    });
    expect((await remove("a")).status).toBe(404);
  });

  test("preconditions must hold", async () => {
    await create("a");
    expect((await remove("a", { preconditions: { uid: "other" } })).status).toBe(409);
    expect((await remove("a", { preconditions: { resourceVersion: "77" } })).status).toBe(409);
    expect((await remove("a", { preconditions: { uid: "uid-1" } })).status).toBe(200);
  });

  test("a finalizer keeps the object until it goes, and none may be added", async () => {
    await create("a", { finalizers: ["example.com/f"] });
    const marked = (await remove("a")).json;
    expect(marked["metadata"]).toMatchObject({
      deletionTimestamp: "2026-01-02T03:04:05Z",
      generation: 2,
      finalizers: ["example.com/f"],
    });
    const patch = (finalizers: string[] | null) =>
      server.send({
        method: "PATCH",
        url: `${widgetPath}/a`,
        headers: { "content-type": "application/merge-patch+json" },
        body: { metadata: { finalizers } },
      });
    expect((await patch(["example.com/f", "example.com/g"])).status).toBe(422);
    expect((await patch(null)).status).toBe(200);
    expect((await server.send({ url: `${widgetPath}/a` })).status).toBe(404);
  });

  test("propagation policies leave a finalizer for the garbage collector", async () => {
    await create("a");
    expect((await remove("a", { propagationPolicy: "Orphan" })).json["metadata"]).toMatchObject({
      finalizers: ["orphan"],
    });
    await create("b");
    expect((await remove("b", { propagationPolicy: "Foreground" })).json["metadata"]).toMatchObject({
      finalizers: ["foregroundDeletion"],
    });
    expect((await remove("b", { propagationPolicy: "Sideways" })).status).toBe(422);
  });

  test("a collection goes by selector", async () => {
    await create("a", { labels: { go: "yes" } });
    await create("b");
    await server.send({ method: "DELETE", url: `${widgetPath}?labelSelector=go` });
    expect((await list()).names).toEqual(["b"]);
  });
});

test("a dry run answers what would be and stores nothing", async () => {
  const { status, json } = await server.send({ method: "POST", url: `${widgetPath}?dryRun=All`, body: widget("a") });
  expect({ status, size: (json["spec"] as JsonObject)["size"] }).toEqual({ status: 201, size: 1 });
  expect((await list()).names).toEqual([]);
  await create("a");
  await server.send({ method: "DELETE", url: `${widgetPath}/a?dryRun=All` });
  expect((await list()).names).toEqual(["a"]);
});
