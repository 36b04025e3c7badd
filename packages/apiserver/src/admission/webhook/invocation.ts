/**
 * Whether a webhook is asked about a request, and in which version.
 * Source: k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go (ShouldCallHook).
 */
import { cloneJson, type JsonObject } from "@krate/apimachinery";
import { forbidden, notFound } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { namespaceKind } from "../../core/namespaces.ts";
import type { ServedResource } from "../../resources/resource.ts";
import { type Attributes, attributesOf, type Representation } from "../attributes.ts";
import { evaluateConditions } from "../conditions.ts";
import { matchedResource, matchesSelectors } from "../match.ts";
import type { AdmissionMetrics } from "../metrics.ts";
import { withBindings } from "../request.ts";
import type { Webhook } from "./configuration.ts";

export interface Invocation {
  webhook: Webhook;
  /** The resource the webhook is told of; another version of the requested one when its rules name only that. */
  as: ServedResource;
  attributes: Attributes;
}

const admissionGroup = "admissionregistration.k8s.io";
const exemptKinds = new Set([
  "ValidatingWebhookConfiguration",
  "MutatingWebhookConfiguration",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionPolicyBinding",
]);

/** What decides who is asked is judged by nobody: a wrong one could not be removed any more. */
export function isExempt({ served }: RequestContext): boolean {
  return served.group === admissionGroup && exemptKinds.has(served.kind);
}

/** Decides for one request; what several webhooks need is found out once. */
export class InvocationFilter {
  readonly #ctx: RequestContext;
  readonly #type: "admit" | "validating";
  readonly #metrics: AdmissionMetrics;
  #namespace: JsonObject | undefined;
  #equivalents: readonly ServedResource[] | undefined;

  constructor(ctx: RequestContext, type: "admit" | "validating", metrics: AdmissionMetrics) {
    this.#ctx = ctx;
    this.#type = type;
    this.#metrics = metrics;
  }

  /** @throws NotFound for a namespace that is not there, Forbidden when match conditions fail and the webhook fails closed */
  async invocationOf(webhook: Webhook): Promise<Invocation | undefined> {
    const attributes = attributesOf(this.#ctx);
    const named = matchedResource(webhook, attributes, () => this.#otherVersions());
    if (named === undefined) return undefined;
    const { object, oldObject } = attributes;
    const { selectors } = webhook;
    const needsNamespace = selectors.namespaceSelector.length > 0 && attributes.namespaced && !attributes.isNamespace;
    const namespace = needsNamespace ? await this.#namespaceObject(attributes.namespace) : undefined;
    if (!matchesSelectors(selectors, attributes, { object, oldObject, namespace })) return undefined;
    const as = named === "itself" ? this.#ctx.served : named;
    const invocation = { webhook, as, attributes };
    return (await this.#conditionsHold(invocation)) ? invocation : undefined;
  }

  async #namespaceObject(name: string): Promise<JsonObject> {
    this.#namespace ??= await this.#ctx.services.config.find(namespaceKind, { name });
    if (this.#namespace === undefined) throw notFound({ plural: "namespaces", name });
    return this.#namespace;
  }

  /** Resources that show the same stored objects. */
  #otherVersions(): readonly ServedResource[] {
    const { served, services } = this.#ctx;
    this.#equivalents ??= services.registry
      .all()
      .filter(
        (each) =>
          each.storage.group === served.storage.group &&
          each.storage.resource === served.storage.resource &&
          (each.group !== served.group || each.version !== served.version || each.plural !== served.plural),
      );
    return this.#equivalents;
  }

  async #conditionsHold({ webhook, as, attributes }: Invocation): Promise<boolean> {
    const { conditions, name, failsOpen } = webhook;
    if (conditions.length === 0) return true;
    const { served } = this.#ctx;
    const objects = {
      object: inVersion(attributes.object, served, as),
      oldObject: inVersion(attributes.oldObject, served, as),
    };
    const startedAt = performance.now();
    const outcome = await withBindings(this.#ctx, { attributes, as: representationOf(as), objects }, (bindings) =>
      evaluateConditions(conditions, bindings),
    );
    const labels = { name, kind: "webhook", type: this.#type, operation: attributes.operation } as const;
    this.#metrics.conditionsEvaluated(labels, (performance.now() - startedAt) / 1000);
    if ("problem" in outcome) {
      this.#metrics.conditionFailed(labels);
      if (failsOpen) return false;
      const { group, resource: plural, name: object } = attributes;
      throw forbidden({ group, plural, name: object }, outcome.problem);
    }
    if (!outcome.matches) this.#metrics.excludedByCondition(labels);
    return outcome.matches;
  }
}

export function representationOf({ group, version, kind, plural }: ServedResource): Representation {
  return { group, version, kind, resource: plural };
}

/** `object` as `to` shows it; the same object when that is no other form. */
export function inVersion<T extends JsonObject | undefined>(object: T, from: ServedResource, to: ServedResource): T {
  if (object === undefined || from === to) return object;
  const copy = cloneJson(object) as JsonObject;
  const stored = from.conversion?.toStored(copy) ?? copy;
  const served = to.conversion?.toServed(stored) ?? stored;
  return { ...served, apiVersion: to.apiVersion, kind: to.kind } as unknown as T;
}
