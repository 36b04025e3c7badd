import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "@jest/globals";
import { ConfigMap } from "@krate/kinds";
import { kubeClient } from "./client.ts";
import { type InformerOptions, informer } from "./informer.ts";
import { type FaultyServer, faultyServer } from "./testing/faulty-server.ts";

/**
 * A scripted server: each request for the list or the watch takes the next step of its script; a script that is used up
 * keeps the request open.
 */
interface Script {
  list: ((response: ServerResponse) => void)[];
  watch: ((response: ServerResponse, query: URLSearchParams) => void)[];
}

const object = (name: string, version: number, more: object = {}) => ({
  metadata: { name, namespace: "org", uid: name, resourceVersion: String(version), managedFields: [{}], ...more },
});
const line = (type: string, value: object) => `${JSON.stringify({ type, object: value })}\n`;
const listOf =
  (version: number, ...items: object[]) =>
  (response: ServerResponse) =>
    response.end(JSON.stringify({ metadata: { resourceVersion: String(version) }, items }));
const failure =
  (code: number, reason: string, headers = {}) =>
  (response: ServerResponse) =>
    response.writeHead(code, headers).end(JSON.stringify({ kind: "Status", code, reason, message: reason }));
const noStreamedLists = failure(422, "Invalid");

let server: FaultyServer;
let stop: AbortController;
afterEach(async () => {
  stop.abort(new Error("test over"));
  await server.close();
});

async function follow(script: Script, options: InformerOptions<never> = {}) {
  const queries: string[] = [];
  server = await faultyServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://x");
    const isWatch = searchParams.get("watch") === "true";
    queries.push(isWatch ? `watch ${searchParams.get("resourceVersion") ?? "all"}` : "list");
    if (isWatch) script.watch.shift()?.(response, searchParams);
    else script.list.shift()?.(response);
  });
  stop = new AbortController();
  const client = kubeClient({ server: server.url, auth: {} });
  const followed = informer(client, ConfigMap, { backoff: { initialMs: 1, maxMs: 5 }, ...(options as object) });
  const heard: string[] = [];
  let wake: () => void = () => {};
  followed.onChange((type, { metadata }, old) => {
    heard.push(
      `${type} ${metadata?.name}@${metadata?.resourceVersion}${old ? ` was ${old.metadata?.resourceVersion}` : ""}`,
    );
    wake();
  });
  const hears = async (count: number) => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return heard;
  };
  followed.start(stop.signal);
  return { followed, hears, queries };
}

