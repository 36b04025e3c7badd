/** Status of a BranchProtection or RefPolicy from what the bundle's ConfigMap reports about it. Pure. */
import { annotations, type ConditionInput, type ConfigMapType, isFalse, isTrue, isUnknown } from "@krate/kinds";
import { bundleName, type PolicyReport, readReport } from "./plan-bundle.ts";

/** Annotation by which an enforcing process says which bundle it has loaded: `applied.krate.a5c.ai/<backend>: <hash>`. */
export const appliedPrefix = "applied.krate.a5c.ai/";

export interface PolicyVerdict {
  phase: "Pending" | "Active" | "Stale" | "Failed";
  conditions: ConditionInput[];
  report?: PolicyReport;
  hash?: string;
  bytes?: number;
  /** Hash per enforcing process. */
  applied: { backend: string; hash: string }[];
}

/** Undefined while the bundle does not know this version yet: its next change comes with another call. */
export function verdictOf(
  policy: string,
  metadata: { uid?: string; generation?: number },
  configMap: ConfigMapType | undefined,
): PolicyVerdict | undefined {
  const report = readReport(configMap)[policy];
  if (!report || report.uid !== metadata.uid || report.generation !== metadata.generation) return undefined;
  const hash = configMap?.metadata?.annotations?.[annotations.bundleHash];
  const applied = appliedOf(configMap);
  const bytes = Buffer.byteLength(configMap?.data?.["bundle.json"] ?? "");
  const common = { report, applied, bytes, ...(hash && { hash }) };
  if (report.reason === "CompileSucceeded") {
    return {
      ...common,
      phase: "Active",
      conditions: [
        isTrue("Compiled", "CompileSucceeded", `${report.rules} rules in ConfigMap ${bundleName}`),
        isTrue("Ready", "Active"),
        isFalse("Stale", "Current"),
        distributed(applied, hash),
      ],
    };
  }
  const message = report.problems.join("; ");
  return {
    ...common,
    phase: report.stale ? "Stale" : "Failed",
    conditions: [
      isFalse("Compiled", report.reason, message),
      isFalse("Ready", "CompileFailed", report.stale ? "the last valid version is enforced" : message),
      report.stale ? isTrue("Stale", "CompileFailed", message) : isFalse("Stale", "Current", "no older version exists"),
      distributed(applied, hash),
    ],
  };
}

function appliedOf(configMap: ConfigMapType | undefined): { backend: string; hash: string }[] {
  return Object.entries(configMap?.metadata?.annotations ?? {})
    .filter(([key]) => key.startsWith(appliedPrefix))
    .map(([key, hash]) => ({ backend: key.slice(appliedPrefix.length), hash }))
    .sort((a, b) => (a.backend < b.backend ? -1 : 1));
}

function distributed(applied: { backend: string; hash: string }[], hash: string | undefined): ConditionInput {
  if (applied.length === 0)
    return isUnknown("Distributed", "WaitingForBackends", "no enforcing process reports what it has loaded");
  const behind = applied.filter((entry) => entry.hash !== hash).map(({ backend }) => backend);
  return behind.length === 0
    ? isTrue("Distributed", "AllBackendsCurrent")
    : isFalse("Distributed", "WaitingForBackends", `not yet current: ${behind.join(", ")}`);
}
