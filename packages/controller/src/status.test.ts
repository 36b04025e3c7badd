import { describe, expect, it } from "@jest/globals";
import { isFalse, isTrue, type KubernetesObject } from "@krate/kinds";
import { plannedStatus } from "./status.ts";

const at = "2026-01-01T00:00:00Z";
const now = "2026-02-02T00:00:00Z";
const ready = {
  type: "Ready",
  status: "True",
  reason: "Ok",
  message: "",
  observedGeneration: 1,
  lastTransitionTime: at,
};
const foreign = { ...ready, type: "Foreign" };

/** An object on which manager `me` owns phase, count and condition Ready; `other` owns condition Foreign. */
function object(status: object = {}): KubernetesObject {
  return {
    metadata: {
      name: "x",
      generation: 1,
      managedFields: [
        {
          manager: "me",
          operation: "Apply",
          subresource: "status",
          fieldsV1: {
            "f:status": {
              "f:phase": {},
              "f:count": {},
              "f:observedGeneration": {},
              "f:conditions": { 'k:{"type":"Ready"}': { ".": {}, "f:status": {} } },
            },
          },
        },
      ],
    },
    status: { phase: "Ready", count: 1, other: "o", observedGeneration: 1, conditions: [foreign, ready], ...status },
  } as KubernetesObject;
}
const plan = (change: object, on = object()) => plannedStatus(on, { fieldManager: "me", now, ...change });

describe("plannedStatus", () => {
  it("is nothing when the object says it already", () => {
    expect(plan({ status: { phase: "Ready" }, conditions: [isTrue("Ready", "Ok")] })).toBeUndefined();
    expect(plan({})).toBeUndefined();
  });

  it("states again what this manager set earlier, and never what others set", () => {
    expect(plan({ status: { phase: "Failed" } })).toEqual({
      phase: "Failed",
      count: 1,
      observedGeneration: 1,
      conditions: [ready],
    });
  });

  it("removes a field that is undefined", () => {
    expect(plan({ status: { count: undefined } })).toEqual({
      phase: "Ready",
      observedGeneration: 1,
      conditions: [ready],
    });
  });

  it("moves lastTransitionTime only when the status of a condition changes", () => {
    const changed = plan({ conditions: [isTrue("Ready", "OtherReason")] });
    expect(changed?.conditions).toMatchObject([{ reason: "OtherReason", lastTransitionTime: at }]);
    const flipped = plan({ conditions: [isFalse("Ready", "Broken")] });
    expect(flipped?.conditions).toMatchObject([{ status: "False", lastTransitionTime: now }]);
  });

  it("drops a condition of its own, and does not mind one that is not there", () => {
    expect(plan({ dropConditions: ["Ready"] })).toEqual({ phase: "Ready", count: 1, observedGeneration: 1 });
    expect(plan({ dropConditions: ["Stalled"] })).toBeUndefined();
  });

  it("writes when only the generation moved", () => {
    const newer = object();
    (newer.metadata as { generation: number }).generation = 2;
    expect(plan({ status: { phase: "Ready" } }, newer)).toMatchObject({ observedGeneration: 2 });
  });
});
