/** What the API server adds to every record (docs/architecture.md, "Records"); each kind's own part is in `strategies/`. */
import type { JsonObject } from "@krate/apimachinery";
import { annotations, type FieldError, invalid, type Kind, labels } from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { namespaceKind } from "../core/namespaces.ts";
import { annotationsOf, labelsOf, metadataOf, sectionOf, textOf } from "../objects.ts";
import type { Strategy } from "../resources/resource.ts";
import { errorTarget } from "../stages/decode.ts";
import { conflictingLabels, mirrorLabels } from "./mirrored-labels.ts";

/** A kind's own part. `status` is that of the object and may be changed; it starts as `{ storage: "postgres" }`. */
export interface RecordStrategy {
  create?(ctx: RequestContext, object: JsonObject, status: JsonObject): void | Promise<void>;
  update?(ctx: RequestContext, object: JsonObject, status: JsonObject, old: JsonObject): void | Promise<void>;
  /** A write of the status subresource. */
  updateStatus?(ctx: RequestContext, object: JsonObject, status: JsonObject, old: JsonObject): void | Promise<void>;
  /** Members of status that only the server sets. */
  serverStatus?: readonly string[];
  warnings?: Strategy["warnings"];
}

export function recordStrategy(kind: Kind, own: RecordStrategy): Strategy {
  return {
    prepareForCreate: async (ctx, object) => {
      await checkOrganization(ctx, object);
      refuse(ctx, conflictingLabels(kind, object, undefined));
      const status: JsonObject = { storage: "postgres" };
      object["status"] = status;
      setCreatedBy(object, ctx.user.name);
      await own.create?.(ctx, object, status);
      mirrorLabels(kind, object);
    },
    prepareForUpdate: async (ctx, object, old) => {
      const status: JsonObject = { ...sectionOf(object, "status") };
      object["status"] = status;
      const before = sectionOf(old, "status");
      keep(status, before, ["storage", ...(own.serverStatus ?? [])]);
      if (ctx.target.subresource === "status") await own.updateStatus?.(ctx, object, status, old);
      else {
        refuse(ctx, conflictingLabels(kind, object, old));
        setCreatedBy(object, annotationsOf(old)[annotations.createdBy]);
        await own.update?.(ctx, object, status, old);
      }
      mirrorLabels(kind, object);
    },
    ...(own.warnings !== undefined && { warnings: own.warnings }),
  };
}

function keep(status: JsonObject, before: JsonObject, names: readonly string[]): void {
  for (const name of names) {
    if (before[name] === undefined) delete status[name];
    else status[name] = before[name];
  }
}

function refuse(ctx: RequestContext, errors: FieldError[]): void {
  if (errors.length > 0) throw invalid(errorTarget(ctx), errors);
}

async function checkOrganization(ctx: RequestContext, object: JsonObject): Promise<void> {
  const namespace = await ctx.services.config.find(namespaceKind, { name: ctx.target.namespace });
  const bound = namespace === undefined ? undefined : labelsOf(namespace)[labels.org];
  const named = textOf(sectionOf(object, "spec")["organizationRef"]);
  if (bound === undefined || bound === named || named === "") return;
  const message = `Invalid value: ${JSON.stringify(named)}: namespace ${ctx.target.namespace} belongs to organization ${JSON.stringify(bound)}`;
  refuse(ctx, [{ reason: "FieldValueInvalid", field: "spec.organizationRef", message }]);
}

function setCreatedBy(object: JsonObject, user: string | undefined): void {
  const { [annotations.createdBy]: _sent, ...rest } = annotationsOf(object);
  const next = user === undefined ? rest : { ...rest, [annotations.createdBy]: user };
  const metadata = metadataOf(object);
  if (Object.keys(next).length === 0) delete metadata["annotations"];
  else metadata["annotations"] = next;
}
