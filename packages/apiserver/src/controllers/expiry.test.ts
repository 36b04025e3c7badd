import { expect, test } from "@jest/globals";
import { type Fixture, fixture, widget, widgetPath } from "../testing/fixture.ts";
import { expiryRules, sweep } from "./expiry.ts";
import { InternalClient, internalRequests } from "./internal-client.ts";

const day = 24 * 3600;

test("kinds say how long their objects are kept, and an installation may say otherwise", () => {
  const days = (rules: ReturnType<typeof expiryRules>) =>
    Object.fromEntries(rules.map(({ plural, seconds }) => [plural, seconds / day]));
  expect(days(expiryRules({}))).toEqual({
    events: 1 / 24,
    gitevents: 90,
    auditevents: 365,
    webhookdeliveries: 30,
    pipelines: 180,
    jobs: 180,
  });
  expect(days(expiryRules({ auditevents: 0, issues: 1, gitevents: 7 }))).toEqual({
    events: 1 / 24,
    gitevents: 7,
    issues: 1,
    webhookdeliveries: 30,
    pipelines: 180,
    jobs: 180,
  });
  expect(() => expiryRules({ nothing: 1 })).toThrow('there is no record kind "nothing"');
});

test("what is older than its time is deleted through the log, and watchers see it", async () => {
  let now = Date.now();
  const server: Fixture = fixture({
    services: { now: () => new Date(now), authenticators: [internalRequests] },
  });
  for (const name of ["a", "b"]) await server.send({ method: "POST", url: widgetPath, body: widget(name) });
  const { store, registry } = server.services;
  const resource = registry.findResource("test.example.com", "widgets");
  if (!resource) throw new Error("no widgets");
  const client = new InternalClient(server.server, "ttl-controller");
  const rule = { group: "test.example.com", plural: "widgets", seconds: day };
  const { signal } = new AbortController();
  expect(await sweep(server.server, client, rule, signal)).toBe(0);
  now += 2 * day * 1000;
  const before = await store.currentRevision();
  expect(await sweep(server.server, client, rule, signal)).toBe(2);
  const seen: string[] = [];
  for await (const event of store.watch({ ...resource.storage, fromRevision: before })) {
    if (event.type !== "BOOKMARK") seen.push(`${event.type} ${event.object.key.name}`);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual(["DELETED a", "DELETED b"]);
});
