/** Status of BranchProtections from the bundle and from refusals. */
import { defineController, done } from "@krate/controller";
import { BranchProtection, ConfigMap, GitEvent } from "@krate/kinds";
import { bundleName } from "../plan-bundle.ts";
import { verdictOf } from "../policy-status.ts";
import { lastRejection, refusedByIndex } from "../refusals.ts";
import { policyWatches, tellVerdict } from "./policy-changes.ts";

export const branchProtections = defineController({
  name: "refpolicy-branch-protections",
  for: BranchProtection,
  watches: policyWatches(BranchProtection),
  concurrency: 4,
  async reconcile(protection, context) {
    const { metadata, spec } = protection;
    const policy = `BranchProtection/${metadata.name}`;
    const configMap = context.lister(ConfigMap).get({ namespace: metadata.namespace ?? "", name: bundleName });
    const verdict = verdictOf(policy, metadata, configMap);
    if (!verdict) return done(); // the bundle's next change leads here again
    tellVerdict(protection, verdict, context);
    const refusals = context.lister(GitEvent).byIndex(refusedByIndex, `${metadata.namespace}/${policy}`);
    const rejection = lastRejection(refusals, policy) ?? protection.status?.lastRejection;
    return done({
      status: {
        phase: verdict.phase,
        compiledHash: verdict.hash,
        appliedTo: { repositories: verdict.report?.repositories ?? 0, refs: spec.refs.length },
        ...(rejection && { lastRejection: rejection }),
      },
      // BranchProtection has no Distributed or Stale of its own: phase and Ready say it.
      conditions: verdict.conditions.filter(({ type }) => type === "Compiled" || type === "Ready"),
    });
  },
});
