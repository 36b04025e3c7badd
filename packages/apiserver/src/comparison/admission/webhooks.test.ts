/**
 * The same webhooks, and the same requests, with a real kube-apiserver and with ours: both ask them the same and answer alike.
 */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../../testing/real-server.ts";
import { type WebhookServer, webhookServer } from "../../testing/webhook-server.ts";
import { type Answer, type Asker, askerOf } from "../asker.ts";
import { normalize } from "../normalize.ts";
import { definition, group, namespace, wheel, wheels, withoutSuffix } from "./definition.ts";
import { accounts, configurationName, configurationOf, create, type Scenario, scenarios } from "./webhook-scenarios.ts";

// Two servers, one of which may be waking up.
jest.setTimeout(120_000);

const registration = "/apis/admissionregistration.k8s.io/v1";
const pathOf = ({ type }: Scenario) =>
  `${registration}/${type === "validating" ? "validatingwebhookconfigurations" : "mutatingwebhookconfigurations"}`;

skipWithout("envtest")("webhooks of kube-apiserver and ours", () => {
  const controlPlane = withControlPlane();
  let ours: RealServer;
  let webhook: WebhookServer;
  let askers: { theirs: Asker; ours: Asker };

  beforeAll(async () => {
    [ours, webhook] = await Promise.all([realServer(), webhookServer()]);
    webhook.answer((request, path) => answerAt(path, request));
    for (const { id, raw } of scenarios) if (raw !== undefined) webhook.raw(`/${id}/0`, raw);
    askers = { theirs: askerOf(controlPlane().kubeconfig), ours: askerOf(ours.kubeconfig) };
    for (const asker of Object.values(askers)) {
      const post = (path: string, body: JsonObject) => asker.ask({ name: path, method: "POST", path, body });
      await post("/api/v1/namespaces", { metadata: { name: namespace, labels: { kind: "adm" } } });
      await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
      await eventually(async () => (await asker.ask({ name: "list", path: wheels })).status === 200);
      await post(accounts, { metadata: { name: "tokens" } });
      for (const scenario of scenarios) {
        const { status, body } = await post(pathOf(scenario), configurationOf(scenario, target()));
        if (status !== 201) throw new Error(`${scenario.id}: ${JSON.stringify(body)}`);
      }
      for (const { id } of scenarios) await inForce(asker, id);
    }
    webhook.requests.length = 0;
  }, 240_000);

  afterAll(async () => {
    for (const scenario of scenarios) {
      await askers.theirs.ask({
        name: "x",
        method: "DELETE",
        path: `${pathOf(scenario)}/${configurationName(scenario.id)}`,
      });
    }
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    await askers.theirs.ask({ name: "x", method: "DELETE", path: `${definitions}/wheels.${group}` });
    await askers.theirs.ask({ name: "x", method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
    for (const asker of Object.values(askers)) asker.close();
    await ours.stop();
    await webhook.stop();
  });

  const target = () => ({ url: `https://127.0.0.1:${webhook.port}`, caBundle: webhook.caBundle });

  function answerAt(path: string, request: Parameters<NonNullable<Scenario["answer"]>>[0]): JsonObject {
    const [, id, index] = path.split("/");
    if (id === "probe") return { allowed: false, status: { message: "in force" } };
    const scenario = scenarios.find((each) => each.id === id);
    return scenario?.answer?.(request, Number(index)) ?? { allowed: true };
  }

  const inForce = (asker: Asker, id: string) =>
    eventually(async () => {
      const body = wheel(`probe-${id}`, { metadata: { name: `probe-${id}`, labels: { probe: id } } });
      const { body: answer } = await asker.ask({ ...create(id), name: "probe", path: `${wheels}?dryRun=All`, body });
      return String((answer as JsonObject)["message"]).includes("in force");
    });

  async function run(asker: Asker, { id, steps = [create(id)] }: Scenario) {
    webhook.requests.length = 0;
    const answers: Answer[] = [];
    for (const step of steps) answers.push(await asker.ask({ ...step, name: id }));
    const reviews = webhook.requests.map(({ userInfo: _user, uid: _uid, ...request }) => normalize(request));
    return {
      answers: answers.map(({ status, warnings, body }) => ({ status, warnings, body: normalize(body) })),
      reviews,
    };
  }

  test.each(scenarios.map((scenario) => ({ ...scenario })))("$type: $id", async (scenario) => {
    const theirs = await run(askers.theirs, scenario);
    const mine = await run(askers.ours, scenario);
    const codes = ({ answers }: typeof theirs) => answers.map(({ status }) => status);
    if (scenario.decided !== undefined) {
      const { decided } = scenario;
      expect({ theirs: codes(theirs), ours: codes(mine) }).toEqual({ theirs: [decided.theirs], ours: [decided.ours] });
      return;
    }
    if (scenario.statusOnly !== undefined) {
      expect(codes(mine)).toEqual(codes(theirs));
      return;
    }
    const told = ({ answers, reviews }: typeof theirs) =>
      withoutSuffix({ answers, reviews: scenario.answersOnly === undefined ? reviews : reviews.length });
    expect(told(mine)).toEqual(told(theirs));
  });
});
