import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { eventually } from "@krate/testing";
import { type Cluster, cluster, mergePatch } from "../../testing/cluster.ts";

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

/** A policy about ConfigMaps labelled with this test's name, bound; ready when it judges. */
async function policy(spec: JsonObject, binding: JsonObject = {}): Promise<void> {
  const matchConstraints = {
    resourceRules: [
      { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE", "DELETE"], resources: ["configmaps"] },
    ],
    objectSelector: { matchLabels: { test: name } },
  };
  const made = await server.send({
    method: "POST",
    url: `${admission}/validatingadmissionpolicies`,
    body: { metadata: { name }, spec: { matchConstraints, ...spec } },
  });
  expect(made.status).toBe(201);
  const body = { metadata: { name }, spec: { policyName: name, validationActions: ["Deny"], ...binding } };
  await server.send({ method: "POST", url: `${admission}/validatingadmissionpolicybindings`, body });
}

const create = (data: Record<string, string>, more: JsonObject = {}, user?: string) =>
  server.send({
    method: "POST",
    url: `${maps}?dryRun=All`,
    ...(user !== undefined && { user }),
    body: { metadata: { name: `${name}-map`, labels: { test: name }, ...more }, data },
  });

/** The policy cache follows the store within moments. */
const becomes = (status: number, data: Record<string, string>, user?: string) =>
  eventually(async () => {
    const answer = await create(data, {}, user);
    return answer.status === status ? answer : undefined;
  });

test("a denial names policy and binding, with the reason of the validation", async () => {
  await policy({
    validations: [
      { expression: "'a' in object.data", message: "data.a is missing" },
      { expression: "size(object.data) < 3", reason: "Forbidden" },
    ],
  });
  const text = (message: string) =>
    `ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: ${message}`;
  const invalid = await becomes(422, { b: "1" });
  expect(invalid.json).toMatchObject({
    reason: "Invalid",
    message: `configmaps "${name}-map" is forbidden: ${text("data.a is missing")}`,
    details: { causes: [{ message: text("data.a is missing") }] },
  });
  const denied = await create({ a: "1", b: "2", c: "3" });
  expect(denied.json).toMatchObject({
    code: 403,
    reason: "Forbidden",
    message: expect.stringContaining(text("failed expression: size(object.data) < 3")),
  });
  expect((await create({ a: "1" })).status).toBe(201);
});

test("Warn lets the request pass with a warning", async () => {
  await policy(
    { validations: [{ expression: "'a' in object.data", messageExpression: "'found ' + string(size(object.data))" }] },
    { validationActions: ["Warn"] },
  );
  const { headers } = await eventually(async () => {
    const answer = await create({ b: "1" });
    return answer.headers["warning"] === undefined ? undefined : answer;
  });
  expect(headers["warning"]).toEqual([
    `299 - "Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${name}': found 1"`,
  ]);
});

test("variables, match conditions, the user and the namespace", async () => {
  await policy({
    matchConditions: [{ name: "people", expression: "!request.userInfo.username.startsWith('system:')" }],
    variables: [
      { name: "limit", expression: "2" },
      { name: "fits", expression: "size(object.data) <= variables.limit" },
    ],
    validations: [{ expression: "variables.fits || namespaceObject.metadata.name != 'default'" }],
  });
  await becomes(422, { a: "1", b: "2", c: "3" });
  expect((await create({ a: "1", b: "2", c: "3" }, {}, "system:robot,system:masters")).status).toBe(201);
});

describe("parameters", () => {
  const spec = {
    paramKind: { apiVersion: "v1", kind: "ConfigMap" },
    validations: [{ expression: "size(object.data) <= int(params.data.max)" }],
  };

  test("come from the object the binding names; without it the binding says what happens", async () => {
    await policy(spec, { paramRef: { name: `${name}-params`, namespace: "default", parameterNotFoundAction: "Deny" } });
    expect((await becomes(422, {})).json["message"]).toContain(
      "no params found for policy binding with `Deny` parameterNotFoundAction",
    );
    await server.send({
      method: "POST",
      url: maps,
      body: { metadata: { name: `${name}-params` }, data: { max: "1" } },
    });
    await becomes(201, { a: "1" });
    expect((await create({ a: "1", b: "2" })).status).toBe(422);
  });

  test("may be several, all of which must agree", async () => {
    for (const max of ["1", "5"]) {
      await server.send({
        method: "POST",
        url: maps,
        body: { metadata: { name: `${name}-${max}`, labels: { params: name } }, data: { max } },
      });
    }
    await policy(spec, { paramRef: { selector: { matchLabels: { params: name } }, parameterNotFoundAction: "Allow" } });
    await becomes(422, { a: "1", b: "2" });
    expect((await create({ a: "1" })).status).toBe(201);
  });
});

test("an expression that fails denies, unless the policy ignores failures", async () => {
  await policy({ validations: [{ expression: "object.data.missing == 'x'" }] });
  expect((await becomes(422, { a: "1" })).json["message"]).toContain("resulted in error: no such key: missing");
  await server.send({
    method: "PATCH",
    url: `${admission}/validatingadmissionpolicies/${name}`,
    headers: mergePatch,
    body: { spec: { failurePolicy: "Ignore" } },
  });
  await becomes(201, { a: "1" });
});

test("deletes are judged by the old object", async () => {
  await server.send({
    method: "POST",
    url: maps,
    body: { metadata: { name: `${name}-keep`, labels: { test: name } }, data: { keep: "yes" } },
  });
  await policy({
    validations: [{ expression: "request.operation != 'DELETE' || oldObject.data.keep != 'yes'", message: "stays" }],
  });
  const remove = () => server.send({ method: "DELETE", url: `${maps}/${name}-keep?dryRun=All` });
  await eventually(async () => (await remove()).status === 422);
  await server.send({
    method: "PATCH",
    url: `${maps}/${name}-keep`,
    headers: mergePatch,
    body: { data: { keep: "no" } },
  });
  expect((await remove()).status).toBe(200);
});

test("authorizer asks what the user may do", async () => {
  await policy({
    validations: [
      {
        expression: "authorizer.group('').resource('secrets').namespace('default').check('delete').allowed()",
        message: "ask somebody who may delete secrets",
      },
    ],
  });
  await server.send({
    method: "POST",
    url: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    body: {
      metadata: { name: "view-maps" },
      roleRef: { kind: "ClusterRole", name: "maps" },
      subjects: [{ kind: "User", name: "dan" }],
    },
  });
  await server.send({
    method: "POST",
    url: "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    body: { metadata: { name: "maps" }, rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["create"] }] },
  });
  await becomes(422, {}, "dan,system:authenticated");
  expect((await create({})).status).toBe(201);
});

test("an expression that does not compile is refused with the policy", async () => {
  const body = {
    metadata: { name },
    spec: {
      matchConstraints: { resourceRules: [] },
      validations: [{ expression: "object.x +" }, { expression: "'text'" }],
    },
  };
  const { json } = await server.send({ method: "POST", url: `${admission}/validatingadmissionpolicies`, body });
  expect(json).toMatchObject({
    code: 422,
    details: {
      causes: [
        { field: "spec.matchConstraints.resourceRules" },
        { field: "spec.validations[0].expression" },
        { field: "spec.validations[1].expression" },
      ],
    },
  });
});

test("the status says what expressions get wrong about the kinds that the policy names", async () => {
  const validations = [{ expression: "object.data.a == 'x'" }, { expression: "object.dat.a == 'x'" }];
  await policy({ validations });
  const url = `${admission}/validatingadmissionpolicies/${name}`;
  const { json } = await server.send({ url });
  expect(json["status"]).toEqual({
    observedGeneration: 1,
    typeChecking: {
      expressionWarnings: [
        {
          fieldRef: "spec.validations[1].expression",
          warning: expect.stringMatching(
            /^v1, Kind=ConfigMap: compilation failed: ERROR: <input>:1:7: undefined field 'dat'/,
          ),
        },
      ],
    },
  });
  const mended = await server.send({
    method: "PATCH",
    url,
    headers: mergePatch,
    body: { spec: { validations: validations.slice(0, 1) } },
  });
  expect(mended.json).toMatchObject({
    metadata: { generation: 2 },
    status: { observedGeneration: 2, typeChecking: {} },
  });
});
