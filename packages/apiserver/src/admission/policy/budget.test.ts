/** Expressions that cost much: refused, with others served meanwhile. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import { type Cluster, cluster } from "../../testing/cluster.ts";

// A whole server per file.
jest.setTimeout(60_000);

const admission = "/apis/admissionregistration.k8s.io/v1";
const maps = "/api/v1/namespaces/default/configmaps";
let server: Cluster;

beforeAll(async () => {
  server = await cluster();
});
afterAll(() => server.stop());

async function policy(name: string, expressions: string[]): Promise<void> {
  const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };
  const spec = {
    matchConstraints: { resourceRules: [rule], objectSelector: { matchLabels: { test: name } } },
    validations: expressions.map((expression) => ({ expression })),
  };
  const post = (plural: string, body: object) =>
    server.send({ method: "POST", url: `${admission}/${plural}`, body: { metadata: { name }, ...body } });
  await post("validatingadmissionpolicies", { spec });
  await post("validatingadmissionpolicybindings", { spec: { policyName: name, validationActions: ["Deny"] } });
}

const create = (test: string) =>
  server.send({ method: "POST", url: `${maps}?dryRun=All`, body: { metadata: { name: "x", labels: { test } } } });
const refused = (name: string) =>
  eventually(async () => {
    const answer = await create(name);
    return answer.status >= 400 ? answer : undefined;
  });

const ten = "[0,1,2,3,4,5,6,7,8,9]";
/** 10^depth steps. */
const loops = (depth: number): string => {
  const inner = (left: number): string => (left === 0 ? "true" : `${ten}.all(x${left}, ${inner(left - 1)})`);
  return inner(depth);
};

test("one expression may cost a million, and hold the server for 50 ms", async () => {
  await policy("one", [loops(8)]);
  expect((await refused("one")).json["message"]).toMatch(
    /resulted in error: operation cancelled: (?:actual cost limit exceeded|the expression took too long)$/,
  );
});

test("others get their turn between expressions, and all together may not cost more than ten million", async () => {
  await policy("many", Array(40).fill(loops(5)));
  expect((await refused("many")).json["message"]).toMatch(/running out of cost budget|took too long/);
  const before = await turnsDuring(() => create("nothing"));
  expect(await turnsDuring(() => create("many"))).toBeGreaterThan(before + 2);
});

/** How often the event loop came round. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  await work();
  counting = false;
  return turns;
}

test("what policies came to is counted", async () => {
  await policy("counted", ["false"]);
  await refused("counted");
  const { text } = await server.send({ url: "/metrics" });
  const line = text.split("\n").find((each) => each.includes('policy="counted"') && each.includes("check_total"));
  expect(line).toMatch(
    /^apiserver_validating_admission_policy_check_total\{.*policy_binding="counted".*error_type="no_error".*enforcement_action="deny".*\} \d+$/,
  );
});
