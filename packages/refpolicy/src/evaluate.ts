/** Judges a push: every rule that selects a ref must allow it. */
import type { BundleRule, PolicyBundle, Subject } from "./bundle.ts";
import type { CommitFacts, PushFacts, RefDecision, RefUpdateFacts, RuleResult, WasmRunner } from "./facts.ts";
import { globMatcher } from "./glob.ts";
import { type Evaluator, evaluatorOf, type RuleContext, type Violation } from "./rules.ts";

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
  if (bundle === undefined || refusal) return push.updates.map(({ ref }) => decide(ref, refusal ? [refusal] : []));
  const known: PushFacts = { ...push, updates: push.updates.map(remembering) };
  const judges = prepare(bundle)
    .filter((prepared) => appliesTo(prepared.rule, push.repository))
    .map((prepared) => new Judge(prepared, known, options.wasm));
  const decisions: RefDecision[] = [];
  for (const update of known.updates) decisions.push(await evaluateUpdate(update, judges));
  return decisions;
}

/**
 * Runs the hooks that look at a push after it landed; `push.updates` are those that did. Answers what they have to say to the
 * person who pushed. Nothing they do changes anything.
 */
export async function runPostReceive(bundle: PolicyBundle, push: PushFacts, wasm: WasmRunner): Promise<string[]> {
  const known: PushFacts = { ...push, updates: push.updates.map(remembering) };
  const notes: string[] = [];
  for (const { rule, matches } of prepare(bundle)) {
    const settings = rule.params?.wasm;
    if (rule.type !== "wasm" || settings?.hook !== "post-receive" || !appliesTo(rule, push.repository)) continue;
    const updates = known.updates.filter(({ ref }) => matches(ref));
    if (updates.length === 0) continue;
    const { policy, rule: name } = rule;
    const outcome = await wasm({ policy, rule: name, settings, hook: "post-receive", updates, push: known });
    notes.push(...outcome.notes, ...(outcome.refusal === undefined ? [] : [outcome.refusal]));
  }
  return notes;
}

function appliesTo({ repositories }: BundleRule, repository: string): boolean {
  return repositories === "*" || repositories.includes(repository);
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

/** One rule in one push. */
class Judge implements RuleContext {
  readonly push: PushFacts;
  readonly wasm?: WasmRunner;
  /** Where notes about the update that is being judged go. */
  notes: string[] = [];
  readonly #prepared: PreparedRule;
  #selected: RefUpdateFacts[] | undefined;
  #answer: Promise<unknown> | undefined;

  constructor(prepared: PreparedRule, push: PushFacts, wasm: WasmRunner | undefined) {
    this.#prepared = prepared;
    this.push = push;
    if (wasm) this.wasm = wasm;
  }

  get selected(): readonly RefUpdateFacts[] {
    this.#selected ??= this.push.updates.filter(({ ref }) => this.#prepared.matches(ref));
    return this.#selected;
  }

  once<T>(make: () => Promise<T>): Promise<T> {
    this.#answer ??= make();
    return this.#answer as Promise<T>;
  }

  note(line: string): void {
    this.notes.push(line);
  }

  /** What is wrong with an update; undefined when the rule does not select it or finds nothing. Not a promise where it can be avoided: most rules of most pushes have nothing to read. */
  judge(update: RefUpdateFacts): ReturnType<Evaluator> {
    return this.#prepared.matches(update.ref) ? this.#prepared.evaluate(update, this) : undefined;
  }

  resultOf(violation: Violation): RuleResult {
    const { rule } = this.#prepared;
    return {
      policy: rule.policy,
      rule: rule.rule,
      decision: rule.mode === "audit" ? "Audit" : mayBypass(rule, this.push) ? "Bypassed" : "Denied",
      message: rule.message ? `${rule.message} (${violation.message})` : violation.message,
      remedy: violation.remedy,
    };
  }
}

async function evaluateUpdate(update: RefUpdateFacts, judges: readonly Judge[]): Promise<RefDecision> {
  const results: RuleResult[] = [];
  const notes: string[] = [];
  for (const judge of judges) {
    judge.notes = notes;
    const verdict = judge.judge(update);
    const violation = verdict instanceof Promise ? await verdict : verdict;
    if (violation) results.push(judge.resultOf(violation));
  }
  return { ...decide(update.ref, results), ...(notes.length > 0 && { notes }) };
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
