/**
 * Every expression of `testdata/` gives what it gives in Kubernetes: the same value and type, the same errors before the run at the same places, the same
 * error of the run, and the same cost. `hack/cel-fixtures` makes the files.
 */
import { describe, expect, it } from "@jest/globals";
import { differs } from "./compare.ts";
import type { FixtureCase } from "./fixtures.ts";
import { answer, readCases, readWorld } from "./fixtures.ts";
import { knownDifferences, sets } from "./known.ts";

const world = readWorld();

/** Expressions that differ, with how. */
function differences(cases: readonly FixtureCase[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const wanted of cases) {
    const difference = differs(wanted, answer(world, wanted));
    if (difference !== undefined) found[wanted.e] = difference;
  }
  return found;
}

describe("expressions of Kubernetes", () => {
  it.each(sets)("%s", (set) => {
    const found = differences(readCases(set));
    const known = knownDifferences.filter((each) => each.set === set).flatMap(({ expressions }) => expressions);
    expect(Object.keys(found).sort()).toEqual([...known].sort());
  });

  it("that know protocol buffer messages are refused here", () => {
    const accepted = readCases("messages").filter((each) => answer(world, each).issues === undefined);
    expect(accepted).toEqual([]);
  });
});
