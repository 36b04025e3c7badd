import { afterAll, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import { type Cluster, cluster } from "../../testing/cluster.ts";

// A whole server per file.
jest.setTimeout(60_000);

const admission = "/apis/admissionregistration.k8s.io/v1";
const maps = "/api/v1/namespaces/default/configmaps";
let server: Cluster;
let serial = 0;
let name = "";

beforeAll(async () => {
  server = await cluster();
});
afterAll(() => server.stop());
beforeEach(() => {
  name = `p${++serial}`;
});

/** A policy about ConfigMaps labelled with this test's name, bound. */
async function policy(policyName: string, mutations: JsonObject[], more: JsonObject = {}): Promise<void> {
  const matchConstraints = {
    resourceRules: [
      { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] },
    ],
    objectSelector: { matchLabels: { test: name } },
  };
  const spec = { matchConstraints, reinvocationPolicy: "Never", mutations, ...more };
  const post = (plural: string, body: JsonObject) =>
    server.send({ method: "POST", url: `${admission}/${plural}`, body: { metadata: { name: policyName }, ...body } });
  expect((await post("mutatingadmissionpolicies", { spec })).status).toBe(201);
  expect((await post("mutatingadmissionpolicybindings", { spec: { policyName } })).status).toBe(201);
}

const apply = (expression: string) => ({ patchType: "ApplyConfiguration", applyConfiguration: { expression } });
const patch = (expression: string) => ({ patchType: "JSONPatch", jsonPatch: { expression } });
const create = (data: Record<string, string> = { a: "1" }) =>
  server.send({
    method: "POST",
    url: `${maps}?dryRun=All`,
    body: { metadata: { name: `${name}-map`, labels: { test: name } }, data },
  });
const dataOf = ({ json }: Awaited<ReturnType<typeof create>>) => json["data"];

test("a configuration is merged, a patch is applied, in the order of the policies' names", async () => {
  await policy(`${name}-b`, [patch("[JSONPatch{op: 'add', path: '/data/b', value: string(size(object.data))}]")]);
  await policy(`${name}-a`, [
    apply("Object{data: {'c': 'of ' + object.metadata.name}}"),
    apply("Object{metadata: Object.metadata{labels: {'added': 'yes'}}}"),
  ]);
  const answer = await eventually(async () => {
    const each = await create();
    const { b, c } = dataOf(each) as { b?: string; c?: string };
    return b !== undefined && c !== undefined ? each : undefined;
  });
  expect(dataOf(answer)).toEqual({ a: "1", b: "2", c: `of ${name}-map` });
  expect(answer.json).toMatchObject({ metadata: { labels: { test: name, added: "yes" } } });
});

test("a policy that asks for it sees once more what those after it did", async () => {
  await policy(`${name}-a`, [apply("Object{data: {'seen': string(size(object.data))}}")], {
    reinvocationPolicy: "IfNeeded",
  });
  await policy(`${name}-b`, [apply("Object{data: {'b': '1'}}")]);
  const answer = await eventually(async () => {
    const each = await create();
    const { b, seen } = dataOf(each) as { b?: string; seen?: string };
    return b !== undefined && seen !== undefined ? each : undefined;
  });
  expect(dataOf(answer)).toEqual({ a: "1", b: "1", seen: "3" });
});

test("what fails refuses the request, unless failures are ignored", async () => {
  await policy(name, [apply("Object{data: {'b': object.data.missing}}")]);
  const { json } = await eventually(async () => {
    const answer = await create();
    return answer.status >= 400 ? answer : undefined;
  });
  expect(json).toMatchObject({
    code: 403,
    message: expect.stringContaining(`policy '${name}' with binding '${name}' denied request: expression`),
  });
  await server.send({
    method: "PATCH",
    url: `${admission}/mutatingadmissionpolicies/${name}`,
    headers: { "content-type": "application/merge-patch+json" },
    body: { spec: { failurePolicy: "Ignore" } },
  });
  await eventually(async () => (await create()).status === 201);
});

test("an object with a prototype's name for a member changes nothing of the server", async () => {
  await policy(name, [patch("[JSONPatch{op: 'add', path: '/data', value: {'__proto__': {'polluted': 'yes'}}}]")]);
  await eventually(async () => {
    const answer = await create();
    return dataOf(answer) === undefined || !("a" in (dataOf(answer) as object));
  });
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
});
