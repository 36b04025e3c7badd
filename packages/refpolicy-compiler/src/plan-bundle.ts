/** What the ConfigMap of one organization namespace should say. Pure. */
import {
  annotations,
  type BranchProtection,
  type ConfigMapType,
  labels,
  type ObjectOf,
  type RefPolicy,
  type Repository,
} from "@krate/kinds";
import { type CompileProblem, compileBundle, type PolicyBundle, parseBundle } from "@krate/refpolicy";

export const bundleName = "krate-refpolicy";
export const bundleKey = "bundle.json";
export const reportKey = "report.json";

/** A ConfigMap holds 1 MiB in all; what is left is for metadata and the report. */
export const maxBundleBytes = 900_000;

/** What became of one policy, by `BranchProtection/<name>` or `RefPolicy/<name>`. */
export interface PolicyReport {
  uid: string;
  /** metadata.generation this is about. */
  generation: number;
  /** Reason of condition `Compiled`. */
  reason: "CompileSucceeded" | CompileProblem["reason"] | "BundleTooLarge";
  /** Why not, one sentence per problem. */
  problems: string[];
  /** An older version is in the bundle. */
  stale: boolean;
  /** Rules in the bundle. */
  rules: number;
  /** Repositories it applies to. */
  repositories: number;
}

export type BundleReport = Record<string, PolicyReport>;

export interface BundleInput {
  namespace: string;
  branchProtections: readonly ObjectOf<typeof BranchProtection>[];
  refPolicies: readonly ObjectOf<typeof RefPolicy>[];
  repositories: readonly ObjectOf<typeof Repository>[];
  /** WebAssembly modules by `objectRef`: the bytes, or why they cannot be had. */
  modules?: ReadonlyMap<string, Uint8Array | { problem: string }>;
  /** The ConfigMap as it is. */
  current: ConfigMapType | undefined;
  /** The last bundle this process knows to have been in force, for when the ConfigMap was deleted or tampered with. */
  remembered?: PolicyBundle;
}

export interface BundleConfigMap {
  metadata: {
    namespace: string;
    name: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  data: Record<string, string>;
}

export type BundlePlan = { action: "none" | "delete" } | { action: "apply"; configMap: BundleConfigMap };

/**
 * A namespace with a repository always has a bundle, be it empty: the gateway can tell "no rules" from "not compiled yet".
 * A bundle that would be too large is not written; the one in force stays.
 */
export function planBundle(input: BundleInput): BundlePlan {
  const { namespace, current } = input;
  const alive = <T extends { metadata: { deletionTimestamp?: string } }>(objects: readonly T[]) =>
    objects.filter(({ metadata }) => !metadata.deletionTimestamp);
  const branchProtections = alive(input.branchProtections);
  const refPolicies = alive(input.refPolicies);
  if (input.repositories.length + branchProtections.length + refPolicies.length === 0)
    return { action: current ? "delete" : "none" };

  const previous = readBundle(current) ?? input.remembered;
  const compiled = compileBundle({
    namespace,
    branchProtections,
    refPolicies,
    repositories: input.repositories,
    ...(input.modules && { modules: input.modules }),
    ...(previous && { previous }),
  });
  const tooLarge = Buffer.byteLength(compiled.bytes) > maxBundleBytes;
  const bytes = tooLarge ? current?.data?.[bundleKey] : compiled.bytes;
  const before = readReport(current);
  const report: BundleReport = {};
  for (const object of [...branchProtections, ...refPolicies]) {
    const policy = `${object.kind}/${object.metadata.name}`;
    const own = reportOf(policy, object.metadata, compiled, input.repositories.length);
    report[policy] = tooLarge ? tooLargeReport(own, before[policy], Buffer.byteLength(compiled.bytes)) : own;
  }
  const hash = tooLarge ? previous?.hash : compiled.bundle.hash;
  const data = {
    ...(bytes !== undefined && { [bundleKey]: bytes }),
    [reportKey]: JSON.stringify(report),
  };
  const configMap: BundleConfigMap = {
    metadata: {
      namespace,
      name: bundleName,
      labels: { [labels.bundle]: "true" },
      annotations: hash ? { [annotations.bundleHash]: hash } : {},
    },
    data,
  };
  return saysAlready(current, configMap) ? { action: "none" } : { action: "apply", configMap };
}

function reportOf(
  policy: string,
  metadata: { uid?: string; generation?: number },
  compiled: ReturnType<typeof compileBundle>,
  repositoryCount: number,
): PolicyReport {
  const problems = compiled.problems.filter((problem) => problem.policy === policy);
  const rules = compiled.bundle.rules.filter((rule) => rule.policy === policy);
  const named = new Set(rules.flatMap(({ repositories }) => (repositories === "*" ? [] : repositories)));
  return {
    uid: metadata.uid ?? "",
    generation: metadata.generation ?? 0,
    reason: problems[0]?.reason ?? "CompileSucceeded",
    problems: problems.map(({ field, rule, message }) => `${field} (rule ${rule}): ${message}`),
    stale: compiled.stale.includes(policy),
    rules: rules.length,
    repositories: rules.some(({ repositories }) => repositories === "*") ? repositoryCount : named.size,
  };
}

/** A version that is in force already is not affected; a newer one has to wait. */
function tooLargeReport(own: PolicyReport, before: PolicyReport | undefined, bytes: number): PolicyReport {
  const inForce =
    before?.uid === own.uid && before.generation === own.generation && before.reason === "CompileSucceeded";
  if (inForce) return before;
  const message = `all policies of the namespace together compile to ${bytes} bytes; at most ${maxBundleBytes} are allowed`;
  const hadVersion = before !== undefined && before.uid === own.uid && before.rules > 0;
  return { ...own, reason: "BundleTooLarge", problems: [message], stale: hadVersion, rules: before?.rules ?? 0 };
}

/** The bundle in force; undefined when there is none or it was tampered with. */
export function readBundle(configMap: ConfigMapType | undefined): PolicyBundle | undefined {
  const bytes = configMap?.data?.[bundleKey];
  if (bytes === undefined) return undefined;
  try {
    return parseBundle(bytes);
  } catch {
    return undefined; // whatever it is, it is replaced by what compiles now
  }
}

export function readReport(configMap: ConfigMapType | undefined): BundleReport {
  try {
    return JSON.parse(configMap?.data?.[reportKey] ?? "{}") as BundleReport;
  } catch {
    return {};
  }
}

function saysAlready(current: ConfigMapType | undefined, wanted: BundleConfigMap): boolean {
  const includes = (have: Record<string, string> | undefined, want: Record<string, string>) =>
    Object.entries(want).every(([key, value]) => have?.[key] === value);
  return (
    current !== undefined &&
    includes(current.data, wanted.data) &&
    includes(current.metadata?.labels, wanted.metadata.labels) &&
    includes(current.metadata?.annotations, wanted.metadata.annotations)
  );
}
