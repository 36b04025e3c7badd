/** What the checks of a candidate say. Pure. */
import type { CheckRun, ObjectOf } from "@krate/kinds";
import type { ChecksVerdict } from "./state.ts";

type CheckRunObject = ObjectOf<typeof CheckRun>;

const passing = new Set<string | undefined>(["success", "neutral", "skipped"]);

/** `runs`: those of the candidate's commit. One that failed decides, whatever the others still do. */
export function judgeChecks(runs: readonly CheckRunObject[], required: readonly string[]): ChecksVerdict {
  const byName = new Map(runs.map((run) => [run.spec.name, run]));
  const isComplete = (name: string) => byName.get(name)?.status?.phase === "Completed";
  const failed = required.find((name) => isComplete(name) && !passing.has(byName.get(name)?.status?.conclusion));
  if (failed !== undefined) return { state: "failed", message: describeFailure(byName.get(failed) as CheckRunObject) };
  const waitingFor = required.filter((name) => !isComplete(name));
  if (waitingFor.length === 0) return { state: "passed" };
  return { state: "pending", waitingFor, missing: waitingFor.filter((name) => !byName.has(name)) };
}

function describeFailure({ spec, status }: CheckRunObject): string {
  const where = spec.detailsUrl ?? (spec.pipeline && `pipeline ${spec.pipeline}`);
  return `check "${spec.name}" ended as ${status?.conclusion}${where ? ` (log: ${where})` : ""}`;
}
