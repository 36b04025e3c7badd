/** BranchProtection and RefPolicy objects → one bundle. Equal objects give equal bytes, in whatever order they come. */
import type { BranchProtection, ObjectOf, RefPolicy, Repository } from "@krate/kinds";
import {
  type BundleRule,
  type PolicyBundle,
  type RuleParams,
  type Subject,
  sealBundle,
  type WasmSettings,
} from "./bundle.ts";
import { evaluatorOf } from "./rules.ts";
import { type LabelSelector, matchesSelector } from "./selector.ts";
import { parseModuleReference, wasmModuleProblem } from "./wasm-module.ts";

export interface CompileInput {
  namespace: string;
  branchProtections: readonly ObjectOf<typeof BranchProtection>[];
  refPolicies: readonly ObjectOf<typeof RefPolicy>[];
  repositories: readonly ObjectOf<typeof Repository>[];
  /** WebAssembly modules by the `objectRef` that names them: the bytes, or why they cannot be had. Others are not looked at. */
  modules?: ReadonlyMap<string, Uint8Array | { problem: string }>;
  /** The bundle in force: a policy whose new version does not compile keeps its rules from here. */
  previous?: PolicyBundle;
}

/** Why one object does not compile. `reason` is the reason of its `Compiled` condition. */
export interface CompileProblem {
  /** `RefPolicy/org-defaults` */
  policy: string;
  rule: string;
  field: string;
  reason: "InvalidPattern" | "WasmDigestMismatch" | "WasmInvalid";
  /** What is wrong and what is allowed. */
  message: string;
}

export interface CompileResult {
  bundle: PolicyBundle;
  /** Canonical JSON. */
  bytes: string;
  problems: CompileProblem[];
  /** Policies that are in the bundle with their previous rules. */
  stale: string[];
}

interface CompiledPolicy {
  policy: string;
  rules: BundleRule[];
  problems: CompileProblem[];
  selectsByLabel: boolean;
}

/**
 * A policy with a problem keeps its previous rules (REF-11); one that never compiled contributes those of its rules that
 * do, and says so: a mistake must neither open what was closed nor close everything.
 */
export function compileBundle(input: CompileInput): CompileResult {
  const compiled = [
    ...input.branchProtections.map((protection) => compileProtection(protection, input)),
    ...input.refPolicies.map((policy) => compileRefPolicy(policy, input)),
  ].sort((a, b) => (a.policy < b.policy ? -1 : 1));
  const rules: BundleRule[] = [];
  const stale: string[] = [];
  for (const { policy, rules: current, problems } of compiled) {
    const previous = input.previous?.rules.filter((rule) => rule.policy === policy) ?? [];
    if (problems.length > 0 && previous.length > 0) {
      rules.push(...previous);
      stale.push(policy);
    } else {
      rules.push(...current);
    }
  }
  const selectsByLabel = compiled.some((policy) => policy.selectsByLabel);
  const names = input.repositories.map(({ metadata }) => metadata.name ?? "").sort();
  const sealed = sealBundle({
    version: 1,
    namespace: input.namespace,
    repositories: selectsByLabel ? names : "all",
    rules,
  });
  return { ...sealed, problems: compiled.flatMap((policy) => policy.problems), stale };
}

function compileProtection(protection: ObjectOf<typeof BranchProtection>, input: CompileInput): CompiledPolicy {
  const { spec, metadata } = protection;
  const policy = `BranchProtection/${metadata.name}`;
  const common = {
    policy,
    refs: [...spec.refs].sort(),
    repositories: protectedRepositories(spec, input.repositories),
    mode: "enforce" as const,
    priority: 0,
    adminsMayBypass: true,
    ...bypassOf(spec.bypass, input.namespace),
  };
  const types: BundleRule["type"][] = [];
  if (spec.requirePullRequest !== false) types.push("require-pull-request");
  if (!spec.allowForcePush) types.push("block-force-push");
  if (!spec.allowDeletion) types.push("deny-deletion");
  if (spec.requireSignedCommits) types.push("require-signed-commits");
  if (spec.requireLinearHistory) types.push("require-linear-history");
  const problems = spec.refs.flatMap((glob, index) =>
    refGlobProblem(glob, { policy, rule: "refs", field: `spec.refs[${index}]` }),
  );
  const selectsByLabel = spec.repositorySelector !== undefined;
  return { policy, rules: types.map((type) => ({ ...common, rule: type, type })), problems, selectsByLabel };
}

