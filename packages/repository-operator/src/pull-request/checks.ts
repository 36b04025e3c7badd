import type { CheckRun, ConditionInput, ObjectOf } from "@krate/kinds";
import { isFalse, isTrue } from "@krate/kinds";

type CheckRunObject = ObjectOf<typeof CheckRun>;

export interface ChecksSummary {
  required?: string[];
  passed: number;
  failed: number;
  pending: number;
}

const passing = new Set<string | undefined>(["success", "neutral", "skipped"]);
type State = "passed" | "failed" | "pending";

function stateOf({ status }: CheckRunObject): State {
  if (status?.phase !== "Completed") return "pending";
  return passing.has(status.conclusion) ? "passed" : "failed";
}

/** Checks of the head commit, and whether those that are required let it merge. A required check that has not run is pending. */
export function summarizeChecks(
  runs: readonly CheckRunObject[],
  required: readonly string[],
): { checks: ChecksSummary; condition: ConditionInput } {
  const states = new Map<string, State>();
  for (const name of required) states.set(name, "pending");
  for (const run of runs) states.set(run.spec.name, stateOf(run));
  const count = (state: State) => [...states.values()].filter((each) => each === state).length;
  const names = [...required].sort();
  return {
    checks: {
      ...(names.length > 0 && { required: names }),
      passed: count("passed"),
      failed: count("failed"),
      pending: count("pending"),
    },
    condition: conditionOf(names, states),
  };
}

function conditionOf(required: readonly string[], states: ReadonlyMap<string, State>): ConditionInput {
  const type = "ChecksPassed";
  const those = (state: State) => required.filter((name) => states.get(name) === state).join(", ");
  if (required.length === 0) return isTrue(type, "NoneRequired", "no protection of the base asks for checks");
  if (those("failed")) return isFalse(type, "Failed", `failed: ${those("failed")}`);
  if (those("pending")) return isFalse(type, "Pending", `waiting for: ${those("pending")}`);
  return isTrue(type, "Passed", `passed: ${required.join(", ")}`);
}
