import { expect, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { AuditEvent, forbidden } from "@krate/kinds";
import { recordResources } from "../records/resources.ts";
import { parseRequestInfo, type ResourceRequest } from "../request-info.ts";
import { type AuditFacts, auditRecord, mergePatchOf } from "./record.ts";

const path = "/apis/forge.krate.a5c.ai/v1alpha1/namespaces/acme/pullrequests/web-1";
const before: JsonObject = {
  metadata: { name: "web-1", uid: "u", resourceVersion: "1", labels: { "krate.a5c.ai/repository": "web" } },
  spec: { title: "t", merged: false },
};

function facts(overrides: Partial<AuditFacts> = {}): AuditFacts {
  const params = new URLSearchParams();
  return {
    at: new Date("2026-05-04T10:20:30.123Z"),
    requestId: "0123456789abcdef",
    target: parseRequestInfo("PATCH", path, params) as ResourceRequest,
    kind: "PullRequest",
    storage: "postgres",
    user: { name: "grace", groups: ["krate:developers"] },
    name: "web-1",
    params,
    contentType: "application/merge-patch+json",
    body: Buffer.from('{"spec":{"merged":true}}'),
    old: before,
    object: {
      metadata: { ...(before["metadata"] as JsonObject), resourceVersion: "2" },
      spec: { title: "t", merged: true },
    },
    error: undefined,
    warnings: [],
    annotations: undefined,
    source: { ip: "192.0.2.1", userAgent: "kubectl/v1.36" },
    ...overrides,
  };
}

const resource = recordResources({ connects: {} }).find(({ plural }) => plural === AuditEvent.plural);
const problemsOf = (object: JsonObject) => resource?.schema?.validate(object, undefined);

test("a write is recorded with who, what, what came of it and the command", () => {
  const object = auditRecord(facts(), "acme", "uid-1");
  expect(object).toEqual({
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "AuditEvent",
    metadata: {
      name: expect.stringMatching(/^[0-9a-z]{9}-[0-9a-f]{16}$/),
      namespace: "acme",
      uid: "uid-1",
      creationTimestamp: "2026-05-04T10:20:30Z",
      generation: 1,
      labels: { "krate.a5c.ai/org": "acme", "krate.a5c.ai/repository": "web" },
    },
    spec: {
      organizationRef: "acme",
      actor: { kind: "User", name: "grace", kubernetesUser: "grace", groups: ["krate:developers"] },
      verb: "patch",
      target: { group: "forge.krate.a5c.ai", kind: "PullRequest", name: "web-1", uid: "u" },
      storage: "postgres",
      decision: { allowed: true },
      command: `kubectl patch pullrequests.forge.krate.a5c.ai web-1 -n acme --type=merge -p '{"spec":{"merged":true}}'`,
      patch: '{"spec":{"merged":true}}',
      correlationId: "0123456789abcdef",
      at: "2026-05-04T10:20:30Z",
      source: { ip: "192.0.2.1", userAgent: "kubectl/v1.36" },
    },
    status: { storage: "postgres" },
  });
  expect(problemsOf(object)).toEqual([]);
});

test("a refused write says why, and which policies had something to say", () => {
  const { spec } = auditRecord(
    facts({
      error: forbidden({ group: "forge.krate.a5c.ai", plural: "pullrequests", name: "web-1" }, "no approval"),
      annotations: { "require-description/why": "x", "validation.policy.admission.k8s.io/failure": "y" },
      warnings: ["w"],
    }),
    "acme",
    "u",
  ) as { spec: JsonObject };
  expect(spec["decision"]).toEqual({
    allowed: false,
    reason: expect.stringContaining("no approval"),
    warnings: ["w"],
    policies: ["require-description"],
  });
  expect(spec["patch"]).toBeUndefined();
});

const secrets: { reason: string; facts: Partial<AuditFacts> }[] = [
  { reason: "a member named password", facts: { body: Buffer.from('{"spec":{"password":"hunter2"}}') } },
  { reason: "a Secret", facts: { body: Buffer.from('{"kind":"Secret","data":{"a":"hunter2"}}') } },
  { reason: "a token in a text", facts: { body: Buffer.from('{"spec":{"body":"Bearer hunter2hunter2"}}') } },
  { reason: "what the patch changes", facts: { object: { spec: { apiKey: "hunter2" } } } },
  { reason: "an error", facts: { error: new Error("cannot clone https://me:hunter2@host.test/x") } },
];
test.each(secrets)("no secret is recorded: $reason", (given) => {
  expect(JSON.stringify(auditRecord(facts(given.facts), "acme", "u"))).not.toContain("hunter2");
});

test("whatever a client sends, the record fits its schema", () => {
  const long = "x".repeat(100_000);
  const hostile = facts({
    requestId: long,
    name: long,
    user: { name: long, groups: Array.from({ length: 1000 }, () => long.slice(0, 2000)) },
    body: Buffer.from(JSON.stringify({ spec: { body: long } })),
    object: { metadata: { uid: long }, spec: { body: long } },
    error: new Error(long),
    warnings: Array.from({ length: 200 }, () => long),
    annotations: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${long.slice(0, 400)}${at}/x`, long])),
    source: { ip: long, userAgent: long },
  });
  expect(problemsOf(auditRecord(hostile, "acme", "u"))).toEqual([]);
  expect(problemsOf(auditRecord(facts({ body: Buffer.from("not json"), object: undefined }), "acme", "u"))).toEqual([]);
});

test("a merge patch makes the second object of the first", () => {
  expect(mergePatchOf({ a: 1, b: { c: 1, d: [1] }, e: null }, { b: { c: 2, d: [1] }, f: {} })).toEqual({
    a: null,
    b: { c: 2 },
    e: null,
    f: {},
  });
});
