/**
 * The merge queue against a model of the world: whatever people, checks and crashes do, what lands was tested. KRATE_SEED repeats a run,
 * KRATE_RUNS makes it longer.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { World } from "./model.fixture.ts";
import { maxPassedOver } from "./order.ts";

const seed = Number(process.env.KRATE_SEED ?? Date.now() % 1_000_000);
const numRuns = Number(process.env.KRATE_RUNS ?? 300);
const parameters = { seed, numRuns } as const;

const which = fc.nat({ max: 4 });
const clash = fc.constantFrom(0, 0, 0, 1, 2);
const command = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("step" as const), times: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("crash" as const), when: fc.constantFrom("before", "after") }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("checks" as const), flaky: fc.nat({ max: 9 }).map((n) => n === 0) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("follow" as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("queue" as const), which, urgent: fc.nat({ max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unqueue" as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      which,
      bad: fc.nat({ max: 2 }).map((n) => n === 0),
      clash,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("close" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("direct" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("merge" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("late" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("freeze" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("refresh" as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;
const heads = fc.array(fc.record({ bad: fc.nat({ max: 3 }).map((n) => n === 0), clash }), {
  minLength: 1,
  maxLength: 5,
});

function apply(world: World, step: Command): void {
  const chosen = "which" in step ? world.pullRequests[step.which % world.pullRequests.length] : undefined;
  if (step.do === "step") for (let i = 0; i < step.times; i++) world.step();
  else if (step.do === "crash") world.step(step.when as "before" | "after");
  else if (step.do === "checks") world.completeChecks(step.flaky);
  else if (step.do === "follow") world.followQueue();
  else if (step.do === "direct") world.pushDirectly();
  else if (step.do === "late") world.tick(4000);
  else if (step.do === "freeze") world.freezeCache();
  else if (step.do === "refresh") world.refresh();
  else if (!chosen) return;
  else if (step.do === "queue") world.queue(chosen, step.urgent === 0 ? "urgent" : "normal");
  else if (step.do === "unqueue") world.unqueue(chosen);
  else if (step.do === "push") world.push(chosen, step);
  else if (step.do === "close") world.close(chosen);
  else if (step.do === "merge") world.mergeDirectly(chosen);
}

type Crash = "none" | "before" | "after";

/** Nobody disturbs any more but crashes: until nothing is left to do. */
function settle(world: World, crashes: readonly Crash[] = []): void {
  world.refresh();
  for (let steps = 0; steps < 2000; steps++) {
    const { version } = world;
    const action = world.step(crashes[steps] ?? "none");
    if (action.kind !== "wait") continue;
    world.followQueue();
    world.completeChecks();
    const next = world.step();
    if (next.kind === "wait" && version === world.version && world.persisted.entries.length === 0) return;
  }
  throw new Error(`the queue does not come to rest: ${JSON.stringify(world.persisted)}`);
}

/** What must hold at every moment. */
function check(world: World): void {
  for (const { from, to } of world.movedByQueue) {
    // The very commit that was tested, and what was there before is kept.
    expect(world.verdicts.get(to)).toBe("passed");
    expect(world.history(to).some(({ id }) => id === from)).toBe(true);
  }
  const merges = world.history().flatMap(({ merges: found }) => (found ? [`${found.uid} ${found.headSha}`] : []));
  expect(new Set(merges).size).toBe(merges.length);
  const uids = merges.map((text) => text.split(" ")[0]);
  expect(new Set(uids).size).toBe(uids.length);
  for (const { phase, mergedAs } of world.pullRequests)
    if (phase === "Merged") expect(world.isOnBase(mergedAs ?? "")).toBe(true);
}

