/** Rules every push to the repository is judged by, exactly as the gateway gets them: from the compiler of the bundle (REF-01). */
import {
  BranchProtection,
  type GitEvent,
  type ObjectOf,
  RefPolicy,
  type Repository,
  resourceNameOf,
} from "@krate/kinds";
import {
  type BundleRule,
  compileBundle,
  matchesSelector,
  protectedRepositories,
  type RuleType,
} from "@krate/refpolicy";
import { type HookObject, type HookRow, rowBase } from "../hook-rows.ts";

export interface GitRulesInput {
  namespace: string;
  /** The repository of the page, or all of them. */
  repositories: readonly ObjectOf<typeof Repository>[];
  /** Absent: rules of all repositories. */
  repository: string | undefined;
  branchProtections: readonly ObjectOf<typeof BranchProtection>[];
  refPolicies: readonly ObjectOf<typeof RefPolicy>[];
  refusals: Refusals;
}

const sentences: Readonly<Record<RuleType, string>> = {
  "require-pull-request": "Moves only by merging a pull request.",
  "deny-ref": "Nobody may write these refs.",
  "block-force-push": "History may not be rewritten.",
  "deny-deletion": "May not be deleted.",
  "require-linear-history": "No merge commits.",
  "require-signed-commits": "Every new commit must be signed.",
  "max-object-size": "No object may be larger than a limit.",
  "commit-message-pattern": "Every commit message must match a pattern.",
  "path-lock": "These paths may not be changed.",
  wasm: "A sandboxed WebAssembly hook decides.",
};

export function gitRuleRows(input: GitRulesInput): HookRow[] {
  const { repositories, repository, namespace, branchProtections, refPolicies } = input;
  const { bundle, problems } = compileBundle({ namespace, branchProtections, refPolicies, repositories });
  const isHere = (names: readonly string[] | "*") =>
    repository === undefined || names === "*" || names.includes(repository);
  const rules = bundle.rules.filter((rule) => isHere(rule.repositories));
  const owners = new Map<string, Owner>([
    ...refPolicies.map((policy) => [`RefPolicy/${policy.metadata.name}`, policy] as const),
    ...branchProtections.map((policy) => [`BranchProtection/${policy.metadata.name}`, policy] as const),
  ]);
  const problemOf = (policy: string) =>
    owners.get(policy)?.status?.conditions?.find(({ type, status }) => type === "Compiled" && status === "False")
      ?.message ?? problems.find((problem) => problem.policy === policy)?.message;
  const protecting = branchProtections.filter(({ spec }) => isHere(protectedRepositories(spec, repositories)));
  const rows = [
    ...rules.map((rule) => ruleRow(rule, owners.get(rule.policy), problemOf(rule.policy), input)),
    ...protecting.flatMap((protection) => mergeRow(protection, input)),
  ];
  const shown = new Set(rows.map(({ object }) => `${object.kind}/${object.name}`));
  const here = new Set([
    ...protecting.map(({ metadata }) => `BranchProtection/${metadata.name}`),
    ...refPolicies
      .filter((policy) => repositories.some((each) => isInScope(policy, each)))
      .map(({ metadata }) => `RefPolicy/${metadata.name}`),
  ]);
  const broken = [...here].filter((policy) => !shown.has(policy) && problemOf(policy) !== undefined);
  return [...rows, ...broken.map((policy) => brokenRow(policy, owners.get(policy), problemOf(policy), namespace))];
}

type Owner = ObjectOf<typeof RefPolicy> | ObjectOf<typeof BranchProtection>;

/** As the compiler decides it for policies that compile. */
function isInScope({ spec }: ObjectOf<typeof RefPolicy>, { metadata }: ObjectOf<typeof Repository>): boolean {
  const { repositories: named, selector } = spec.scope ?? {};
  if (!named?.length && !selector) return true;
  const isNamed = named?.includes(metadata.name ?? "") ?? false;
  return isNamed || (selector !== undefined && matchesSelector(selector, metadata.labels));
}

/** A policy of which no rule is in force: nobody should believe that it protects. */
function brokenRow(policy: string, owner: Owner | undefined, problem = "", namespace: string): HookRow {
  const object = objectOf(policy, namespace);
  return {
    type: "hook",
    layer: "git",
    ...rowBase(object, object.name, owner?.metadata.creationTimestamp),
    object,
    engine: "Krate",
    mode: "off",
    what: "No rule of it is in force.",
    about: [],
    onlyWhen: [],
    messages: [],
    problem,
  };
}

function objectOf(policy: string, namespace: string): HookObject {
  const [kind = "", name = ""] = policy.split("/", 2);
  return { kind, name, namespace, resource: resourceNameOf(kind === "RefPolicy" ? RefPolicy : BranchProtection) };
}

