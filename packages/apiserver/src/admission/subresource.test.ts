import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import { type Cluster, cluster } from "../testing/cluster.ts";

// A whole server per file.
jest.setTimeout(60_000);

const registration = "/apis/admissionregistration.k8s.io/v1";
const pods = "/api/v1/namespaces/default/pods";
let server: Cluster;

beforeAll(async () => {
  server = await cluster();
  const rule = {
    apiGroups: [""],
    apiVersions: ["v1"],
    operations: ["CREATE"],
    resources: ["pods/binding", "pods/eviction", "serviceaccounts/token"],
  };
  const spec = {
    matchConstraints: { resourceRules: [rule] },
    validations: [
      {
        expression: "object.kind == 'Nothing'",
        messageExpression: "request.kind.kind + ' of ' + request.name + ' as ' + request.subResource",
      },
    ],
  };
  const post = (plural: string, body: JsonObject) =>
    server.send({ method: "POST", url: `${registration}/${plural}`, body: { metadata: { name: "p" }, ...body } });
  await post("validatingadmissionpolicies", { spec });
  await post("validatingadmissionpolicybindings", { spec: { policyName: "p", validationActions: ["Deny"] } });
  const containers = [{ name: "c", image: "i" }];
  await server.send({ method: "POST", url: pods, body: { metadata: { name: "a" }, spec: { containers } } });
  await server.send({
    method: "POST",
    url: "/api/v1/namespaces/default/serviceaccounts",
    body: { metadata: { name: "robot" } },
  });
  // A token that is issued too early does no harm.
  await eventually(async () => (await ask(cases[2] as (typeof cases)[number])).status === 422);
});
afterAll(() => server.stop());

const cases = [
  {
    url: `${pods}/a/binding`,
    body: { metadata: { name: "a" }, target: { kind: "Node", name: "n" } },
    text: "Binding of a as binding",
  },
  { url: `${pods}/a/eviction`, body: { metadata: { name: "a" } }, text: "Eviction of a as eviction" },
  {
    url: "/api/v1/namespaces/default/serviceaccounts/robot/token",
    body: { spec: { audiences: ["x"] } },
    text: "TokenRequest of robot as token",
  },
];

const ask = ({ url, body }: (typeof cases)[number]) => server.send({ method: "POST", url, body });

test.each(cases)("$text is admitted", async (each) => {
  const { status, json } = await ask(each);
  expect(status).toBe(422);
  expect(json["message"]).toContain(`denied request: ${each.text}`);
});

test("what was refused did not happen", async () => {
  const { json } = await server.send({ url: `${pods}/a` });
  expect((json["metadata"] as JsonObject)["deletionTimestamp"]).toBeUndefined();
  expect((json["spec"] as JsonObject)["nodeName"]).toBeUndefined();
});
