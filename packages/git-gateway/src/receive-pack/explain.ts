import type { RefDecision, RuleResult } from "../ports.ts";

/**
 * What a person reads below "remote:" about one ref: what hooks say, each rule that spoke, the policy it comes from, and what to
 * do. Empty when nothing has anything to say.
 */
export function explainDecision(decision: RefDecision): string {
  const notes = (decision.notes ?? []).map((line) => `${line}\n`).join("");
  if (decision.results.length === 0) return notes;
  const head = decision.allowed ? `${decision.ref}: accepted, with warnings` : `${decision.ref}: refused`;
  return notes + [head, ...decision.results.flatMap(explainResult)].map((line) => `${line}\n`).join("");
}

function explainResult(result: RuleResult): string[] {
  const mark = result.decision === "Denied" ? "x" : "!";
  const lines = [`  ${mark} ${result.policy}, rule ${result.rule}: ${result.message}`];
  if (result.remedy) lines.push(`    ${result.remedy}`);
  return lines;
}

/** The one line git prints beside the ref: "! [remote rejected] main -> main (...)". */
export function shortReason(decision: RefDecision): string {
  const first = decision.results.find((result) => result.decision === "Denied");
  return first ? `${first.policy} ${first.rule}: ${first.message}` : "refused by policy";
}
