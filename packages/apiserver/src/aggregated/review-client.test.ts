/** What happens to questions when the cluster fails to answer: a server that answers as it is told stands in for the failing one. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { kubeClient, tokenReview } from "@krate/kube";
import { fixture } from "../testing/fixture.ts";
import { DelegatedAuthorizer, delegatedTokens } from "./delegation.ts";
import { type ReviewClientOptions, reviewClient } from "./review-client.ts";

let server: Server;
let answers: ((spec: Record<string, unknown>) => { code: number; status?: object } | undefined)[];
let asked: Record<string, unknown>[];
let waiting: (() => void)[];

const allowed = () => ({ code: 201, status: { allowed: true, reason: "so" } });
const failed = () => ({ code: 500 });

beforeEach(async () => {
  answers = [];
  asked = [];
  waiting = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      const { spec } = JSON.parse(text) as { spec: Record<string, unknown> };
      asked.push(spec);
      const answer = (answers.shift() ?? allowed)(spec);
      const send = () => response.writeHead(answer?.code ?? 201).end(JSON.stringify({ status: answer?.status ?? {} }));
      if (answer === undefined) waiting.push(send);
      else send();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function setUp(options: ReviewClientOptions = {}) {
  const { port } = server.address() as AddressInfo;
  const codes: string[] = [];
  const client = kubeClient({ server: `http://127.0.0.1:${port}`, auth: {} } as never, { userAgent: "test" });
  const reviews = reviewClient(client, {
    backoffMilliseconds: 1,
    observer: { asked: (review, code) => void codes.push(`${review} ${code}`) },
    ...options,
  });
  return { client, reviews, authorizer: new DelegatedAuthorizer(reviews), codes };
}

const attributes = {
  user: { name: "ada", groups: ["dev"], extra: { scopes: ["a"] } },
  verb: "list",
  group: "forge.krate.a5c.ai",
  version: "v1alpha1",
  resource: "issues",
  subresource: "",
  namespace: "acme",
  name: "",
};

test("asks with everything the cluster's authorizers may want to know", async () => {
  const { authorizer } = setUp();
  expect(await authorizer.authorize(attributes)).toEqual({ allowed: true, reason: "so" });
  expect(await authorizer.authorize({ ...attributes, verb: "get", path: "/metrics" })).toEqual({
    allowed: true,
    reason: "so",
  });
  const { resource, group, version, namespace, verb } = attributes;
  const who = { user: "ada", groups: ["dev"], extra: { scopes: ["a"] } };
  expect(asked).toEqual([
    { ...who, resourceAttributes: { verb, group, version, resource, namespace } },
    { ...who, nonResourceAttributes: { verb: "get", path: "/metrics" } },
  ]);
});

test("a cluster that fails for a moment is asked again", async () => {
  const { authorizer, codes } = setUp();
  answers.push(
    failed,
    () => ({ code: 503 }),
    () => ({ code: 429 }),
  );
  expect(await authorizer.authorize(attributes)).toMatchObject({ allowed: true });
  expect(codes).toEqual(["authz 500", "authz 503", "authz 429", "authz 201"]);
});

test("a cluster that goes on failing gives nobody access, and says so", async () => {
  const { authorizer } = setUp();
  answers.push(...Array.from({ length: 5 }, () => failed));
  await expect(authorizer.authorize(attributes)).rejects.toMatchObject({
    code: 503,
    message: "access could not be checked: the cluster's API server does not answer",
  });
  expect(asked).toHaveLength(5);
});

test("nothing that answers is 503 too", async () => {
  const { authorizer, codes } = setUp();
  server.close();
  server.closeAllConnections();
  await expect(authorizer.authorize(attributes)).rejects.toMatchObject({ code: 503 });
  expect(new Set(codes)).toEqual(new Set(["authz <error>"]));
});

test("`denied` is no access whatever else is said", async () => {
  const { authorizer } = setUp();
  answers.push(() => ({ code: 201, status: { allowed: true, denied: true, reason: "no" } }));
  expect(await authorizer.authorize(attributes)).toEqual({ allowed: false, reason: "no" });
});

test("equal questions at one time are asked once", async () => {
  const { authorizer } = setUp();
  answers.push(() => undefined);
  const all = Array.from({ length: 50 }, async () => authorizer.authorize(attributes));
  while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  waiting[0]?.();
  await Promise.all(all);
  expect(asked).toHaveLength(1);
});

test("a flood of invented tokens is not passed on: so many at a time, so many wait, the rest fail at once", async () => {
  const { reviews } = setUp({ maxAtATime: 3, maxWaiting: 5 });
  answers.push(...Array.from({ length: 3 }, () => () => undefined));
  const outcomes: string[] = [];
  const all = Array.from({ length: 20 }, (_, at) =>
    tokenReview(reviews, `invented-${at}`).then(
      () => outcomes.push("answered"),
      () => outcomes.push("failed"),
    ),
  );
  while (waiting.length < 3) await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toHaveLength(3);
  expect(outcomes).toEqual(Array.from({ length: 12 }, () => "failed"));
  for (const send of waiting) send();
  await Promise.all(all);
  expect(asked).toHaveLength(8);
});

test("tokens are for the audiences that are asked for", async () => {
  const { reviews } = setUp();
  const bearer = () => fixture().context({ url: "/", headers: { authorization: "Bearer t" } }).exchange;
  answers.push(() => ({
    code: 201,
    status: { authenticated: true, user: { username: "ada", groups: ["dev"] }, audiences: ["krate"] },
  }));
  expect(await delegatedTokens(reviews, ["krate"])(bearer())).toEqual({ name: "ada", groups: ["dev"] });
  expect(asked).toEqual([{ token: "t", audiences: ["krate"] }]);
  answers.push(() => ({ code: 201, status: { authenticated: true, user: { username: "ada" }, audiences: ["other"] } }));
  await expect(delegatedTokens(reviews, ["mine"])(bearer())).rejects.toMatchObject({ code: 401 });
});
