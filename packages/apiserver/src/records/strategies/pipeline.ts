/** Pipeline (kinds.md §7.2): number, trust computed from the origin, and the first of the three locks of design D12. */
import type { JsonObject } from "@krate/apimachinery";
import { forbidden, Pipeline, PullRequest, RunnerPool } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { nameOf, sectionOf, textOf, timestamp } from "../../objects.ts";
import { refuseField, requireRecord, writableRepository } from "../lookups.ts";
import { takeNumber } from "../numbering.ts";
import type { RecordStrategy } from "../strategy.ts";

export const pipelineStrategy: RecordStrategy = {
  serverStatus: ["number"],
  create: async (ctx, object, status) => {
    const spec = sectionOf(object, "spec");
    const name = textOf(spec["repository"]);
    const repository = await writableRepository(ctx, name);
    await setTrust(ctx, spec);
    setPool(spec, repository);
    await checkPool(ctx, object, spec);
    await takeNumber(ctx, object, status, `pipelines/${ctx.target.namespace}/${name}/${textOf(spec["workflow"])}`);
    status["phase"] = "Pending";
    status["queuedAt"] = timestamp(ctx.services.now());
  },
};

async function setTrust(ctx: RequestContext, spec: JsonObject): Promise<void> {
  const origin = await originOf(ctx, spec);
  if (origin.untrusted && spec["trustTier"] === "trusted") {
    throw refuseField(ctx, "spec.trustTier", `Forbidden: must be untrusted: ${origin.reason}`, "FieldValueForbidden");
  }
  if (origin.fork && spec["fork"] === false) {
    throw refuseField(ctx, "spec.fork", `Forbidden: must be true: ${origin.reason}`, "FieldValueForbidden");
  }
  spec["fork"] = origin.fork || spec["fork"] === true;
  spec["trustTier"] =
    origin.untrusted || spec["fork"] === true || spec["trustTier"] === "untrusted" ? "untrusted" : "trusted";
}

interface Origin {
  untrusted: boolean;
  fork: boolean;
  reason: string;
}

/** The pull request the code is of, or the run that is repeated: a rerun is trusted no more than its original. */
async function originOf(ctx: RequestContext, spec: JsonObject): Promise<Origin> {
  const rerunOf = textOf(spec["rerunOf"]);
  if (rerunOf !== "") {
    const original = sectionOf(
      await requireRecord(ctx, { field: "spec.rerunOf", plural: Pipeline.plural, kind: "Pipeline", name: rerunOf }),
      "spec",
    );
    if (original["pullRequest"] !== undefined) spec["pullRequest"] ??= original["pullRequest"];
    if (original["trustTier"] === "untrusted") {
      return { untrusted: true, fork: original["fork"] === true, reason: `Pipeline ${rerunOf} is untrusted` };
    }
  }
  const name = textOf(spec["pullRequest"]);
  if (name === "") return { untrusted: false, fork: false, reason: "" };
  const pullRequest = await requireRecord(ctx, {
    field: "spec.pullRequest",
    plural: PullRequest.plural,
    kind: "PullRequest",
    name,
  });
  const trust = (sectionOf(pullRequest, "status")["trust"] ?? {}) as JsonObject;
  return {
    untrusted: trust["tier"] !== "trusted",
    fork: trust["fork"] === true,
    reason: `PullRequest ${name} is untrusted: ${textOf(trust["reason"])}`,
  };
}

function setPool(spec: JsonObject, repository: JsonObject): void {
  const ci = (sectionOf(repository, "spec")["ci"] ?? {}) as JsonObject;
  const pool = spec["trustTier"] === "untrusted" ? ci["untrustedRunnerPool"] : ci["defaultRunnerPool"];
  if (typeof pool === "string" && pool !== "") spec["runnerPool"] ??= pool;
}

async function checkPool(ctx: RequestContext, object: JsonObject, spec: JsonObject): Promise<void> {
  const name = textOf(spec["runnerPool"]);
  if (name === "" || spec["trustTier"] !== "untrusted") return;
  const pool = await ctx.services.config.find(RunnerPool, { namespace: ctx.target.namespace, name });
  if (pool === undefined || sectionOf(pool, "spec")["trustTier"] !== "trusted") return;
  throw forbidden(
    { ...ctx.served, name: nameOf(object) },
    `untrusted code may not run in RunnerPool ${JSON.stringify(name)}, which is trusted: name an untrusted pool`,
  );
}
