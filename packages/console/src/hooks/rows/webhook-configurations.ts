/** Validating- and MutatingWebhookConfiguration: one row for each webhook that the API calls for the repository's objects. */
import type { KubernetesObject } from "@krate/kinds";
import { type HookObject, type HookRow, rowBase } from "../hook-rows.ts";
import { type Place, type ResourceRule, reachOf } from "../matching/rules.ts";
import type { LabelSelector } from "../matching/selectors.ts";
import { targetTexts } from "./target-texts.ts";

interface Webhook {
  name: string;
  rules?: ResourceRule[];
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  matchConditions?: { name: string }[];
  failurePolicy?: string;
  clientConfig?: { url?: string; service?: { namespace?: string; name?: string } };
}

export interface WebhookConfiguration extends KubernetesObject {
  webhooks?: Webhook[];
}

const kyvernoLabel = "webhook.kyverno.io/managed-by";

export function webhookRows(object: HookObject, configuration: WebhookConfiguration, place: Place): HookRow[] {
  const isMutating = object.kind === "MutatingWebhookConfiguration";
  const isKyverno = configuration.metadata?.labels?.[kyvernoLabel] === "kyverno";
  return (configuration.webhooks ?? []).flatMap((webhook): HookRow[] => {
    const { rules, namespaceSelector, objectSelector, clientConfig } = webhook;
    // A webhook without rules is called for nothing.
    if (!rules?.length) return [];
    const { targets, onlyWhen } = reachOf(
      [
        {
          resourceRules: rules,
          ...(namespaceSelector && { namespaceSelector }),
          ...(objectSelector && { objectSelector }),
        },
      ],
      place,
    );
    if (targets.length === 0) return [];
    const isLoose = webhook.failurePolicy === "Ignore";
    return [
      {
        type: "hook",
        layer: "admission",
        ...rowBase(object, webhook.name, configuration.metadata?.creationTimestamp, webhook.name),
        object,
        engine: isKyverno ? "Kyverno" : "Webhook",
        mode: isMutating ? "mutate" : "enforce",
        what: `${isKyverno ? "Carries Kyverno's policies: asks" : "Asks"} ${endpointOf(clientConfig)} about ${targetTexts(targets)}${
          isLoose
            ? "; when it does not answer, the request passes"
            : "; when it does not answer, the request is refused"
        }.`,
        about: [...new Set(targets.map(({ kind }) => kind))],
        onlyWhen: [...onlyWhen, ...(webhook.matchConditions ?? []).map(({ name }) => `condition ${name} holds`)],
        messages: [],
      },
    ];
  });
}

function endpointOf(clientConfig: Webhook["clientConfig"]): string {
  const { url, service } = clientConfig ?? {};
  if (service) return `service ${service.namespace}/${service.name}`;
  return url && URL.canParse(url) ? new URL(url).host : "an address that cannot be read";
}
