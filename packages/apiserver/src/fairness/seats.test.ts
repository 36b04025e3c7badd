import { expect, jest, test } from "@jest/globals";
import { type Seat, type SeatOptions, Seats } from "./seats.ts";

/** Time passes only when told; requests of a flow are named in the order they got their seats. */
function setUp(options: Partial<SeatOptions> = {}) {
  let now = 0;
  const seats = new Seats({
    seats: 10,
    maxWaiting: 1000,
    maxWaitingPerFlow: 1000,
    maxWaitMilliseconds: 60_000,
    levels: [{ name: "l", shares: 1 }],
    now: () => now,
    ...options,
  });
  const order: string[] = [];
  const held: { name: string; seat: Seat }[] = [];
  const take = (flow: string, { level = "l", width = 1 } = {}) => {
    const got = seats.take({ level, flow, seats: width });
    const sit = (seat: Seat) => {
      order.push(flow);
      held.push({ name: flow, seat });
    };
    if (got instanceof Promise) void got.then(sit, () => order.push(`${flow} refused`));
    else sit(got);
  };
  /** Ends what has sat longest, after `milliseconds`. */
  const finish = async (milliseconds = 10) => {
    now += milliseconds;
    held.shift()?.seat.release();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { seats, take, finish, order, held, pass: (milliseconds: number) => (now += milliseconds) };
}

test("flows take turns, whatever each has waiting", async () => {
  const { take, finish, order } = setUp({ seats: 1 });
  take("a");
  for (let at = 0; at < 20; at++) take("a");
  for (let at = 0; at < 4; at++) take("b");
  for (let at = 0; at < 8; at++) await finish();
  expect(order.filter((flow) => flow === "b")).toHaveLength(4);
});

test("a flow of long requests gets as many seat-seconds, not as many requests", async () => {
  const { take, finish, order, held } = setUp({ seats: 1 });
  for (let at = 0; at < 200; at++) take("long");
  for (let at = 0; at < 200; at++) take("short");
  for (let at = 0; at < 120; at++) await finish(held[0]?.name === "long" ? 90 : 10);
  const long = order.filter((flow) => flow === "long").length;
  expect(order.length - long).toBeGreaterThan(6 * long);
});

test("wide requests are charged for their width and are not starved by narrow ones", async () => {
  const { take, finish, order } = setUp({ seats: 4 });
  for (let at = 0; at < 40; at++) take("narrow");
  for (let at = 0; at < 40; at++) take("wide", { width: 4 });
  for (let at = 0; at < 30; at++) await finish();
  const wide = order.filter((flow) => flow === "wide").length;
  expect(wide).toBeGreaterThanOrEqual(4);
  expect(wide).toBeLessThanOrEqual(10);
});

test("a request wider than all seats takes all there are", () => {
  const { take, held } = setUp({ seats: 4 });
  take("a", { width: 100 });
  expect(held[0]?.seat.seats).toBe(4);
});

test("somebody who asked nothing for long has saved nothing up", async () => {
  const { take, finish, order } = setUp({ seats: 1 });
  for (let at = 0; at < 30; at++) take("steady");
  for (let at = 0; at < 20; at++) await finish();
  for (let at = 0; at < 10; at++) take("late");
  order.length = 0;
  for (let at = 0; at < 8; at++) await finish();
  expect(order.filter((flow) => flow === "steady").length).toBeGreaterThanOrEqual(3);
});

test("levels share by their shares, and part of the due of each is kept for it", async () => {
  const levels = [
    { name: "high", shares: 3 },
    { name: "low", shares: 1 },
  ];
  const { seats, take, finish, order } = setUp({ seats: 12, levels });
  expect([seats.nominalSeats("high"), seats.nominalSeats("low")]).toEqual([9, 3]);
  for (let at = 0; at < 100; at++) take("low", { level: "low" });
  // 12 * 3/4 / 3 = 3 seats are kept for the other level.
  expect(order).toHaveLength(9);
  for (let at = 0; at < 3; at++) take("high", { level: "high" });
  expect(order.slice(9)).toEqual(["high", "high", "high"]);
  for (let at = 0; at < 100; at++) take("high", { level: "high" });
  order.length = 0;
  for (let at = 0; at < 80; at++) await finish();
  const high = order.filter((flow) => flow === "high").length;
  expect(high / order.length).toBeGreaterThan(0.65);
  expect(high / order.length).toBeLessThan(0.85);
});

test("who waits too long is refused, the others stay", async () => {
  jest.useFakeTimers({ doNotFake: ["setImmediate"] });
  try {
    const { take, order, pass, finish } = setUp({ seats: 1, maxWaitMilliseconds: 100 });
    take("a");
    take("b");
    pass(60);
    take("c");
    pass(50);
    await jest.advanceTimersByTimeAsync(300);
    expect(order).toEqual(["a", "b refused"]);
    await finish();
    expect(order).toEqual(["a", "b refused", "c"]);
  } finally {
    jest.useRealTimers();
  }
});

test("no order of arrivals and endings loses a seat or leaves one empty while somebody waits", async () => {
  const seed = Date.now() % 1_000_000;
  process.stdout.write(`seats seed ${seed}\n`);
  let state = seed;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const levels = ["x", "y", "z"].map((name, at) => ({ name, shares: at + 1 }));
  const { take, finish, order, held } = setUp({ seats: 9, levels });
  let asked = 0;
  for (let at = 0; at < 3000; at++) {
    if (random(2) === 0) {
      asked++;
      take(`f${random(7)}`, { level: levels[random(3)]?.name ?? "x", width: 1 + random(4) });
    } else await finish(random(50));
    expect(held.reduce((sum, { seat }) => sum + seat.seats, 0)).toBeLessThanOrEqual(9);
  }
  while (held.length > 0) await finish();
  expect(order).toHaveLength(asked);
});

test("flows that are idle are forgotten", () => {
  const { seats } = setUp();
  for (let at = 0; at < 20_000; at++) {
    const seat = seats.take({ level: "l", flow: `f${at}`, seats: 1 });
    if (!(seat instanceof Promise)) seat.release();
  }
  expect(seats.flowCount).toBeLessThanOrEqual(4096);
});
