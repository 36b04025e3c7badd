import { describe, expect, test } from "@jest/globals";
import { type ConditionInput, isTrue } from "@krate/kinds";
import { type Observed, planFailure, planStatus, planTermination, type RepositoryObject } from "./status.ts";

const protection = isTrue("ProtectionSynced", "Synced");
const observed: Observed = {
  backend: { kind: "native", name: "native" },
  provisioned: { outcome: "Created", id: "acme/shop" },
  health: { state: "Healthy" },
  summary: { headSha: "a".repeat(40), branchCount: 2, sizeBytes: 10 },
  protection,
  gitUrl: "http://git.example",
};
const repository = (spec: object = {}, status: object = {}) =>
  ({ metadata: { namespace: "acme", name: "shop" }, spec, status }) as RepositoryObject;
const say = (conditions: ConditionInput[]) =>
  conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`);
const broken = { state: "Degraded", reason: "StorageDegraded", message: "disk on fire" } as const;
const provisionedBefore = (reason: string) => ({
  conditions: [{ type: "Provisioned", status: "True", reason, message: "", lastTransitionTime: "" }],
});

describe("status of a repository", () => {
  test("everything that is known is told", () => {
    const { status, conditions } = planStatus(repository(), { ...observed, lastPushedAt: "2026-01-01T00:00:00.000Z" });
    expect(status).toEqual({
      phase: "Ready",
      backend: { kind: "native", name: "native", id: "acme/shop", health: "Healthy" },
      cloneUrls: { http: "http://git.example/acme/shop.git" },
      headSha: "a".repeat(40),
      branchCount: 2,
      sizeBytes: 10,
      lastPushedAt: "2026-01-01T00:00:00.000Z",
    });
    expect(say(conditions)).toEqual([
      "BackendReady=True/BackendHealthy",
      "Provisioned=True/Created",
      "ProtectionSynced=True/Synced",
      "AccessSynced=True/NotRequired",
      "WebhooksSynced=True/NotRequired",
      "Ready=True/Ready",
    ]);
  });

  test.each([
    { reason: "archived", spec: { archived: true }, of: {}, phase: "Archived", ready: "True/Ready" },
    {
      reason: "the disk fails",
      spec: {},
      of: { health: broken },
      phase: "Degraded",
      ready: "False/BackendUnavailable",
    },
    {
      reason: "archived on a failing disk",
      spec: { archived: true },
      of: { health: broken },
      phase: "Degraded",
      ready: "False/BackendUnavailable",
    },
  ])("phase: $reason", ({ spec, of, phase, ready }) => {
    const { status, conditions } = planStatus(repository(spec), { ...observed, ...of });
    expect(status.phase).toBe(phase);
    expect(say(conditions)).toContain(`Ready=${ready}`);
  });

  test.each([
    { reason: "made now", outcome: "Created", before: {}, says: "Created" },
    { reason: "found", outcome: "AdoptedExisting", before: {}, says: "AdoptedExisting" },
    { reason: "made earlier", outcome: "Unchanged", before: provisionedBefore("Created"), says: "Created" },
    { reason: "made before a crash could say so", outcome: "Unchanged", before: {}, says: "AdoptedExisting" },
  ] as const)("provisioned: $reason", ({ outcome, before, says }) => {
    const planned = planStatus(repository({}, before), { ...observed, provisioned: { outcome, id: "x" } });
    expect(say(planned.conditions)).toContain(`Provisioned=True/${says}`);
  });

  test.each([
    { reason: "a first push", known: undefined, seen: "2026-01-01T00:00:01.000Z", says: "2026-01-01T00:00:01.000Z" },
    {
      reason: "a newer one",
      known: "2026-01-01T00:00:00Z",
      seen: "2026-01-01T00:00:00.001Z",
      says: "2026-01-01T00:00:00.001Z",
    },
    {
      reason: "an older one is not told",
      known: "2026-01-01T00:00:01Z",
      seen: "2026-01-01T00:00:00.999Z",
      says: undefined,
    },
    { reason: "none since the start", known: "2026-01-01T00:00:01Z", seen: undefined, says: undefined },
  ])("last push: $reason", ({ known, seen, says }) => {
    const planned = planStatus(repository({}, { lastPushedAt: known }), {
      ...observed,
      ...(seen && { lastPushedAt: seen }),
    });
    expect(planned.status.lastPushedAt).toBe(says);
  });

  test("a repository without commits has no head", () => {
    const planned = planStatus(repository(), { ...observed, summary: { branchCount: 0, sizeBytes: 0 } });
    expect(planned.status).toHaveProperty("headSha", undefined);
  });

  test("what could not be made says why", () => {
    expect(say(planFailure({ reason: "NameConflict", message: "taken" }, protection).conditions)).toEqual([
      "Provisioned=False/NameConflict",
      "BackendReady=Unknown/BackendUnavailable",
      "ProtectionSynced=True/Synced",
      "Ready=False/ProvisionFailed",
    ]);
    expect(planTermination(3).conditions[0]?.message).toBe(
      "3 open pull requests: merge or close them, or set annotation krate.a5c.ai/confirm-delete",
    );
  });
});

test("where the gateway serves SSH, its address is told as well", () => {
  const { status } = planStatus(repository(), { ...observed, sshUrl: "ssh://git@git.example:7022" });
  expect(status.cloneUrls).toEqual({
    http: "http://git.example/acme/shop.git",
    ssh: "ssh://git@git.example:7022/acme/shop.git",
  });
});
