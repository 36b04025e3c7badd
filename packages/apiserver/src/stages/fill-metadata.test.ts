import { expect, test } from "@jest/globals";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";

test("the server sets what clients may not", async () => {
  const { send } = fixture();
  const body = widget("a");
  Object.assign(body["metadata"] as object, {
    uid: "mine",
    generation: 9,
    creationTimestamp: "2000-01-01T00:00:00Z",
    deletionTimestamp: "2000-01-01T00:00:00Z",
  });
  const { json } = await send({ method: "POST", url: widgetPath, body });
  expect(json["metadata"]).toMatchObject({
    uid: "uid-1",
    generation: 1,
    creationTimestamp: "2026-01-02T03:04:05Z",
    namespace: "ns",
  });
  expect(json["metadata"]).not.toHaveProperty("deletionTimestamp");
});

test("generateName gets five characters", async () => {
  const { send } = fixture();
  const { json } = await send({
    method: "POST",
    url: widgetPath,
    body: { ...widget("a"), metadata: { generateName: "w-" } },
  });
  expect((json["metadata"] as { name: string }).name).toMatch(/^w-[a-z0-9]{5}$/);
});

test("a new object may not say its resourceVersion", async () => {
  const { send } = fixture();
  const body = { ...widget("a"), metadata: { name: "a", resourceVersion: "4" } };
  expect(await send({ method: "POST", url: widgetPath, body })).toMatchObject({
    status: 400,
    json: { message: "resourceVersion should not be set on objects to be created" },
  });
});

test("an update keeps uid and creation time", async () => {
  const { send } = fixture();
  await send({ method: "POST", url: widgetPath, body: widget("a") });
  const headers = { "content-type": "application/merge-patch+json" };
  const { json } = await send({
    method: "PATCH",
    url: `${widgetPath}/a`,
    headers,
    body: { metadata: { creationTimestamp: null, labels: { a: "b" } } },
  });
  expect(json["metadata"]).toMatchObject({
    uid: "uid-1",
    creationTimestamp: "2026-01-02T03:04:05Z",
    labels: { a: "b" },
  });
});
