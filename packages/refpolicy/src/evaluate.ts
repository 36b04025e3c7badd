/** Judges a push: every rule that selects a ref must allow it. */
import type { BundleRule, PolicyBundle, Subject } from "./bundle.ts";
import type { CommitFacts, PushFacts, RefDecision, RefUpdateFacts, RuleResult, WasmRunner } from "./facts.ts";
import { globMatcher } from "./glob.ts";
import { type Evaluator, evaluatorOf } from "./rules.ts";

interface PreparedRule {
  rule: BundleRule;
  matches(ref: string): boolean;
  evaluate: Evaluator;
}

/** Rules are prepared once per bundle, not per push. */
const preparedRules = new WeakMap<PolicyBundle, PreparedRule[]>();

/**
 * One decision per update, in order. Without a bundle, or for a repository the bundle does not know yet, every update is
 * refused (REF-11): "no policy" is a bundle without rules. Throws what the facts throw; the caller then refuses the push.
 */
export async function evaluatePush(
  bundle: PolicyBundle | undefined,
  push: PushFacts,
  options: { wasm?: WasmRunner } = {},
): Promise<RefDecision[]> {
  const refusal = bundleProblem(bundle, push);
  const decisions: RefDecision[] = [];
  for (const update of push.updates) {
    if (bundle === undefined || refusal) decisions.push(decide(update.ref, refusal ? [refusal] : []));
    else decisions.push(await evaluateUpdate(bundle, push, remembering(update), options.wasm));
  }
  return decisions;
}

function bundleProblem(bundle: PolicyBundle | undefined, push: PushFacts): RuleResult | undefined {
  const denied = (rule: string, message: string): RuleResult => ({
    policy: "krate",
    rule,
    decision: "Denied",
    message,
    remedy: "Try again in a moment; if it stays, the administrator should look at refpolicy-compiler.",
  });
  if (bundle === undefined) return denied("policy-bundle", "the policies of this organization are not loaded");
  if (bundle.repositories !== "all" && !bundle.repositories.includes(push.repository))
    return denied("policy-bundle", `the policies are not compiled for repository ${push.repository} yet`);
  return undefined;
}

async function evaluateUpdate(
  bundle: PolicyBundle,
  push: PushFacts,
  update: RefUpdateFacts,
  wasm: WasmRunner | undefined,
): Promise<RefDecision> {
  const results: RuleResult[] = [];
  for (const { rule, matches, evaluate } of prepare(bundle)) {
    if (rule.repositories !== "*" && !rule.repositories.includes(push.repository)) continue;
    if (!matches(update.ref)) continue;
    const violation = await evaluate(update, { push, ...(wasm && { wasm }) });
    if (!violation) continue;
    results.push({
      policy: rule.policy,
      rule: rule.rule,
      decision: rule.mode === "audit" ? "Audit" : mayBypass(rule, push) ? "Bypassed" : "Denied",
      message: rule.message ? `${rule.message} (${violation.message})` : violation.message,
      remedy: violation.remedy,
    });
  }
  return decide(update.ref, results);
}

function decide(ref: string, results: RuleResult[]): RefDecision {
  const denied = results.some(({ decision }) => decision === "Denied");
  const audited = results.some(({ decision }) => decision === "Audit");
  return { ref, allowed: !denied, decision: denied ? "Rejected" : audited ? "AuditWarned" : "Accepted", results };
}

function prepare(bundle: PolicyBundle): PreparedRule[] {
  let prepared = preparedRules.get(bundle);
  if (!prepared) {
    const ordered = bundle.rules.toSorted((a, b) => a.priority - b.priority);
    prepared = ordered.map((rule) => {
      const matchers = rule.refs.map(globMatcher);
      return { rule, matches: (ref) => matchers.some((match) => match(ref)), evaluate: evaluatorOf(rule) };
    });
    preparedRules.set(bundle, prepared);
  }
  return prepared;
}

function mayBypass(rule: BundleRule, { actor }: PushFacts): boolean {
  if (rule.adminsMayBypass && actor.mayBypass) return true;
  return rule.bypass?.some((subject) => isSubject(subject, actor)) ?? false;
}

function isSubject(subject: Subject, actor: PushFacts["actor"]): boolean {
  switch (subject.kind) {
    case "User":
      return actor.user === subject.name;
    case "Group":
      return actor.groups.includes(subject.name);
    case "ServiceAccount":
      return actor.user === `system:serviceaccount:${subject.namespace}:${subject.name}`;
  }
}

/** Facts are read once, however many rules ask. */
function remembering(update: RefUpdateFacts): RefUpdateFacts {
  let commits: Promise<CommitFacts[]> | undefined;
  const blobs = new Map<number, ReturnType<RefUpdateFacts["blobsLargerThan"]>>();
  return {
    ...update,
    commits() {
      commits ??= update.commits();
      return commits;
    },
    blobsLargerThan(bytes) {
      const known = blobs.get(bytes) ?? update.blobsLargerThan(bytes);
      blobs.set(bytes, known);
      return known;
    },
  };
}
