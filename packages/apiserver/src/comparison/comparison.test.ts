/** The same requests to a real kube-apiserver and to ours: both must answer alike, but for uids, times and revisions. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { dig, type JsonObject } from "@krate/apimachinery";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../testing/real-server.ts";
import { type Asker, askerOf } from "./asker.ts";
import { definition as gadgetDefinition } from "./definition.ts";
import { decided } from "./differences.ts";
import { differencesTable } from "./differences-table.ts";
import { compare } from "./normalize.ts";
import { steps } from "./sequences.ts";
import { sprocketDefinition } from "./sprocket-definition.ts";
import { gadget, gadgets, sprocket, sprockets } from "./step.ts";

const differencesFile = fileURLToPath(new URL("../../../../docs/reference/differences.md", import.meta.url));

// Two servers, one of which may be waking up.
jest.setTimeout(60_000);

const definitions = [gadgetDefinition, sprocketDefinition];
const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** The namespace and both custom resources, ready to be written. */
async function prepare(ask: Asker["ask"]): Promise<void> {
  await ask({ name: "", method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: "cmp" } } });
  for (const body of definitions) {
    const { status } = await ask({ name: "", method: "POST", path: definitionsPath, body });
    expect(status).toBe(201);
  }
  const written = async (path: string, body: JsonObject) =>
    (await ask({ name: "", method: "POST", path: `${path}?dryRun=All`, body })).status === 201;
  await eventually(() => written(gadgets, gadget("probe")));
  await eventually(() => written(sprockets, sprocket("probe")));
  const account = { name: "", path: "/api/v1/namespaces/cmp/serviceaccounts/default" };
  await eventually(async () => (await ask(account)).status === 200);
}

skipWithout("envtest")("kube-apiserver and ours", () => {
  const controlPlane = withControlPlane();
  let ours: RealServer;
  let askers: { theirs: Asker; ours: Asker };

  beforeAll(async () => {
    ours = await realServer();
    askers = { theirs: askerOf(controlPlane().kubeconfig), ours: askerOf(ours.kubeconfig) };
    for (const { ask } of Object.values(askers)) await prepare(ask);
  }, 60_000);

  afterAll(async () => {
    for (const definition of definitions) {
      const path = `${definitionsPath}/${String(dig(definition, "metadata", "name"))}`;
      await askers.theirs.ask({ name: "", method: "DELETE", path });
    }
    await askers.theirs.ask({ name: "", method: "DELETE", path: "/api/v1/namespaces/cmp" });
    for (const asker of Object.values(askers)) asker.close();
    await ours.stop();
  });

  test.each(steps.map((step) => ({ ...step })))("$name", async (step) => {
    const [theirs, mine] = [await askers.theirs.ask(step), await askers.ours.ask(step)];
    const { expected, received } = compare(theirs, mine, step.name);
    expect(received).toEqual(expected);
  });
});

test("every difference is about a step there is, and in the table for readers", () => {
  const names = new Set(steps.map(({ name }) => name));
  expect(names.size).toBe(steps.length);
  expect(Object.keys(decided).filter((name) => !names.has(name))).toEqual([]);
  expect(readFileSync(differencesFile, "utf8")).toBe(differencesTable());
});
