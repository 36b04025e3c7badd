import { expect, test } from "@jest/globals";
import { parsePullRef } from "./refs.ts";
import { planSweep } from "./sweep.ts";

test("refs of a pull request that is gone go, patch sets of one that ended long ago too, all others stay", () => {
  const names = [
    "1/head",
    "1/patchsets/1",
    "2/head",
    "2/patchsets/1",
    "3/head",
    "3/patchsets/1",
    "4/head",
    "x/head",
    "5",
  ];
  const refs = names.map((name) => ({ name: `refs/pull/${name}`, objectId: "a".repeat(40) }));
  const known = new Map([
    [1, {}],
    [2, { endedAt: "2026-01-01T00:00:00Z" }],
    [3, { endedAt: "2026-06-01T00:00:00Z" }],
  ]);
  expect(planSweep(refs, known, new Date("2026-06-02T00:00:00Z")).map(({ ref }) => ref)).toEqual([
    "refs/pull/2/patchsets/1",
    "refs/pull/4/head",
  ]);
});

test.each([
  ["refs/pull/7/head", { pullRequest: 7 }],
  ["refs/pull/7/patchsets/12", { pullRequest: 7, patchSet: 12 }],
  ["refs/pull/07/head", undefined],
  ["refs/pull/7/merge", undefined],
  ["refs/heads/pull/7/head", undefined],
])("%s", (ref, expected) => {
  expect(parsePullRef(ref)).toEqual(expected);
});
