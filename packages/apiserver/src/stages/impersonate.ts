import { badRequest, forbidden } from "@krate/kinds";
import type { RequestContext, Stage, UserInfo } from "../context.ts";
import { headerText } from "../http/exchange.ts";
import type { Authorizer, Services } from "../services.ts";

/**
 * `Impersonate-User`, `-Group`, `-Uid`, `-Extra-*`: acts as somebody else when the caller may `impersonate` each part; 403 otherwise.
 * Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation.
 */
export function impersonate({ authorizer, auditor }: Pick<Services, "authorizer" | "auditor">): Stage {
  return async (ctx, next) => {
    try {
      const wanted = readHeaders(ctx);
      if (wanted !== undefined) {
        for (const part of wanted.parts) await check(ctx, authorizer, part);
        ctx.impersonator = ctx.user;
        ctx.user = wanted.user;
      }
    } catch (error) {
      auditor.completed(ctx, error);
      throw error;
    }
    return next(ctx);
  };
}

/** The first value, as Go's `Header.Get` reads it. */
function textOf(values: readonly string[]): string | undefined {
  return values[0] === undefined ? undefined : headerText(values[0]);
}

interface Part {
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
}

function readHeaders(ctx: RequestContext): { user: UserInfo; parts: Part[] } | undefined {
  const { exchange } = ctx;
  const name = textOf(exchange.headerValues("impersonate-user"));
  const groups = exchange.headerValues("impersonate-group").map(headerText);
  const uid = textOf(exchange.headerValues("impersonate-uid"));
  const extra = readExtra(ctx);
  const any = groups.length > 0 || uid !== undefined || Object.keys(extra).length > 0;
  if (name === undefined || name === "") {
    if (any) throw badRequest("requested impersonation without a user: Impersonate-User must be set");
    return undefined;
  }
  const parts: Part[] = [userPart(name), ...groups.map((group) => part("groups", group))];
  if (uid !== undefined) parts.push({ ...part("uids", uid), group: "authentication.k8s.io" });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) {
      parts.push({ ...part("userextras", value), group: "authentication.k8s.io", subresource: key });
    }
  }
  return { user: { name, uid, groups: withImplied(name, groups), extra }, parts };
}

function part(resource: string, name: string): Part {
  return { group: "", resource, subresource: "", namespace: "", name };
}

const serviceAccountPrefix = "system:serviceaccount:";

function userPart(name: string): Part {
  if (!name.startsWith(serviceAccountPrefix)) return part("users", name);
  const [namespace = "", account = ""] = name.slice(serviceAccountPrefix.length).split(":");
  return { ...part("serviceaccounts", account), namespace };
}

function withImplied(name: string, groups: readonly string[]): string[] {
  const all = [...groups];
  if (name.startsWith(serviceAccountPrefix) && groups.length === 0) {
    const namespace = name.slice(serviceAccountPrefix.length).split(":")[0] ?? "";
    all.push("system:serviceaccounts", `system:serviceaccounts:${namespace}`);
  }
  const implied = name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  if (!all.includes(implied) && !all.includes("system:unauthenticated")) all.push(implied);
  return all;
}

const extraPrefix = "impersonate-extra-";

function readExtra(ctx: RequestContext): Record<string, string[]> {
  const extra = new Map<string, string[]>();
  for (const header of ctx.exchange.headerNames()) {
    if (!header.startsWith(extraPrefix)) continue;
    try {
      const key = decodeURIComponent(header.slice(extraPrefix.length));
      extra.set(key, ctx.exchange.headerValues(header).map(headerText));
    } catch (cause) {
      throw badRequest(`the header ${header} is not percent-encoded correctly`, cause);
    }
  }
  return Object.fromEntries(extra);
}

async function check(ctx: RequestContext, authorizer: Authorizer, wanted: Part): Promise<void> {
  const { allowed } = await authorizer.authorize({ user: ctx.user, verb: "impersonate", version: "", ...wanted });
  if (allowed) return;
  const resource = wanted.subresource === "" ? wanted.resource : `${wanted.resource}/${wanted.subresource}`;
  throw forbidden(
    { group: wanted.group, plural: wanted.resource, name: wanted.name },
    `User ${JSON.stringify(ctx.user.name)} cannot impersonate resource ${JSON.stringify(resource)} in API group ${JSON.stringify(wanted.group)} ${
      wanted.namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(wanted.namespace)}`
    }`,
  );
}
