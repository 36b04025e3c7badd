import { expect, test } from "@jest/globals";
import type { RequestContext } from "../context.ts";
import { flowSchemas } from "../fairness/flow-schemas.ts";
import { serverMetrics } from "../observing.ts";
import { parseRequestInfo } from "../request-info.ts";
import { defaultLimits } from "../services.ts";
import { fixture, widget, widgetPath } from "../testing/fixture.ts";
import { limit, seatsFor } from "./limit.ts";

const authenticated = "system:authenticated";

function setUp(overrides: Partial<typeof defaultLimits> = {}) {
  const { context } = fixture();
  // With two seats nothing is reserved: one after the other, as fairness says.
  const limits = { ...defaultLimits, seats: 2, maxWaiting: 10, maxWaitingPerFlow: 4, ...overrides };
  const metrics = serverMetrics();
  const stage = limit({ limits, observer: metrics.observer, seats: seatsFor(limits) });
  const order: string[] = [];
  const finishers = new Map<string, () => void>();
  /** Runs until `finish(name)`. */
  const start = (name: string, { user = "ada", groups = [authenticated], query = "", method = "GET" } = {}) => {
    const ctx = context({ method, url: `${widgetPath}?${query}` });
    ctx.info = parseRequestInfo(method, widgetPath, ctx.params);
    ctx.user = { name: user, groups };
    const done = (async () =>
      stage(ctx, () => {
        order.push(name);
        return new Promise<void>((resolve) => finishers.set(name, resolve));
      }))();
    done.catch(() => {}); // some tests leave requests behind
    return { ctx, done };
  };
  const finish = async (name: string) => {
    await settled();
    finishers.get(name)?.();
    await settled();
  };
  return { start, finish, order, metrics };
}

