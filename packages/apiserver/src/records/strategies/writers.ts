/** Kinds that only one program writes. */
import { forbidden, PullRequest } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { nameOf, sectionOf, textOf } from "../../objects.ts";
import { isProgram, programs } from "../identities.ts";
import { requireRecord } from "../lookups.ts";
import { addOwner } from "../owner.ts";
import type { RecordStrategy } from "../strategy.ts";

function only(ctx: RequestContext, program: string, what: string): void {
  if (ctx.user.name === program) return;
  throw forbidden(
    { ...ctx.served, name: ctx.object === undefined ? ctx.target.name : nameOf(ctx.object) },
    `${what} only by ${program}`,
  );
}

/** Job (C-25): a hand-made one could choose its identity. */
export const jobStrategy: RecordStrategy = {
  create: (ctx, _object, status) => {
    only(ctx, programs.runnerOperator, "jobs are created");
    status["phase"] = "Pending";
  },
  updateStatus: (ctx) => only(ctx, programs.runnerOperator, "the status of a job is written"),
};

export const gitEventStrategy: RecordStrategy = {
  create: (ctx) => only(ctx, programs.gitGateway, "git events are recorded"),
};

export const patchSetStrategy: RecordStrategy = {
  create: async (ctx, object) => {
    only(ctx, programs.repositoryOperator, "patch sets are recorded");
    const name = textOf(sectionOf(object, "spec")["pullRequest"]);
    const { plural, kind } = PullRequest;
    addOwner(object, PullRequest, await requireRecord(ctx, { field: "spec.pullRequest", plural, kind, name }));
  },
};

export const auditEventStrategy: RecordStrategy = {
  create: (ctx) => only(ctx, programs.apiserver, "audit events are recorded"),
};

/** WebhookDelivery: people may ask for a test or for a replay; all others come from events. */
export const webhookDeliveryStrategy: RecordStrategy = {
  create: (ctx, object, status) => {
    const { test, replayOf } = sectionOf(object, "spec");
    if (!isProgram(ctx.user) && test !== true && replayOf === undefined) {
      throw forbidden(
        { ...ctx.served, name: nameOf(object) },
        "deliveries come from events: set spec.test or spec.replayOf to make one",
      );
    }
    status["phase"] = "Pending";
  },
};

export const checkRunStrategy: RecordStrategy = {
  create: (_ctx, _object, status) => {
    status["phase"] = "Queued";
  },
};
