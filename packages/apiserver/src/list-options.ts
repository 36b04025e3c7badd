import { krateNormalizers, parseFieldSelector, parseLabelSelector } from "@krate/apimachinery";
import { badRequest } from "@krate/kinds";
import type { RequestContext } from "./context.ts";
import { invalidOption, unsupportedOption } from "./option-errors.ts";
import { isTrue } from "./request-info.ts";
import type { ListOptions, Scope, WatchOptions } from "./storage/store.ts";

function scopeOf(ctx: RequestContext): Scope {
  const { storage, selectableFields, namespaced } = ctx.served;
  const { namespace } = ctx.target;
  const labels = ctx.params.get("labelSelector");
  const fields = ctx.params.get("fieldSelector");
  const selector = {
    ...(labels !== null && labels !== "" && { labels: parseLabelSelector(labels, { normalize: krateNormalizers }) }),
    ...(fields !== null && fields !== "" && { fields: parseFieldSelector(fields, { supported: selectableFields }) }),
  };
  return {
    group: storage.group,
    resource: storage.resource,
    ...(namespaced && namespace !== "" && { namespace }),
    ...((selector.labels !== undefined || selector.fields !== undefined) && { selector }),
  };
}

/** `limit`, `continue`, `resourceVersion`, `resourceVersionMatch` and selectors of a list. @throws BadRequest */
export function listOptions(ctx: RequestContext): ListOptions {
  const { params } = ctx;
  const limit = integer(ctx, "limit");
  integer(ctx, "timeoutSeconds");
  const match = params.get("resourceVersionMatch");
  if (match !== null && !["", "Exact", "NotOlderThan"].includes(match)) {
    throw unsupportedOption("ListOptions", "resourceVersionMatch", JSON.stringify(match), [
      "Exact",
      "NotOlderThan",
      "",
    ]);
  }
  const resourceVersion = revisionParameter(ctx);
  if (match !== null && match !== "" && resourceVersion === undefined) {
    throw forbiddenMatch("resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (match === "Exact" && resourceVersion === "0") {
    throw forbiddenMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  return {
    ...scopeOf(ctx),
    ...(limit !== undefined && limit > 0 && { limit }),
    continue: params.get("continue") || undefined,
    resourceVersion,
    resourceVersionMatch: match === "Exact" || match === "NotOlderThan" ? match : undefined,
  };
}

/** kube-apiserver ends watches after 30 to 60 minutes so that clients spread over servers. */
const minWatchSeconds = 1800;
/** Node's timers know no more; what is longer would end at once. */
const maxTimerSeconds = 2_147_483;

/** @throws BadRequest */
export function watchOptions(ctx: RequestContext): { options: WatchOptions; close: () => void } {
  const { params } = ctx;
  const wanted = integer(ctx, "timeoutSeconds") ?? 0;
  const timeoutSeconds = wanted > 0 ? Math.min(wanted, maxTimerSeconds) : minWatchSeconds * (1 + Math.random());
  const sendInitialEvents = params.get("sendInitialEvents");
  const resourceVersion = revisionParameter(ctx);
  const match = params.get("resourceVersionMatch") ?? "";
  if (sendInitialEvents !== null && match !== "NotOlderThan") {
    throw forbiddenMatch("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (sendInitialEvents === null && match !== "") {
    throw forbiddenMatch("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  integer(ctx, "limit");
  const timer = setTimeout(() => ctx.expire(), timeoutSeconds * 1000);
  timer.unref();
  const options: WatchOptions = {
    ...scopeOf(ctx),
    fromRevision: resourceVersion === undefined || resourceVersion === "0" ? undefined : BigInt(resourceVersion),
    bookmarks: isTrue(params.get("allowWatchBookmarks")),
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
    signal: ctx.signal,
  };
  return { options, close: () => clearTimeout(timer) };
}

function forbiddenMatch(detail: string): Error {
  return invalidOption("ListOptions", "resourceVersionMatch", `Forbidden: ${detail}`, "FieldValueForbidden");
}

function revisionParameter({ params }: RequestContext): string | undefined {
  const value = params.get("resourceVersion");
  if (value === null || value === "") return undefined;
  if (!/^\d{1,19}$/.test(value))
    throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(value)}: must be a decimal integer`);
  return value;
}

function integer({ params }: RequestContext, name: string): number | undefined {
  const value = params.get(name);
  if (value === null || value === "") return undefined;
  if (!/^-?\d{1,18}$/.test(value))
    throw badRequest(`${name}: Invalid value: ${JSON.stringify(value)}: must be an integer`);
  return Number(value);
}
