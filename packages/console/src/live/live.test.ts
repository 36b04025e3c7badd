import { expect, test } from "@jest/globals";
import { ApiError, PullRequest } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { eventStream } from "./event-stream.ts";
import { followLog, splitLines } from "./follow-log.ts";
import { emptyList, reduceLiveList } from "./live-list-state.ts";
import type { Row } from "./rows.ts";
import { watchList } from "./watch-list.ts";

const resource = { kind: PullRequest, row: (object: { metadata: { name: string } }) => object.metadata.name };
const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });

/** The two verbs of a client that a live list uses: pages of lists, and watches one after the other. */
function clientOf(
  lists: object[],
  watches: (object | Error)[][],
): { client: KubeClient; versions: (string | undefined)[] } {
  const versions: (string | undefined)[] = [];
  const client = {
    list: async () => lists.shift(),
    async *watch(_kind: unknown, { resourceVersion, signal }: { resourceVersion?: string; signal: AbortSignal }) {
      versions.push(resourceVersion);
      for (const event of watches.shift() ?? []) {
        if (event instanceof Error) throw event;
        yield event;
      }
      if (watches.length === 0 && !signal.aborted)
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  };
  return { client: client as unknown as KubeClient, versions };
}

async function take(events: AsyncIterable<unknown>, count: number, stop: AbortController): Promise<unknown[]> {
  const taken: unknown[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) stop.abort();
  }
  return taken;
}

test("a live list is its pages, then changes from where the list was", async () => {
  const { client, versions } = clientOf(
    [
      { metadata: { resourceVersion: "7", continue: "next" }, items: [object("a", "1")] },
      { metadata: { resourceVersion: "7" }, items: [object("b", "2")] },
    ],
    [
      [
        { type: "BOOKMARK", object: object("", "8") },
        { type: "MODIFIED", object: object("a", "9") },
      ],
    ],
  );
  const stop = new AbortController();
  expect(await take(watchList(client, resource, { namespace: "n", signal: stop.signal }), 4, stop)).toEqual([
    { event: "snapshot", data: ["a"] },
    { event: "snapshot", data: ["b"] },
    { event: "synced", id: "7" },
    { event: "change", id: "9", data: { type: "MODIFIED", row: "a" } },
  ]);
  expect(versions).toEqual(["7"]);
});

test("coming back continues without a list; a version that is gone starts over", async () => {
  const { client, versions } = clientOf(
    [{ metadata: { resourceVersion: "20" }, items: [] }],
    [[new ApiError("Expired", "too old resource version")], []],
  );
  const stop = new AbortController();
  expect(await take(watchList(client, resource, { namespace: "n", since: "3", signal: stop.signal }), 3, stop)).toEqual(
    [{ event: "reset" }, { event: "snapshot", data: [] }, { event: "synced", id: "20" }],
  );
  expect(versions[0]).toBe("3");
});

test("what the user may not see is said once, and ends the stream", async () => {
  const client = {
    list: () => Promise.reject(new ApiError("Forbidden", "bob cannot list pullrequests")),
  } as unknown as KubeClient;
  const stop = new AbortController();
  expect(await take(watchList(client, resource, { namespace: "n", signal: stop.signal }), 2, stop)).toEqual([
    { event: "problem", data: { reason: "Forbidden", message: "bob cannot list pullrequests" } },
  ]);
});

test("the stream asks for the next event when the last was read, and stops its source when the reader leaves", async () => {
  const stop = new AbortController();
  let made = 0;
  const source = (async function* () {
    for (;;) yield { event: "change", id: String(++made), data: { text: "a\nb" } };
  })();
  const reader = eventStream(source, stop).body?.getReader();
  const read = async () => new TextDecoder().decode((await reader?.read())?.value as Uint8Array);
  expect(await read()).toBe("retry: 2000\n\n");
  expect(await read()).toBe('event: change\nid: 1\ndata: {"text":"a\\nb"}\n\n');
  expect(made).toBeLessThanOrEqual(3);
  await reader?.cancel();
  expect(stop.signal.aborted).toBe(true);
});

test("rows follow their objects", () => {
  const row = (uid: string, name: string): Row => ({ uid, name, createdAt: "" });
  const steps = [
    { event: "snapshot" as const, data: [row("1", "a"), row("2", "b")] },
    { event: "synced" as const, data: null },
    { event: "change" as const, data: { type: "DELETED", row: row("1", "a") } },
    { event: "change" as const, data: { type: "ADDED", row: row("3", "a") } },
  ];
  const state = steps.reduce(reduceLiveList<Row>, emptyList<Row>());
  expect({ ...state, rows: [...state.rows.values()].map(({ uid }) => uid) }).toEqual({
    rows: ["2", "3"],
    synced: true,
    connected: true,
  });
});

async function* bytes(...chunks: string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk, "latin1");
}

test("lines are whole however the stream is cut, also inside a character", async () => {
  const lines: string[] = [];
  for await (const batch of splitLines(bytes("on", "e\r\ntw\xc3", "\xb6\nlast"))) lines.push(...batch);
  expect(lines).toEqual(["one", "twö", "last"]);
});

test("a log that is taken up again sends only what follows", async () => {
  const client = { raw: async () => ({ body: bytes("1\n2\n", "3\n4\n") }) } as unknown as KubeClient;
  const events = await take(
    followLog(client, { namespace: "n", job: "j", skip: 3, signal: new AbortController().signal }),
    9,
    new AbortController(),
  );
  expect(events).toEqual([{ event: "lines", id: "4", data: ["4"] }, { event: "end" }]);
});