/** Everything that can go on by itself has. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const refused = { code: 429, details: { retryAfterSeconds: 1 } };

test("requests beyond the seats wait, and those beyond the queue of their flow get 429 with the headers of its schema", async () => {
  const { start, finish, order } = setUp();
  for (const name of ["1", "2", "3", "4", "5", "6"]) start(name);
  const { ctx, done } = start("7");
  await expect(done).rejects.toMatchObject(refused);
  expect(ctx.extraHeaders).toEqual({
    "x-kubernetes-pf-flowschema-uid": expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    "x-kubernetes-pf-prioritylevel-uid": expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  });
  expect(order).toEqual(["1", "2"]);
  for (const name of ["1", "2", "3"]) await finish(name);
  expect(order).toEqual(["1", "2", "3", "4", "5"]);
});

test("a polite user is next, however many requests of a greedy one wait", async () => {
  const { start, finish, order } = setUp({ maxWaitingPerFlow: 100, maxWaiting: 100 });
  for (let at = 0; at < 50; at++) start(`greedy ${at}`, { user: "greedy" });
  start("polite", { user: "polite" });
  await finish("greedy 0");
  expect(order).toEqual(["greedy 0", "greedy 1", "polite"]);
});

test("a full queue makes room for a user who has fewer waiting", async () => {
  const { start, finish, order } = setUp({ maxWaitingPerFlow: 100, maxWaiting: 5 });
  const greedy = Array.from({ length: 7 }, (_, at) => start(`greedy ${at}`, { user: "greedy" }));
  const cast = expect(greedy[6]?.done).rejects.toMatchObject(refused);
  start("polite", { user: "polite" });
  await cast;
  await finish("greedy 0");
  expect(order).toEqual(["greedy 0", "greedy 1", "polite"]);
});

test("a request whose client has gone gives its place up", async () => {
  const { start, finish, order } = setUp();
  for (const name of ["1", "2"]) start(name);
  const { ctx, done } = start("gone");
  const cancelled = expect(done).rejects.toMatchObject(refused);
  start("next");
  (ctx.exchange as unknown as { abort(): void }).abort();
  await cancelled;
  await finish("1");
  expect(order).toEqual(["1", "2", "next"]);
});

test("a watch sits only until it has begun", async () => {
  const { start, order } = setUp();
  const watches = ["a", "b", "c"].map((name) => start(name, { query: "watch=true" }));
  await settled();
  expect(order).toEqual(["a", "b"]);
  watches[0]?.ctx.seat?.release();
  await settled();
  expect(order).toEqual(["a", "b", "c"]);
});

test("watches are bounded, of one user and in all", async () => {
  const { start, finish } = setUp({ maxLongRunning: 3, maxLongRunningPerFlow: 2 });
  const open = (name: string, user: string) => {
    const { ctx, done } = start(name, { query: "watch=true", user });
    ctx.seat?.release();
    return done;
  };
  const kept = [open("1", "ada"), open("2", "ada")];
  await expect(open("3", "ada")).rejects.toMatchObject(refused);
  kept.push(open("4", "bob"));
  await expect(open("5", "eve")).rejects.toMatchObject(refused);
  await finish("1");
  await kept[0];
  await finish("2");
  kept.push(open("6", "eve"));
});

test("administrators and health checks never wait", async () => {
  const { start, order } = setUp();
  for (const name of ["1", "2", "3"]) start(name);
  start("admin", { user: "admin", groups: ["system:masters"] });
  await settled();
  expect(order.sort()).toEqual(["1", "2", "admin"]);
});

test("a slow client gives its seat back: it makes nobody work", async () => {
  const { start, order } = setUp();
  const slow = start("slow");
  start("2");
  start("3");
  await settled();
  // What waitForClient does after two seconds.
  slow.ctx.seat?.release();
  slow.ctx.seat?.release();
  await settled();
  expect(order).toEqual(["slow", "2", "3"]);
});

test("slow clients go on without a seat, so many of one user", async () => {
  const { start } = setUp({ maxSlowClients: 3, maxSlowClientsPerFlow: 2, seats: 8 });
  const upload = async (user: string) => {
    const { ctx } = start(`${user} ${Math.random()}`, { user, method: "POST" });
    await settled();
    return ctx.seat?.waitWithoutSeat();
  };
  expect([await upload("a"), await upload("a"), await upload("a")]).toEqual([true, true, false]);
  expect([await upload("b"), await upload("c")]).toEqual([true, false]);
});

const users: { groups: string[]; name: string; url: string; schema: string }[] = [
  { name: "root", groups: ["system:masters"], url: widgetPath, schema: "exempt" },
  { name: "system:anonymous", groups: ["system:unauthenticated"], url: "/readyz", schema: "probes" },
  {
    name: "system:serviceaccount:krate-system:git-gateway",
    groups: ["system:serviceaccounts", authenticated],
    url: "/apis/coordination.k8s.io/v1/namespaces/krate-system/leases/x",
    schema: "system-leader-election",
  },
  {
    name: "system:serviceaccount:acme:bot",
    groups: ["system:serviceaccounts", authenticated],
    url: "/apis/coordination.k8s.io/v1/namespaces/krate-system/leases/x",
    schema: "service-accounts",
  },
  {
    name: "system:node:a",
    groups: ["system:nodes", authenticated],
    url: "/api/v1/nodes/a",
    schema: "system-node-high",
  },
  { name: "system:node:a", groups: ["system:nodes", authenticated], url: "/api/v1/pods", schema: "system-nodes" },
  {
    name: "system:serviceaccount:krate-system:git-gateway",
    groups: ["system:serviceaccounts", authenticated],
    url: widgetPath,
    schema: "kube-system-service-accounts",
  },
  { name: "ada", groups: [authenticated], url: widgetPath, schema: "global-default" },
  { name: "system:anonymous", groups: ["system:unauthenticated"], url: widgetPath, schema: "catch-all" },
];
test.each(users)("$name asking $url is in $schema", ({ name, groups, url, schema }) => {
  const ctx: RequestContext = fixture().context({ url });
  ctx.info = parseRequestInfo("GET", url, ctx.params);
  ctx.user = { name, groups };
  expect(flowSchemas.find((each) => each.matches(ctx))?.name).toBe(schema);
});

test("two hundred greedy clients that list all the time do not starve a polite one", async () => {
  const limits = { ...defaultLimits, seats: 12, maxWaiting: 300, maxWaitingPerFlow: 50 };
  const { send } = fixture({ services: { limits } });
  const many = Array.from({ length: 400 }, (_, at) => widget(`w${at}`, { color: "red", note: "x".repeat(5000) }));
  for (const body of many) await send({ method: "POST", url: widgetPath, body, user: "root,system:masters" });
  const { stop, counts } = greedyClients(200, () => send({ url: widgetPath, user: `greedy,${authenticated}` }));
  const greedyDone: number[] = [];
  for (let at = 0; at < 20; at++) {
    const before = counts.answered;
    const { status } = await send({ url: `${widgetPath}/w1`, user: `polite,${authenticated}` });
    expect(status).toBe(200);
    greedyDone.push(counts.answered - before);
  }
  await stop();
  // In order of arrival each would have waited for the fifty in the queue and the twelve that sat. Half of them, because seats are
  // charged by the clock: a machine that stands still during one request charges that one.
  const half = greedyDone.toSorted((a, b) => a - b).slice(0, greedyDone.length / 2);
  expect(half.filter((each) => each > 2 * limits.seats)).toEqual([]);
  expect(counts.refused).toBeGreaterThan(0);
}, 60_000);

function greedyClients(count: number, list: () => Promise<{ status: number }>) {
  const counts = { answered: 0, refused: 0 };
  let running = true;
  const all = Array.from({ length: count }, async () => {
    while (running) {
      const { status } = await list();
      if (status === 429) {
        counts.refused++;
        await settled();
      } else counts.answered++;
    }
  });
  return {
    counts,
    stop: async () => {
      running = false;
      await Promise.all(all);
    },
  };
}
