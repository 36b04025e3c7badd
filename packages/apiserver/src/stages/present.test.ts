import { beforeEach, describe, expect, test } from "@jest/globals";
import { MemoryExchange } from "../http/memory-exchange.ts";
import { type Fixture, fixture, widget, widgetPath } from "../testing/fixture.ts";

let server: Fixture;
beforeEach(async () => {
  server = fixture();
  await server.send({ method: "POST", url: widgetPath, body: widget("a") });
});

const asTable = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

test("a list is a list, a Table or metadata only", async () => {
  expect((await server.send({ url: widgetPath })).json).toMatchObject({
    kind: "WidgetList",
    apiVersion: "test.example.com/v1",
    metadata: { resourceVersion: "1" },
    items: [{ kind: "Widget" }],
  });
  const table = await server.send({ url: `${widgetPath}?includeObject=None`, headers: asTable });
  expect(table.json).toMatchObject({ kind: "Table", rows: [{ cells: ["a", expect.any(String)], object: null }] });
  const partial = await server.send({
    url: widgetPath,
    headers: { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" },
  });
  expect(partial.json).toMatchObject({
    kind: "PartialObjectMetadataList",
    items: [{ kind: "PartialObjectMetadata", metadata: { name: "a" } }],
  });
});

interface Frame {
  type: string;
  object: Record<string, unknown>;
}

/** Watches until `count` frames have come. */
async function watch(
  query: string,
  count: number,
  during: () => Promise<unknown> = async () => {},
  headers = {},
): Promise<Frame[]> {
  const exchange = new MemoryExchange({
    url: `${widgetPath}?watch=true&${query}`,
    headers: { "x-user": "ada", ...headers },
  });
  const frames: Frame[] = [];
  const enough = new Promise<void>((resolve) => {
    exchange.onChunk((chunk) => {
      for (const line of chunk.toString().trim().split("\n")) frames.push(JSON.parse(line) as Frame);
      if (frames.length >= count) resolve();
    });
  });
  server.server.handle(exchange);
  await during();
  await enough;
  exchange.abort();
  return frames;
}

describe("watch", () => {
  test("first what is there, then what happens", async () => {
    const frames = await watch("", 3, async () => {
      await server.send({ method: "POST", url: widgetPath, body: widget("b") });
      await server.send({ method: "DELETE", url: `${widgetPath}/b` });
    });
    expect(frames.map(({ type, object }) => [type, (object["metadata"] as { name: string }).name])).toEqual([
      ["ADDED", "a"],
      ["ADDED", "b"],
      ["DELETED", "b"],
    ]);
  });

  test("sendInitialEvents ends the first part with an annotated bookmark", async () => {
    const frames = await watch("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", 2);
    expect(frames[1]).toMatchObject({
      type: "BOOKMARK",
      object: {
        kind: "Widget",
        metadata: { resourceVersion: "1", annotations: { "k8s.io/initial-events-end": "true" } },
      },
    });
  });

  test("Tables carry their columns once", async () => {
    const frames = await watch(
      "",
      2,
      () => server.send({ method: "POST", url: widgetPath, body: widget("b") }),
      asTable,
    );
    expect(frames.map(({ object }) => (object["columnDefinitions"] as unknown[] | null)?.length)).toEqual([
      2,
      undefined,
    ]);
  });

  test("a compacted resourceVersion is an ERROR frame with 410", async () => {
    await server.send({ method: "POST", url: widgetPath, body: widget("b") });
    await server.services.store.compact(2n);
    const [frame] = await watch("resourceVersion=1", 1);
    expect(frame).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
  });

  test("sendInitialEvents needs resourceVersionMatch", async () => {
    expect((await server.send({ url: `${widgetPath}?watch=true&sendInitialEvents=true` })).status).toBe(422);
  });
});