function compileRefPolicy(object: ObjectOf<typeof RefPolicy>, input: CompileInput): CompiledPolicy {
  const { spec, metadata } = object;
  const policy = `RefPolicy/${metadata.name}`;
  const repositories = scopedRepositories(spec.scope, input.repositories);
  const common = { policy, repositories, priority: spec.priority ?? 0 };
  const problems: CompileProblem[] = [];
  const rules: BundleRule[] = [];
  (spec.deny ?? []).toSorted().forEach((prefix) => {
    const found = refGlobProblem(prefix, { policy, rule: "deny", field: "spec.deny" }, { globs: false });
    problems.push(...found);
    if (found.length === 0)
      rules.push({ ...common, rule: "deny", type: "deny-ref", refs: [`${prefix}**`], mode: "enforce" });
  });
  (spec.rules ?? []).forEach((rule, index) => {
    const at = { policy, rule: rule.name };
    const found = (rule.refs ?? []).flatMap((glob, position) =>
      refGlobProblem(glob, { ...at, field: `spec.rules[${index}].refs[${position}]` }),
    );
    const params: RuleParams = { ...rule.params, ...(rule.wasm && { wasm: rule.wasm }) };
    const compiled: BundleRule = {
      ...common,
      rule: rule.name,
      type: rule.type,
      refs: rule.refs?.length ? rule.refs.toSorted() : ["**"],
      mode: rule.mode ?? "enforce",
      ...(rule.message && { message: rule.message }),
      ...(Object.keys(params).length > 0 && { params }),
      ...bypassOf(rule.bypass, input.namespace),
    };
    found.push(...patternProblem(compiled, { ...at, field: `spec.rules[${index}].params.pattern` }));
    found.push(...wasmProblem(rule.wasm, { ...at, field: `spec.rules[${index}].wasm.module` }, input.modules));
    problems.push(...found);
    if (found.length === 0) rules.push(compiled);
  });
  return { policy, rules, problems, selectsByLabel: spec.scope?.selector !== undefined };
}

type At = Pick<CompileProblem, "policy" | "rule" | "field">;

function refGlobProblem(glob: string, at: At, options: { globs: boolean } = { globs: true }): CompileProblem[] {
  const problem = (message: string): CompileProblem[] => [{ ...at, reason: "InvalidPattern", message }];
  const everything = glob === "*" || glob === "**";
  if (!glob.startsWith("refs/") && !(options.globs && everything))
    return problem(`"${glob}" must be a full ref name or glob that begins with refs/, such as refs/heads/main`);
  if (!options.globs && glob.includes("*")) return problem(`"${glob}" must be a prefix without *`);
  // Source: git-check-ref-format(1); a pattern with these can never match and is a mistake.
  const illegal = /[\s~^:?[\\]|\.\.|\/\/|@\{/.exec(glob);
  return illegal ? problem(`"${glob}" contains "${illegal[0]}", which no ref name has; only * and ** are special`) : [];
}

function patternProblem(rule: BundleRule, at: At): CompileProblem[] {
  try {
    evaluatorOf(rule);
    return [];
  } catch (error) {
    const message = `"${rule.params?.pattern}" must be an RE2 regular expression: ${(error as Error).message}`;
    return [{ ...at, reason: "InvalidPattern", message }];
  }
}

/** A module that could be looked at must be the one the rule names, and one that may be run. */
function wasmProblem(settings: WasmSettings | undefined, at: At, modules: CompileInput["modules"]): CompileProblem[] {
  const objectRef = settings?.module.objectRef;
  if (settings === undefined || objectRef === undefined) return [];
  if (!parseModuleReference(objectRef))
    return [{ ...at, reason: "WasmInvalid", message: `objectRef "${objectRef}" must be configmap/<name>/<key>` }];
  const module = modules?.get(objectRef);
  if (module === undefined) return [];
  const problem =
    "problem" in module
      ? { reason: "WasmInvalid" as const, message: module.problem }
      : wasmModuleProblem(module, settings);
  return problem ? [{ ...at, ...problem }] : [];
}

type ProtectionScope = { repository?: string; repositorySelector?: LabelSelector };

/** Repositories a BranchProtection applies to. */
export function protectedRepositories(
  spec: ProtectionScope,
  repositories: readonly { metadata: { name?: string; labels?: Record<string, string> } }[],
): string[] | "*" {
  if (spec.repository !== undefined) return [spec.repository];
  if (spec.repositorySelector === undefined) return "*";
  return selected(spec.repositorySelector, repositories);
}

function scopedRepositories(
  scope: { repositories?: string[]; selector?: LabelSelector } | undefined,
  repositories: CompileInput["repositories"],
): string[] | "*" {
  const { repositories: named, selector } = scope ?? {};
  if (!named?.length && !selector) return "*";
  const names = new Set([...(named ?? []), ...(selector ? selected(selector, repositories) : [])]);
  return [...names].sort();
}

function selected(
  selector: LabelSelector,
  repositories: readonly { metadata: { name?: string; labels?: Record<string, string> } }[],
): string[] {
  const matching = repositories.filter(({ metadata }) => matchesSelector(selector, metadata.labels));
  return matching.map(({ metadata }) => metadata.name ?? "").sort();
}

function bypassOf(subjects: readonly Subject[] | undefined, namespace: string): { bypass?: Subject[] } {
  if (!subjects?.length) return {};
  const resolved = subjects.map((subject) =>
    subject.kind === "ServiceAccount" ? { ...subject, namespace: subject.namespace ?? namespace } : { ...subject },
  );
  const order = ({ kind, namespace: of = "", name }: Subject) => `${kind}/${of}/${name}`;
  return { bypass: resolved.sort((a, b) => (order(a) < order(b) ? -1 : 1)) };
}
