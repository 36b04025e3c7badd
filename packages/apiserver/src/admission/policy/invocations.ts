/**
 * Which policies are asked about a request, with which parameters.
 * Source: k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go.
 */
import { isObject, type JsonObject, labelSelectorOf, matchesLabels } from "@krate/apimachinery";
import type { RequestContext } from "../../context.ts";
import { namespaceKind } from "../../core/namespaces.ts";
import { labelsOf, nameOf, namespaceOf, textOf } from "../../objects.ts";
import type { ServedResource } from "../../resources/resource.ts";
import { type Attributes, attributesOf } from "../attributes.ts";
import { matchOf } from "../match.ts";
import { equivalentsOf } from "../versions.ts";
import { type CompiledBinding, type CompiledPolicy, compiledBinding } from "./compile.ts";
import type { PolicyKinds } from "./kinds.ts";

export interface Invocation<P extends CompiledPolicy> {
  kind: "invocation";
  policy: P;
  binding: CompiledBinding;
  param: JsonObject | undefined;
  /** Names policy, binding and parameter among all; for reinvocation. */
  id: string;
  /** In which version the policy sees the object. */
  as: ServedResource;
}

/** A policy or binding that is not configured right; it counts as a failure of its policy. */
export interface ConfigurationProblem {
  kind: "problem";
  policy: CompiledPolicy;
  binding: CompiledBinding | undefined;
  message: string;
}

export interface Situation {
  attributes: Attributes;
  /** Of namespaced objects. */
  namespace: JsonObject | undefined;
}

/** What all policies of a request look at. */
export async function situationOf(ctx: RequestContext): Promise<Situation> {
  const attributes = attributesOf(ctx);
  const namespaced = attributes.namespaced && !attributes.isNamespace;
  const namespace = namespaced
    ? await ctx.services.config.find(namespaceKind, { name: attributes.namespace })
    : undefined;
  return { attributes, namespace };
}

/** In the order of the names of policies, then of bindings. */
export async function invocationsOf<P extends CompiledPolicy>(
  ctx: RequestContext,
  { kinds, compiled }: { kinds: PolicyKinds; compiled: (object: JsonObject) => P },
  situation: Situation,
): Promise<(Invocation<P> | ConfigurationProblem)[]> {
  const equivalents = equivalentsOf(ctx);
  const found: (Invocation<P> | ConfigurationProblem)[] = [];
  for (const [policyName, bindings] of byPolicy(ctx.services.config.list(kinds.binding))) {
    const object = ctx.services.config.get(kinds.policy, { name: policyName });
    if (object === undefined) continue;
    const policy = compiled(object);
    const named = matches(policy, situation, equivalents);
    if (named === undefined) continue;
    const as = named === "itself" ? ctx.served : named;
    for (const binding of bindings) {
      if (matches(binding, situation, equivalents) === undefined) continue;
      found.push(...(await withParams(ctx, { policy, binding, as }, situation.attributes)));
    }
  }
  return found;
}

function byPolicy(bindings: readonly JsonObject[]): [string, CompiledBinding[]][] {
  const grouped = new Map<string, CompiledBinding[]>();
  for (const binding of bindings.map(compiledBinding)) {
    const others = grouped.get(binding.policyName);
    if (others === undefined) grouped.set(binding.policyName, [binding]);
    else others.push(binding);
  }
  const byName = ({ name: a }: { name: string }, { name: b }: { name: string }) => (a < b ? -1 : 1);
  for (const list of grouped.values()) list.sort(byName);
  return [...grouped].sort(([a], [b]) => (a < b ? -1 : 1));
}

function matches(
  { matcher }: Pick<CompiledPolicy, "matcher">,
  { attributes, namespace }: Situation,
  equivalents: () => readonly ServedResource[],
): "itself" | ServedResource | undefined {
  const { object, oldObject } = attributes;
  return matchOf(matcher, attributes, { object, oldObject, namespace }, equivalents);
}

async function withParams<P extends CompiledPolicy>(
  ctx: RequestContext,
  { policy, binding, as }: { policy: P; binding: CompiledBinding; as: ServedResource },
  attributes: Attributes,
): Promise<(Invocation<P> | ConfigurationProblem)[]> {
  const params = await paramsOf(ctx, policy, binding, attributes);
  if ("problem" in params) {
    const { problem: message, ofPolicy = false } = params;
    return [{ kind: "problem", policy, binding: ofPolicy ? undefined : binding, message }];
  }
  return params.objects.map((param) => ({
    kind: "invocation",
    policy,
    binding,
    param,
    id: [policy.name, binding.name, ...(param === undefined ? [] : [namespaceOf(param), nameOf(param)])].join("/"),
    as,
  }));
}

type Params = { objects: readonly (JsonObject | undefined)[] } | { problem: string; ofPolicy?: boolean };

async function paramsOf(
  ctx: RequestContext,
  { paramKind }: CompiledPolicy,
  { paramRef }: CompiledBinding,
  attributes: Attributes,
): Promise<Params> {
  if (paramKind === undefined || paramRef === undefined) return { objects: [undefined] };
  const { config } = ctx.services;
  const resolved = await ctx.services.resolveKind(paramKind.apiVersion, paramKind.kind);
  if (resolved === undefined) {
    const kind = `${paramKind.apiVersion}, Kind=${paramKind.kind}`;
    return { problem: `failed to find resource referenced by paramKind: '${kind}'`, ofPolicy: true };
  }
  const given = textOf(paramRef["namespace"]);
  if (!resolved.namespaced && given !== "") {
    return { problem: "paramRef.namespace must not be provided for a cluster-scoped `paramKind`" };
  }
  const namespace = resolved.namespaced ? given || attributes.namespace : undefined;
  if (namespace === "") {
    return { problem: "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources" };
  }
  const name = textOf(paramRef["name"]);
  const objects =
    name === ""
      ? config.list(resolved, namespace).filter((object) => isSelected(paramRef, object))
      : [await config.find(resolved, { namespace, name })].filter((object) => object !== undefined);
  if (objects.length === 0 && paramRef["parameterNotFoundAction"] === "Deny") {
    return { problem: "no params found for policy binding with `Deny` parameterNotFoundAction" };
  }
  return { objects };
}

function isSelected({ selector }: JsonObject, object: JsonObject): boolean {
  return !isObject(selector) || matchesLabels(labelSelectorOf(selector), labelsOf(object));
}
