/** Whether pushes to a namespace are judged by its current policies: pure. */
import {
  annotations,
  type BranchProtection,
  type ConditionInput,
  type ConfigMapType,
  findCondition,
  isFalse,
  isTrue,
  type ObjectOf,
  type RefPolicy,
} from "@krate/kinds";

/** Name of the ConfigMap that refpolicy-compiler writes in every organization namespace. */
export const bundleConfigMap = "krate-refpolicy";

type Policy = ObjectOf<typeof BranchProtection> | ObjectOf<typeof RefPolicy>;

const type = "ProtectionSynced";

export function protectionCondition(policies: readonly Policy[], bundle: ConfigMapType | undefined): ConditionInput {
  if (policies.length === 0) return isTrue(type, "Synced", "no policy exists in this namespace");
  const hash = bundle?.metadata?.annotations?.[annotations.bundleHash];
  if (!hash) return isFalse(type, "WaitingForBundle", "policies exist and are not compiled yet: pushes are refused");
  const named = (list: readonly Policy[]) =>
    list
      .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
      .sort()
      .join(", ");
  const failed = policies.filter((policy) => findCondition(policy, "Compiled")?.status === "False");
  if (failed.length > 0)
    return isFalse(type, "CompileFailed", `the last valid version stays in force of ${named(failed)}`);
  const stale = policies.filter(
    (policy) => (findCondition(policy, "Compiled")?.observedGeneration ?? 0) < (policy.metadata.generation ?? 0),
  );
  if (stale.length > 0) return isFalse(type, "Stale", `being compiled: ${named(stale)}`);
  return isTrue(type, "Synced", `bundle ${hash}`);
}