describe("informer", () => {
  it("starts from a streamed list where the server can, and tells nothing before the list is complete", async () => {
    const { followed, hears, queries } = await follow({
      list: [],
      watch: [
        (response, query) => {
          expect(query.get("sendInitialEvents")).toBe("true");
          response.write(line("ADDED", object("a", 1)) + line("ADDED", object("b", 2)));
          response.write(
            line("BOOKMARK", {
              metadata: { resourceVersion: "3", annotations: { "k8s.io/initial-events-end": "true" } },
            }),
          );
          response.write(line("MODIFIED", object("a", 4)));
        },
      ],
    });
    expect(await hears(3)).toEqual(["ADDED a@1", "ADDED b@2", "MODIFIED a@4 was 1"]);
    expect(queries).toEqual(["watch all"]);
    expect(followed.hasSynced).toBe(true);
    expect(followed.get({ namespace: "org", name: "a" })?.metadata?.managedFields).toBeUndefined();
  });

  it("lists and watches where the server refuses streamed lists", async () => {
    const { hears, queries } = await follow({
      list: [listOf(5, object("a", 1))],
      watch: [noStreamedLists, (response) => response.write(line("DELETED", object("a", 6)))],
    });
    expect(await hears(2)).toEqual(["ADDED a@1", "DELETED a@6 was 1"]);
    expect(queries).toEqual(["watch all", "list", "watch 5"]);
  });

  it("resumes from the last version after the connection was cut, without telling anything twice", async () => {
    const { hears, queries } = await follow({
      list: [listOf(5, object("a", 1))],
      watch: [
        noStreamedLists,
        (response) => {
          response.write(line("MODIFIED", object("a", 7)));
          response.write('{"type":"MODIFIED","object":{"meta'); // half a line is no event
          setImmediate(() => server.cut());
        },
        (response) => response.write(line("MODIFIED", object("a", 8))),
      ],
    });
    expect(await hears(3)).toEqual(["ADDED a@1", "MODIFIED a@7 was 1", "MODIFIED a@8 was 7"]);
    expect(queries.slice(2)).toEqual(["watch 5", "watch 7"]);
  });

  it("continues from a bookmark", async () => {
    const { hears, queries } = await follow({
      list: [listOf(5)],
      watch: [
        noStreamedLists,
        (response) => response.end(line("BOOKMARK", { metadata: { resourceVersion: "9" } })),
        (response) => response.write(line("ADDED", object("a", 10))),
      ],
    });
    await hears(1);
    expect(queries.at(-1)).toBe("watch 9");
  });

  it("lists again after 410 and tells the difference: new, changed, vanished, made anew", async () => {
    const { hears } = await follow({
      list: [
        listOf(5, object("kept", 1), object("changed", 2), object("gone", 3), object("anew", 4)),
        listOf(20, object("kept", 1), object("changed", 12), object("new", 13), object("anew", 14, { uid: "other" })),
      ],
      watch: [
        noStreamedLists,
        (response) => response.end(line("ERROR", { kind: "Status", code: 410, reason: "Expired", message: "too old" })),
      ],
    });
    expect((await hears(9)).slice(4).sort()).toEqual([
      "ADDED anew@14",
      "ADDED new@13",
      "DELETED anew@4 was 4",
      "DELETED gone@3 was 3",
      "MODIFIED changed@12 was 2",
    ]);
  });

  it("waits for as long as a 429 says, and goes on", async () => {
    const { hears } = await follow({
      list: [listOf(5)],
      watch: [
        noStreamedLists,
        failure(429, "TooManyRequests", { "retry-after": "0" }),
        (response) => response.write(line("ADDED", object("a", 6))),
      ],
    });
    expect(await hears(1)).toEqual(["ADDED a@6"]);
  });

  it("watches anew when the server falls silent, and lists when that does not help", async () => {
    const { hears, queries } = await follow(
      {
        list: [listOf(5), listOf(8, object("a", 8))],
        watch: [
          noStreamedLists,
          (response) => response.writeHead(200).flushHeaders(),
          (response) => response.writeHead(200).flushHeaders(),
        ],
      },
      { silenceSeconds: 0.03 },
    );
    expect(await hears(1)).toEqual(["ADDED a@8"]);
    expect(queries.slice(0, 5)).toEqual(["watch all", "list", "watch 5", "watch 5", "list"]);
  });

  it("survives an exception of a listener and tells the others", async () => {
    const problems: string[] = [];
    const { followed, hears } = await follow(
      { list: [listOf(5, object("a", 1))], watch: [noStreamedLists] },
      { onProblem: ({ message }) => problems.push(message) },
    );
    followed.onChange(() => {
      throw new Error("defect");
    });
    const other: string[] = [];
    followed.onChange((type) => other.push(type));
    await hears(1);
    expect(other).toEqual(["ADDED"]);
    expect(problems).toContain("a listener of configmaps failed on org/a");
  });

  it("keeps indexes true through changes", async () => {
    const labelled = (name: string, version: number, team: string) => object(name, version, { labels: { team } });
    const { followed, hears } = await follow(
      {
        list: [listOf(5, labelled("a", 1, "red"), labelled("b", 2, "red"))],
        watch: [noStreamedLists, (response) => response.write(line("MODIFIED", labelled("a", 6, "blue")))],
      },
      {
        indexes: {
          team: ({ metadata }: { metadata?: { labels?: Record<string, string> } }) => [metadata?.labels?.team ?? ""],
        },
      } as never,
    );
    await hears(3);
    const names = (team: string) => followed.byIndex("team", team).map(({ metadata }) => metadata?.name);
    expect([names("red"), names("blue"), followed.list("org").length]).toEqual([["b"], ["a"], 2]);
  });
});