function ruleRow(
  rule: BundleRule,
  owner: { metadata: { creationTimestamp?: string } } | undefined,
  problem: string | undefined,
  { namespace, repository, refusals }: GitRulesInput,
): HookRow {
  const object = objectOf(rule.policy, namespace);
  const params = paramsText(rule);
  const count = refusals.text(rule.policy, rule.rule);
  return {
    type: "hook",
    layer: "git",
    ...rowBase(object, rule.rule, owner?.metadata.creationTimestamp, rule.rule),
    object,
    engine: "Krate",
    mode: rule.mode,
    what: params ? `${sentences[rule.type]} ${params}` : sentences[rule.type],
    about: rule.refs,
    onlyWhen: [
      ...(repository === undefined && rule.repositories !== "*" ? [isIn("a push to", rule.repositories)] : []),
      ...(rule.bypass?.length
        ? [`it is not ${rule.bypass.map(({ kind, name: of }) => `${kind} ${of}`).join(", ")}`]
        : []),
    ],
    messages: rule.message ? [rule.message] : [],
    ...(count && { count }),
    ...(problem && { problem }),
  };
}

const shownRepositories = 5;

function isIn(what: string, names: readonly string[]): string {
  if (names.length === 0) return "its selector matches a repository: now it matches none";
  const more = names.length - shownRepositories;
  return `it is ${what} ${names.slice(0, shownRepositories).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function paramsText({ params }: BundleRule): string | undefined {
  if (params?.maxBytes !== undefined) return `Limit: ${params.maxBytes.toLocaleString("en")} bytes.`;
  if (params?.pattern !== undefined) return `Pattern: ${params.pattern}`;
  if (params?.paths) return `Paths: ${params.paths.join(", ")}`;
  if (params?.wasm) return `Runs at ${params.wasm.hook ?? "pre-receive"}.`;
  return undefined;
}

/** What a protection asks of a merge is no rule of a push, but people look for it here. */
function mergeRow(
  protection: ObjectOf<typeof BranchProtection>,
  { namespace, repository, repositories }: GitRulesInput,
): HookRow[] {
  const protects = protectedRepositories(protection.spec, repositories);
  const { spec, metadata } = protection;
  const approvals = spec.requiredApprovals ?? 0;
  const needs = [
    ...(approvals > 0 ? [approvals === 1 ? "one approval" : `${approvals} approvals`] : []),
    ...(spec.requiredTeams?.length ? [`an approval of each team: ${spec.requiredTeams.join(", ")}`] : []),
    ...(spec.requireCodeOwners ? ["the owners of every changed path"] : []),
    ...(spec.requiredChecks?.length ? [`checks: ${spec.requiredChecks.join(", ")}`] : []),
  ];
  if (needs.length === 0) return [];
  const object = objectOf(`BranchProtection/${metadata.name}`, namespace);
  return [
    {
      type: "hook",
      layer: "git",
      ...rowBase(object, "merge-requirements", metadata.creationTimestamp, "merge-requirements"),
      object,
      engine: "Krate",
      mode: "enforce",
      what: `A merge needs ${needs.join("; ")}.`,
      about: spec.refs,
      onlyWhen: repository === undefined && protects !== "*" ? [isIn("a merge in", protects)] : [],
      messages: [],
    },
  ];
}

/** What GitEvents tell of today, the UTC day of `now`. */
export interface Refusals {
  text(policy: string, rule: string): string | undefined;
}

export function refusalsOf(
  events: readonly ObjectOf<typeof GitEvent>[],
  { now, isComplete }: { now: Date; isComplete: boolean },
): Refusals {
  const midnight = `${now.toISOString().slice(0, 10)}T00:00:00`;
  const denied = new Map<string, number>();
  const warned = new Map<string, number>();
  for (const { spec } of events) {
    if (spec.receivedAt < midnight) continue;
    for (const decision of ["Denied", "Audit"] as const) {
      const counts = decision === "Denied" ? denied : warned;
      const rules = (spec.rules ?? []).filter((rule) => rule.decision === decision);
      for (const key of new Set(rules.map(({ policy, rule }) => `${policy}/${rule}`)))
        counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const atLeast = isComplete ? "" : "at least ";
  return {
    text(policy, rule) {
      const refused = denied.get(`${policy}/${rule}`);
      const audited = warned.get(`${policy}/${rule}`);
      const parts = [
        ...(refused ? [`${atLeast}${refused} refused today`] : []),
        ...(audited ? [`${atLeast}${audited} would be refused today`] : []),
      ];
      return parts.length > 0 ? parts.join(", ") : undefined;
    },
  };
}
