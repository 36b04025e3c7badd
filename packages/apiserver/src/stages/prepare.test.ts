import { beforeEach, expect, test } from "@jest/globals";
import { type Fixture, fixture, widget, widgetPath } from "../testing/fixture.ts";

let server: Fixture;
beforeEach(async () => {
  server = fixture();
  await server.send({ method: "POST", url: widgetPath, body: { ...widget("a"), status: { phase: "Forged" } } });
});

const merge = (body: object, subresource = "") =>
  server.send({
    method: "PATCH",
    url: `${widgetPath}/a${subresource}`,
    headers: { "content-type": "application/merge-patch+json" },
    body,
  });

test("status is written by its subresource only", async () => {
  expect((await server.send({ url: `${widgetPath}/a` })).json).not.toHaveProperty("status");
  await merge({ status: { phase: "Forged" } });
  expect((await server.send({ url: `${widgetPath}/a` })).json).not.toHaveProperty("status");
  const { json } = await merge(
    { status: { phase: "Ready" }, spec: { size: 9 }, metadata: { labels: { a: "b" } } },
    "/status",
  );
  expect(json).toMatchObject({ status: { phase: "Ready" }, spec: { size: 1 } });
  expect(json["metadata"]).not.toHaveProperty("labels");
});

test("generation counts changes of spec, not of status or metadata", async () => {
  await merge({ status: { phase: "Ready" } }, "/status");
  await merge({ metadata: { labels: { a: "b" } } });
  expect((await merge({})).json["metadata"]).toMatchObject({ generation: 1 });
  expect((await merge({ spec: { size: 2 } })).json["metadata"]).toMatchObject({ generation: 2 });
});

test("a write that changes nothing keeps the resourceVersion", async () => {
  const before = await merge({ spec: { size: 2 } });
  expect((await merge({ spec: { size: 2 } })).json).toEqual(before.json);
});
