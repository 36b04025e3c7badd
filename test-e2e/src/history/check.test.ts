import { describe, expect, test } from "@jest/globals";
import { check, explain } from "./check.ts";
import { plants } from "./plants.ts";
import { randomFrom } from "./random.ts";
import { simulate } from "./simulate.ts";

const seeds = [1, 2, 3, 4, 5];
const steps = 1_500;

describe("the history checker", () => {
  test.each(seeds)("finds nothing in what a correct server does (seed %i)", (seed) => {
    expect(explain(check(simulate(seed, steps)))).toBe("no violation");
  });

  test.each(plants)("notices when $name", ({ kinds, plant }) => {
    for (const seed of seeds) {
      const recording = simulate(seed, steps);
      expect({ seed, planted: plant(recording, randomFrom(seed, "plant")) }).toEqual({ seed, planted: true });
      const found = check(recording);
      expect({ seed, noticed: found.some(({ kind }) => kinds.includes(kind)), found: explain(found) }).toMatchObject({
        seed,
        noticed: true,
      });
    }
  });

  test("says what happened, in words", () => {
    const recording = simulate(1, 300);
    const [session] = recording.sessions;
    const [left] = session?.told.splice(1, 1) ?? [];
    const [violation] = check(recording);
    expect(violation?.kind).toBe("gap");
    expect(left?.type !== "BOOKMARK" && violation?.text).toContain(`${left?.type !== "BOOKMARK" && left?.object.key}@`);
    expect(violation?.text).toMatch(/session w0\.1 of watcher w0 .* was told .* after \d+: .* was left out/);
  });
});
