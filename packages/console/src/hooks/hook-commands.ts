import { labels, resourceNameOf, WebhookDelivery } from "@krate/kinds";
import type { Command } from "../kubectl/commands.ts";
import type { HookObject } from "./hook-rows.ts";

/** kubectl commands for the object behind a hook. */
export function hookCommands({ kind, resource, name, namespace }: HookObject): Command[] {
  const scope = namespace ? ` -n ${namespace}` : "";
  const bindings: Readonly<Record<string, string>> = {
    ValidatingAdmissionPolicy: "validatingadmissionpolicybindings",
    MutatingAdmissionPolicy: "mutatingadmissionpolicybindings",
  };
  const binding = bindings[kind];
  const deliveries = `kubectl get ${resourceNameOf(WebhookDelivery)}${scope} -l ${labels.deliverySubscription}=${name}`;
  return [
    { label: "View", text: `kubectl get ${resource} ${name}${scope} -o yaml` },
    { label: "Edit", text: `kubectl edit ${resource} ${name}${scope}` },
    ...(binding
      ? [{ label: "Its bindings", text: `kubectl get ${binding}.admissionregistration.k8s.io -o wide` }]
      : []),
    ...(kind === "WebhookSubscription"
      ? [
          { label: "Deliveries", text: deliveries },
          { label: "Failed deliveries", text: `${deliveries},${labels.deliveryStatus}=Failed` },
        ]
      : []),
    { label: "Remove", text: `kubectl delete ${resource} ${name}${scope}` },
  ];
}
