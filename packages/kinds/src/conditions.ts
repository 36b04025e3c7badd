/**
 * Conditions: the truth a controller tells. A map by `type`; `lastTransitionTime` moves only when `status` changes.
 * Source: Kubernetes API conventions, "Typical status properties"; KEP-1623.
 */
export type ConditionStatus = "True" | "False" | "Unknown";

export interface Condition {
  type: string;
  status: ConditionStatus;
  /** CamelCase, one of the kind's declared reasons. */
  reason: string;
  /** For people; never parsed. Deterministic: no times, no counters that move by themselves. */
  message: string;
  observedGeneration?: number;
  lastTransitionTime: string;
}

/** A condition before it is merged into a status: the runtime adds generation and time. */
export interface ConditionInput {
  type: string;
  status: ConditionStatus;
  reason: string;
  message?: string;
}

/**
 * Merges `inputs` into `current`. An entry whose status is unchanged keeps its `lastTransitionTime`;
 * types not mentioned are kept as they are. The result is sorted by type so that equal truth is equal bytes.
 */
export function mergeConditions(
  current: readonly Condition[] | undefined,
  inputs: readonly ConditionInput[],
  options: { now: string; observedGeneration?: number },
): Condition[] {
  const merged = new Map((current ?? []).map((condition) => [condition.type, condition]));
  for (const input of inputs) {
    const before = merged.get(input.type);
    merged.set(input.type, {
      type: input.type,
      status: input.status,
      reason: input.reason,
      message: input.message ?? "",
      ...(options.observedGeneration !== undefined && { observedGeneration: options.observedGeneration }),
      lastTransitionTime: before?.status === input.status ? before.lastTransitionTime : options.now,
    });
  }
  return [...merged.values()].sort((a, b) => a.type.localeCompare(b.type, "en"));
}

export function findCondition(
  object: { status?: { conditions?: Condition[] | undefined } | undefined } | undefined,
  type: string,
): Condition | undefined {
  return object?.status?.conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(
  object: { status?: { conditions?: Condition[] | undefined } | undefined } | undefined,
  type: string,
): boolean {
  return findCondition(object, type)?.status === "True";
}

const input =
  (status: ConditionStatus) =>
  (type: string, reason: string, message = ""): ConditionInput => ({ type, status, reason, message });

/** Condition constructors: `isTrue('Ready', 'Provisioned')`. */
export const isTrue = input("True");
export const isFalse = input("False");
export const isUnknown = input("Unknown");
