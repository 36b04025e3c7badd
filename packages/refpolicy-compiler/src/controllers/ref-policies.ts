/** Status of RefPolicies from the bundle, from who has loaded it, and from refusals. */
import { defineController, done } from "@krate/controller";
import { ConfigMap, GitEvent, RefPolicy } from "@krate/kinds";
import { bundleName } from "../plan-bundle.ts";
import { verdictOf } from "../policy-status.ts";
import { refusedByIndex, ruleStats } from "../refusals.ts";
import { policyWatches, statsResyncSeconds, tellVerdict } from "./policy-changes.ts";

export const refPolicies = defineController({
  name: "refpolicy-ref-policies",
  for: RefPolicy,
  watches: policyWatches(RefPolicy),
  concurrency: 4,
  resyncSeconds: statsResyncSeconds,
  async reconcile(object, context) {
    const { metadata, status } = object;
    const policy = `RefPolicy/${metadata.name}`;
    const configMap = context.lister(ConfigMap).get({ namespace: metadata.namespace ?? "", name: bundleName });
    const verdict = verdictOf(policy, metadata, configMap);
    if (!verdict) return done(); // the bundle's next change leads here again
    tellVerdict(object, verdict, context);
    const now = context.now();
    const time = now.toISOString().replace(/\.\d+Z$/, "Z");
    const refusals = context.lister(GitEvent).byIndex(refusedByIndex, `${metadata.namespace}/${policy}`);
    const generation = metadata.generation ?? 0;
    const isSame = status?.compiled?.hash === verdict.hash && status?.compiled?.generation === generation;
    const compiled = verdict.report?.reason === "CompileSucceeded" &&
      verdict.hash !== undefined && {
        hash: verdict.hash,
        at: isSame ? (status?.compiled?.at ?? time) : time,
        generation,
        configMap: bundleName,
        bytes: verdict.bytes ?? 0,
      };
    return done({
      status: {
        phase: verdict.phase,
        ...(compiled && { compiled }),
        problems: verdict.report?.problems.length ? verdict.report.problems.slice(0, 20) : undefined,
        applied: verdict.applied.map(({ backend, hash }) => {
          const known = status?.applied?.find((entry) => entry.backend === backend && entry.hash === hash);
          return { backend, hash, at: known?.at ?? time };
        }),
        ruleStats: ruleStats(refusals, policy, now),
      },
      conditions: verdict.conditions,
    });
  },
});
