/** The same requests to a real kube-apiserver and to ours: both must answer alike, but for uids, times and revisions. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { skipWithout, withControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";
import { type Answer, type Asker, askerOf } from "./asker.ts";
import { decided } from "./differences.ts";
import { differencesTable } from "./differences-table.ts";
import { compare } from "./normalize.ts";
import { observeWatch } from "./observe-watch.ts";
import { prepareServer, unprepareServer } from "./prepare.fixture.ts";
import { steps } from "./sequences.ts";
import { sprockets } from "./step.ts";
import { history, watches, watchStart } from "./watch-steps.ts";

const differencesFile = fileURLToPath(new URL("../../../../docs/reference/differences.md", import.meta.url));

// Two servers, one of which may be waking up.
jest.setTimeout(120_000);

skipWithout("envtest")("kube-apiserver and ours", () => {
  const controlPlane = withControlPlane();
  let ours: RealServer;
  let askers: { theirs: Asker; ours: Asker };

  beforeAll(async () => {
    ours = await realServer();
    askers = { theirs: askerOf(controlPlane().kubeconfig), ours: askerOf(ours.kubeconfig) };
    for (const { ask } of Object.values(askers)) await prepareServer(ask);
  }, 120_000);

  afterAll(async () => {
    await unprepareServer(askers.theirs.ask);
    for (const asker of Object.values(askers)) asker.close();
    await ours.stop();
  });

  test.each(steps.map((step) => ({ ...step })))("$name", async (step) => {
    const [theirs, mine] = [await askers.theirs.ask(step), await askers.ours.ask(step)];
    const { expected, received } = compare(theirs, mine, step.name);
    expect(received).toEqual(expected);
  });

  describe("watches of the same history", () => {
    const seen = new Map<string, { theirs: Answer; ours: Answer }>();

    beforeAll(async () => {
      for (const { ask } of Object.values(askers)) {
        await ask({ name: "", method: "DELETE", path: sprockets });
        for (const step of [watchStart, ...history]) await ask(step);
      }
      // Each lasts two seconds: all at once.
      await Promise.all(
        watches.map(async (step) => {
          const [theirs, mine] = await Promise.all([
            observeWatch(askers.theirs, step),
            observeWatch(askers.ours, step),
          ]);
          seen.set(step.name, { theirs, ours: mine });
        }),
      );
    }, 120_000);

    test.each(watches.map(({ name }) => [name]))("%s", (name) => {
      const { theirs, ours: mine } = seen.get(name) as { theirs: Answer; ours: Answer };
      const { expected, received } = compare(theirs, mine, name);
      expect(received).toEqual(expected);
    });
  });
});

test("every difference is about a step there is, and in the table for readers", () => {
  const all = [...steps, ...watches];
  const names = new Set(all.map(({ name }) => name));
  expect(names.size).toBe(all.length);
  expect(Object.keys(decided).filter((name) => !names.has(name))).toEqual([]);
  expect(readFileSync(differencesFile, "utf8")).toBe(differencesTable());
});
