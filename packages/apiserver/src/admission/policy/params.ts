/** The objects a binding parameterises its policy with. Source: k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go:CollectParams. */
import { isObject, type JsonObject, labelSelectorOf, matchesLabels } from "@krate/apimachinery";
import type { RequestContext } from "../../context.ts";
import { labelsOf, sectionOf, textOf } from "../../objects.ts";
import type { CompiledPolicy } from "./compile.ts";

export type Params =
  | { kind: "found"; objects: readonly (JsonObject | undefined)[] }
  /** `parameterNotFoundAction: Allow` */
  | { kind: "skip" }
  | { kind: "missing"; problem: string };

export async function paramsOf(ctx: RequestContext, policy: CompiledPolicy, binding: JsonObject): Promise<Params> {
  const { paramKind } = policy;
  const reference = sectionOf(binding, "spec")["paramRef"];
  if (paramKind === undefined || !isObject(reference)) return { kind: "found", objects: [undefined] };
  const resolved = await ctx.services.resolveKind(paramKind.apiVersion, paramKind.kind);
  if (resolved === undefined) {
    return {
      kind: "missing",
      problem: `failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`,
    };
  }
  const namespace = resolved.namespaced ? textOf(reference["namespace"]) || ctx.target.namespace : undefined;
  const { config } = ctx.services;
  const name = textOf(reference["name"]);
  const found =
    name === ""
      ? config.list(resolved, namespace).filter((object) => {
          const { selector } = reference;
          return !isObject(selector) || matchesLabels(labelSelectorOf(selector), labelsOf(object));
        })
      : [await config.find(resolved, { namespace, name })].filter((object) => object !== undefined);
  if (found.length > 0) return { kind: "found", objects: found };
  if (reference["parameterNotFoundAction"] === "Allow") return { kind: "skip" };
  return { kind: "missing", problem: "no params found for policy binding with `Deny` parameterNotFoundAction" };
}
