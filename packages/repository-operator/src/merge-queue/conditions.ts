/** Conditions of a merge queue. Pure. */
import { type ConditionInput, isFalse, isTrue } from "@krate/kinds";
import { candidateOf, type Observation, type QueueState } from "./state.ts";

export function conditionsOf(
  state: QueueState,
  seen: Observation,
  { paused, required, branch }: { paused: boolean; required: readonly string[]; branch: string },
): ConditionInput[] {
  const ready = !seen.baseSha
    ? isFalse("Ready", "BranchMissing", `branch "${branch}" does not exist`)
    : paused
      ? isFalse("Ready", "Paused", "spec.paused is true")
      : isTrue("Ready", "Ready");
  const checks =
    required.length > 0
      ? isTrue("ChecksConfigured", "Configured", required.join(", "))
      : isFalse("ChecksConfigured", "NoneRequired", "no check is required: everything that merges cleanly lands");
  return [ready, checks, progressOf(state, seen, paused)];
}

function progressOf({ batch, entries }: QueueState, seen: Observation, paused: boolean): ConditionInput {
  const type = "Progressing";
  if (batch) {
    const checks = seen.batch?.checks;
    const names = batch.members.slice(0, batch.probe).map(({ pullRequest }) => pullRequest);
    const waiting = checks?.state === "pending" ? `: waiting for ${checks.waitingFor.join(", ")}` : "";
    const reason = batch.phase === "Landing" ? "Landing" : batch.bad === undefined ? "Testing" : "Bisecting";
    return isTrue(type, reason, `${names.join(", ")} as ${candidateOf(batch).commit.slice(0, 12)}${waiting}`);
  }
  if (paused) return isFalse(type, "Paused", "spec.paused is true");
  return entries.some(({ phase }) => phase === "Waiting") ? isTrue(type, "WaitingForMore") : isFalse(type, "Empty");
}