describe(`a merge queue in a hostile world (KRATE_SEED=${seed})`, () => {
  test("lands only what was tested, everything once, loses nothing and comes to rest", () => {
    fc.assert(
      fc.property(
        heads,
        fc.array(command, { maxLength: 150 }),
        fc.record({
          maxSize: fc.integer({ min: 1, max: 8 }),
          minSize: fc.constantFrom(1, 2),
          waitSeconds: fc.constant(0),
        }),
        (opened, commands, settings) => {
          const world = new World(settings);
          for (const head of opened) world.open(head);
          for (const step of commands) {
            apply(world, step);
            check(world);
          }
          settle(world);
          check(world);
          // Who is on the branch is marked so, and nobody is stuck half-way.
          const landed = new Set(world.history().flatMap(({ merges }) => (merges ? [merges.uid] : [])));
          for (const { uid, phase, queued } of world.pullRequests) {
            expect(phase).not.toBe("Merging");
            expect(phase === "Merged").toBe(landed.has(uid));
            if (phase === "Open") expect(queued).toBe(false);
          }
          expect([...world.candidates]).toEqual([]);
        },
      ),
      { ...parameters, numRuns: 4 * numRuns },
    );
  });

  test("good ones always land, in the order in which they came; a bad one is let go alone, for its checks", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 16 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.constantFrom<Crash[]>("none", "before", "after"), { maxLength: 100 }),
        (bad, maxSize, crashes) => {
          const world = new World({ maxSize });
          for (const isBad of bad) world.queue(world.open({ bad: isBad }));
          settle(world, crashes);
          check(world);
          const landed = world
            .history()
            .reverse()
            .flatMap(({ merges }) => (merges ? [merges.uid] : []));
          const good = world.pullRequests.filter(({ head }) => !head.bad);
          expect(landed).toEqual(good.map(({ uid }) => uid));
          for (const { head, ejections } of world.pullRequests)
            expect(ejections).toEqual(head.bad ? [{ headSha: head.sha, reason: "ChecksFailed" }] : []);
        },
      ),
      { ...parameters, numRuns: numRuns / 2 },
    );
  });

  test("one bad one in a batch of n costs no more than log2(n) + 1 rounds", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), fc.nat(), (size, at) => {
        const world = new World({ maxSize: 32 });
        const opened = Array.from({ length: size }, (_, index) => world.open({ bad: index === at % size }));
        for (const pullRequest of opened) world.queue(pullRequest);
        settle(world);
        expect(world.rounds).toEqual([{ size, rounds: expect.any(Number) }]);
        expect(world.rounds[0]?.rounds).toBeLessThanOrEqual(Math.ceil(Math.log2(size)) + 1);
        expect(world.pullRequests.filter(({ phase }) => phase === "Merged")).toHaveLength(size - 1);
      }),
      { ...parameters, numRuns: numRuns / 5 },
    );
  });

  test("a good one lands while urgent ones never stop coming", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), (maxSize, atOnce) => {
        const world = new World({ maxSize });
        const patient = world.open();
        world.queue(patient);
        let batches = 0;
        for (; patient.phase !== "Merged" && batches < 10 * maxPassedOver; batches++) {
          for (let i = 0; i < atOnce; i++) world.queue(world.open(), "urgent");
          // Until the checks of something have completed, and what came of it is done.
          while (world.step().kind !== "wait");
          world.completeChecks();
          for (let i = 0; i < 20; i++) world.step();
          world.followQueue();
        }
        expect(patient.phase).toBe("Merged");
        expect(batches).toBeLessThanOrEqual(maxPassedOver + 2);
      }),
      { ...parameters, numRuns: 30 },
    );
  });

  test("an urgent one lands before those that came earlier", () => {
    const world = new World({ maxSize: 2 });
    for (let i = 0; i < 4; i++) world.queue(world.open());
    for (let i = 0; i < 3; i++) world.step();
    expect(world.persisted.batch?.members.map(({ pullRequest }) => pullRequest)).toEqual(["pr-1", "pr-2"]);
    world.queue(world.open(), "urgent");
    settle(world);
    const order = world
      .history()
      .reverse()
      .flatMap(({ merges }) => (merges ? [merges.uid.slice(-1)] : []));
    expect(order).toEqual(["5", "1", "2", "3", "4"]);
  });
});
