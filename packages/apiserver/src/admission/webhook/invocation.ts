/**
 * Whether a webhook is asked about a request, and in which version.
 * Source: k8s.io/apiserver/pkg/admission/plugin/webhook/generic/webhook.go (ShouldCallHook).
 */
import type { JsonObject } from "@krate/apimachinery";
import { forbidden, notFound } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import { namespaceKind } from "../../core/namespaces.ts";
import type { ServedResource } from "../../resources/resource.ts";
import { type Attributes, attributesOf } from "../attributes.ts";
import { evaluateConditions } from "../conditions.ts";
import { ExpressionContext } from "../expression.ts";
import { matchedResource, matchesSelectors } from "../match.ts";
import type { AdmissionMetrics } from "../metrics.ts";
import { equivalentsOf, inVersion, representationOf } from "../versions.ts";
import type { Webhook } from "./configuration.ts";

export interface Invocation {
  webhook: Webhook;
  /** The resource the webhook is told of; another version of the requested one when its rules name only that. */
  as: ServedResource;
  attributes: Attributes;
}

/** Decides for one request; what several webhooks need is found out once. */
export class InvocationFilter {
  readonly #ctx: RequestContext;
  readonly #type: "admit" | "validating";
  readonly #metrics: AdmissionMetrics;
  #namespace: JsonObject | undefined;
  readonly #equivalents: () => readonly ServedResource[];

  constructor(ctx: RequestContext, type: "admit" | "validating", metrics: AdmissionMetrics) {
    this.#ctx = ctx;
    this.#type = type;
    this.#metrics = metrics;
    this.#equivalents = equivalentsOf(ctx);
  }

  /** @throws NotFound for a namespace that is not there, Forbidden when match conditions fail and the webhook fails closed */
  async invocationOf(webhook: Webhook): Promise<Invocation | undefined> {
    const attributes = attributesOf(this.#ctx);
    const named = matchedResource(webhook, attributes, () => this.#equivalents());
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

  async #conditionsHold({ webhook, as, attributes }: Invocation): Promise<boolean> {
    const { conditions, name, failsOpen } = webhook;
    if (conditions.length === 0) return true;
    const { served } = this.#ctx;
    const objects = {
      object: inVersion(attributes.object, served, as),
      oldObject: inVersion(attributes.oldObject, served, as),
    };
    const expressions = new ExpressionContext(this.#ctx, { attributes, as: representationOf(this.#ctx, as), objects });
    const labels = { name, kind: "webhook", type: this.#type, operation: attributes.operation } as const;
    const { bindings } = expressions;
    const metrics = this.#metrics;
    const outcome = await evaluateConditions(conditions, { expressions, bindings }, { metrics, labels });
    if ("problem" in outcome) {
      if (failsOpen) return false;
      const { group, resource: plural, name: object } = attributes;
      throw forbidden({ group, plural, name: object }, outcome.problem);
    }
    if (!outcome.matches) this.#metrics.excludedByCondition(labels);
    return outcome.matches;
  }
}
