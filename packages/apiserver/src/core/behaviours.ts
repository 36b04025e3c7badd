import { registrationBehaviours } from "../admission/registration/behaviours.ts";
import type { ServiceAccountTokens } from "../auth/service-account-tokens.ts";
import type { Subresource } from "../resources/resource.ts";
import { type CustomResourcePublisher, customResourceDefinitionStrategy } from "./custom-resource-definitions.ts";
import { eventsConversion } from "./events.ts";
import { finalizeNamespace, namespaceStrategy } from "./namespaces.ts";
import { bindPod, evictPod, nodeStrategy, podStrategy } from "./pods.ts";
import type { CoreBehaviours } from "./resources.ts";
import { type ReviewParts, reviewStrategies } from "./reviews.ts";
import { tokenRequest } from "./service-accounts.ts";
import {
  configMapStrategy,
  eventStrategy,
  leaseStrategy,
  roleBindingStrategy,
  roleStrategy,
  secretStrategy,
  serviceStrategy,
} from "./small-strategies.ts";

export interface CoreParts extends ReviewParts {
  publisher: CustomResourcePublisher;
  tokens: ServiceAccountTokens | undefined;
  podLog: Subresource["connect"];
}

const eventFields = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];
const podFields = [
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.schedulerName",
  "spec.serviceAccountName",
  "spec.hostNetwork",
  "status.phase",
  "status.podIP",
  "status.nominatedNodeName",
];
const counted = { countsGeneration: true };
const rbac = "rbac.authorization.k8s.io";

/** What each core kind does beyond its schema, by `<group>/<resource>`. */
export function coreBehaviours(parts: CoreParts): CoreBehaviours {
  const reviews = Object.entries(reviewStrategies(parts)).map(([name, strategy]) => [name, { strategy }] as const);
  return {
    ...Object.fromEntries(reviews),
    ...registrationBehaviours,
    "/namespaces": {
      strategy: namespaceStrategy,
      nameRule: "label",
      selectableFields: ["status.phase"],
      subresources: { finalize: finalizeNamespace },
    },
    "/configmaps": { strategy: configMapStrategy },
    "/secrets": { isSecret: true, strategy: secretStrategy, selectableFields: ["type"] },
    "/serviceaccounts": { subresources: { token: tokenRequest(parts.tokens) } },
    "/services": { strategy: serviceStrategy, nameRule: "label", selectableFields: ["spec.clusterIP", "spec.type"] },
    "/nodes": { strategy: nodeStrategy, selectableFields: ["spec.unschedulable"] },
    "/pods": {
      ...counted,
      strategy: podStrategy,
      selectableFields: podFields,
      subresources: { binding: bindPod, eviction: evictPod, log: parts.podLog },
    },
    "/events": { strategy: eventStrategy, selectableFields: eventFields },
    "events.k8s.io/events": {
      conversion: eventsConversion,
      storage: { group: "", resource: "events" },
      // Of the stored form, which is core/v1.
      selectableFields: eventFields,
    },
    // There are none, and nothing here would run one. Programs that look for their own, as Kyverno does, find that out.
    "apps/deployments": { verbs: ["get", "list", "watch"] },
    // The core group's is called `v1.`
    "apiregistration.k8s.io/apiservices": { nameRule: "path-segment" },
    [`${rbac}/roles`]: { nameRule: "path-segment", strategy: roleStrategy },
    [`${rbac}/clusterroles`]: { nameRule: "path-segment", strategy: roleStrategy },
    [`${rbac}/rolebindings`]: { nameRule: "path-segment", strategy: roleBindingStrategy },
    [`${rbac}/clusterrolebindings`]: { nameRule: "path-segment", strategy: roleBindingStrategy },
    "coordination.k8s.io/leases": { strategy: leaseStrategy },
    "discovery.k8s.io/endpointslices": counted,
    "apiextensions.k8s.io/customresourcedefinitions": {
      ...counted,
      strategy: customResourceDefinitionStrategy(parts.publisher),
    },
  };
}
