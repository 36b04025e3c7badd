/**
 * Nobody grants what they do not have: roles need `escalate` or every rule held, bindings need `bind` or every rule of the role held.
 * Source: k8s.io/kubernetes/pkg/registry/rbac/{role,rolebinding}/policybased.
 */
import { dig, equalJson, type JsonObject } from "@krate/apimachinery";
import { forbidden } from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { nameOf, textOf } from "../objects.ts";
import type { AdmissionPlugin, ConfigKind } from "../services.ts";
import type { RbacAuthorizer } from "./rbac.ts";
import { covers, type PolicyRule, rulesOf } from "./rules.ts";

const group = "rbac.authorization.k8s.io";
const clusterRoles: ConfigKind = { group, version: "v1", kind: "ClusterRole", plural: "clusterroles" };
const roles: ConfigKind = { group, version: "v1", kind: "Role", plural: "roles" };

export function escalationCheck(rbac: RbacAuthorizer): AdmissionPlugin {
  return {
    name: "RBACEscalation",
    validate: (ctx) => {
      if (ctx.operation === "DELETE" || ctx.served.group !== group || ctx.object === undefined) return;
      const { plural } = ctx.served;
      if (plural === "roles" || plural === "clusterroles") checkRole(ctx, rbac, ctx.object);
      else checkBinding(ctx, rbac, ctx.object);
    },
  };
}

function may(ctx: RequestContext, rbac: RbacAuthorizer, verb: string, resource: string, name: string): boolean {
  const { namespace } = ctx.target;
  const attributes = { user: ctx.user, verb, group, version: "v1", resource, subresource: "", namespace, name };
  return rbac.authorize(attributes).allowed;
}

function checkRole(ctx: RequestContext, rbac: RbacAuthorizer, role: JsonObject): void {
  if (ctx.old !== undefined && equalJson(role["rules"], ctx.old["rules"])) return;
  if (may(ctx, rbac, "escalate", ctx.served.plural, nameOf(role))) return;
  refuseMissing(ctx, rbac, rulesOf(role));
}

function checkBinding(ctx: RequestContext, rbac: RbacAuthorizer, binding: JsonObject): void {
  const { old } = ctx;
  if (
    old !== undefined &&
    equalJson(binding["roleRef"], old["roleRef"]) &&
    equalJson(binding["subjects"], old["subjects"])
  )
    return;
  const kind = textOf(dig(binding, "roleRef", "kind"));
  const name = textOf(dig(binding, "roleRef", "name"));
  const resource = kind === "ClusterRole" ? clusterRoles : roles;
  if (may(ctx, rbac, "bind", resource.plural, name)) return;
  const namespace = kind === "ClusterRole" ? undefined : ctx.target.namespace;
  const role = ctx.services.config.get(resource, { namespace, name });
  if (role === undefined) {
    throw forbidden(
      { group, plural: ctx.served.plural, name: nameOf(binding) },
      `user ${JSON.stringify(ctx.user.name)} may not bind ${kind} ${JSON.stringify(name)}, which does not exist`,
    );
  }
  refuseMissing(ctx, rbac, rulesOf(role));
}

function refuseMissing(ctx: RequestContext, rbac: RbacAuthorizer, wanted: readonly PolicyRule[]): void {
  const held = rbac.rulesFor(ctx.user, ctx.target.namespace);
  const missing = wanted.filter((rule) => !covers(held, rule));
  if (missing.length === 0) return;
  const who = `user ${JSON.stringify(ctx.user.name)} (groups=${JSON.stringify(ctx.user.groups)})`;
  throw forbidden(
    { group, plural: ctx.served.plural, name: nameOf(ctx.object as JsonObject) },
    `${who} is attempting to grant RBAC permissions not currently held:\n${missing.map(formatRule).join("\n")}`,
  );
}

function formatRule({
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
  verbs,
}: PolicyRule): string {
  const list = (name: string, values: readonly string[]) =>
    values.length === 0 ? [] : [`${name}:${JSON.stringify(values)}`];
  const parts = [
    ...list("APIGroups", apiGroups),
    ...list("Resources", resources),
    ...list("ResourceNames", resourceNames),
    ...list("NonResourceURLs", nonResourceURLs),
    ...list("Verbs", verbs),
  ];
  return `{${parts.join(", ")}}`;
}
