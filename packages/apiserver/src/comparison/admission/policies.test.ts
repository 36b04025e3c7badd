/** The same policies, and the same requests, with a real kube-apiserver and with ours: both answer alike. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../../testing/real-server.ts";
import { type Asker, askerOf } from "../asker.ts";
import { normalize } from "../normalize.ts";
import { definition, group, namespace, wheel, wheels, withoutSuffix } from "./definition.ts";
import { objectsOf, type PolicyScenario, parameters, policyScenarios } from "./policy-scenarios.ts";
import { create } from "./webhook-scenarios.ts";

// Two servers, one of which may be waking up.
jest.setTimeout(120_000);

/** Made last: when these judge, all before them do. */
const probes: PolicyScenario[] = [
  {
    id: "zz-probe-v",
    type: "validating",
    policy: { validations: [{ expression: "false", message: "in force" }] },
  },
  {
    id: "zz-probe-m",
    type: "mutating",
    policy: {
      mutations: [
        { patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{spec: Object.spec{size: 42}}" } },
      ],
    },
  },
];

skipWithout("envtest")("policies of kube-apiserver and ours", () => {
  const controlPlane = withControlPlane();
  let ours: RealServer;
  let askers: { theirs: Asker; ours: Asker };
  const all = [...policyScenarios, ...probes];

  beforeAll(async () => {
    ours = await realServer();
    askers = { theirs: askerOf(controlPlane().kubeconfig), ours: askerOf(ours.kubeconfig) };
    for (const asker of Object.values(askers)) {
      const post = async (path: string, body: JsonObject) => {
        const answer = await asker.ask({ name: path, method: "POST", path, body });
        if (answer.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
      };
      await post("/api/v1/namespaces", { metadata: { name: namespace, labels: { kind: "adm" } } });
      await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
      await eventually(async () => (await asker.ask({ name: "list", path: wheels })).status === 200);
      for (const body of parameters) await post(wheels, body);
      for (const scenario of all) for (const { path, body } of objectsOf(scenario)) await register(asker, path, body);
      await eventually(() => inForce(asker), { timeoutSeconds: 60 });
    }
  }, 240_000);

  afterAll(async () => {
    const remove = (path: string) => askers.theirs.ask({ name: "x", method: "DELETE", path });
    for (const scenario of all) {
      for (const { path, body } of objectsOf(scenario)) {
        await remove(`${path}/${String((body["metadata"] as JsonObject)["name"])}`);
      }
    }
    await remove(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/wheels.${group}`);
    await remove(`/api/v1/namespaces/${namespace}`);
    for (const asker of Object.values(askers)) asker.close();
    await ours.stop();
  });

  /** Also what a server refuses to take is compared. */
  const registered = new Map<Asker, Map<string, unknown>>();

  async function register(asker: Asker, path: string, body: JsonObject): Promise<void> {
    const { status, body: answer } = await asker.ask({ name: path, method: "POST", path, body });
    const { details } = answer as { details?: { causes?: { field: string; message: string }[] } };
    const known = registered.get(asker) ?? new Map<string, unknown>();
    registered.set(asker, known);
    known.set(String((body["metadata"] as JsonObject)["name"]), { status, causes: details?.causes });
  }

  async function inForce(asker: Asker): Promise<boolean> {
    const probe = (id: string) => asker.ask({ ...create(id), name: id, path: `${wheels}?dryRun=All`, body: wheel(id) });
    const denied = await probe("zz-probe-v");
    const { body } = await probe("zz-probe-m");
    // Parameters are followed apart from policies.
    for (const id of ["v-param", "v-params", "m-param"]) if ((await probe(id)).status !== 201) return false;
    return denied.status === 422 && ((body as JsonObject)["spec"] as JsonObject)["size"] === 42;
  }

  async function answersOf(asker: Asker, { id, steps = [create(id)] }: PolicyScenario) {
    const answers: { status: number; warnings: string[]; body: unknown }[] = [];
    for (const step of steps) {
      const { status, warnings, body } = await asker.ask({ ...step, name: id });
      answers.push({ status, warnings, body: normalize(body) });
    }
    return answers;
  }

  test.each(policyScenarios.map((scenario) => ({ ...scenario })))("$type: $id", async (scenario) => {
    const registrations = (asker: Asker) =>
      objectsOf(scenario).map(({ body }) =>
        registered.get(asker)?.get(String((body["metadata"] as JsonObject)["name"])),
      );
    const refused = (list: unknown) => JSON.stringify(list).replace(/compilation failed: (?:[^"\\]|\\.)*/g, "");
    expect(refused(registrations(askers.ours))).toEqual(refused(registrations(askers.theirs)));
    const theirs = await answersOf(askers.theirs, scenario);
    const mine = await answersOf(askers.ours, scenario);
    const outcome = (answers: typeof theirs) =>
      answers.map(({ status, body }) => [status, (body as JsonObject)["reason"]]);
    if (scenario.statusOnly !== undefined) expect(outcome(mine)).toEqual(outcome(theirs));
    else expect(withoutSuffix(mine)).toEqual(withoutSuffix(theirs));
  });
});
