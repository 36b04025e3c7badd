/** Where hooks are read from, each with the rights of the person who looks. */
import {
  BranchProtection,
  GitEvent,
  type KindRef,
  type KubernetesObject,
  type ObjectOf,
  RefPolicy,
  Repository,
  WebhookSubscription,
} from "@krate/kinds";
import type { HookLayer } from "./hook-rows.ts";

export interface HookSource {
  layer: HookLayer;
  group: string;
  plural: string;
  kind: string;
  scope: "Cluster" | "Namespaced";
  /** Of Krate's own kinds; versions of others are asked of the cluster. */
  version?: string;
  /** Field selector; without a repository, for the whole organization. */
  selector?(repository: string | undefined): string | undefined;
  /** Objects read at most; the tab says when there are more. */
  maxItems: number;
  /** What is kept in memory of an object; undefined when it is of no interest. @defaultValue all but its bookkeeping */
  hold?(object: KubernetesObject, now: Date): KubernetesObject | undefined;
}

const policyLimit = 1000;
/** Events have no order by time, so all refusals of 90 days are looked through; above this the tab counts "at least". */
const eventLimit = 20_000;

const own = (layer: HookLayer, kind: KindRef, more: Partial<HookSource> = {}): HookSource => ({
  layer,
  group: kind.group,
  version: kind.version,
  plural: kind.plural,
  kind: kind.kind,
  scope: kind.scope,
  maxItems: policyLimit,
  ...more,
});

const cluster = (group: string, kind: string, plural: string): HookSource => ({
  layer: "admission",
  group,
  kind,
  plural,
  scope: "Cluster",
  maxItems: policyLimit,
});

const registration = "admissionregistration.k8s.io";
const kyverno = "kyverno.io";
const kyvernoCel = "policies.kyverno.io";

export const hookSources = {
  repository: own("git", Repository, { selector: (repository) => repository && `metadata.name=${repository}` }),
  refPolicies: own("git", RefPolicy),
  branchProtections: own("git", BranchProtection),
  refusals: own("git", GitEvent, {
    selector: (repository) => `${repository ? `spec.repository=${repository},` : ""}spec.decision!=Accepted`,
    maxItems: eventLimit,
    hold: refusalOfToday,
  }),
  subscriptions: own("webhooks", WebhookSubscription),
  validatingPolicies: cluster(registration, "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
  validatingBindings: cluster(registration, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
  mutatingPolicies: cluster(registration, "MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
  mutatingBindings: cluster(registration, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"),
  validatingWebhooks: cluster(registration, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
  mutatingWebhooks: cluster(registration, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
  kyvernoClusterPolicies: cluster(kyverno, "ClusterPolicy", "clusterpolicies"),
  kyvernoPolicies: { ...cluster(kyverno, "Policy", "policies"), scope: "Namespaced" },
  kyvernoValidating: cluster(kyvernoCel, "ValidatingPolicy", "validatingpolicies"),
  kyvernoNamespacedValidating: {
    ...cluster(kyvernoCel, "NamespacedValidatingPolicy", "namespacedvalidatingpolicies"),
    scope: "Namespaced",
  },
  kyvernoMutating: cluster(kyvernoCel, "MutatingPolicy", "mutatingpolicies"),
  kyvernoNamespacedMutating: {
    ...cluster(kyvernoCel, "NamespacedMutatingPolicy", "namespacedmutatingpolicies"),
    scope: "Namespaced",
  },
} as const satisfies Record<string, HookSource>;

export type SourceName = keyof typeof hookSources;

/** `clusterpolicies.kyverno.io`, as kubectl writes it. */
export const resourceOf = ({ group, plural }: Pick<HookSource, "group" | "plural">): string => `${plural}.${group}`;

/** The source of a resource name in an address; undefined for anything else. */
export function sourceOfResource(resource: string): HookSource | undefined {
  return Object.values<HookSource>(hookSources).find((source) => resourceOf(source) === resource);
}

/** An object without its bookkeeping. */
export function held(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  const { "kubectl.kubernetes.io/last-applied-configuration": __, ...annotations } = metadata.annotations ?? {};
  return { ...object, metadata: { ...metadata, annotations } };
}

/** Of a GitEvent of today what is counted. "Today" is the UTC day. */
function refusalOfToday(object: KubernetesObject, now: Date): KubernetesObject | undefined {
  const { metadata, spec } = object as ObjectOf<typeof GitEvent>;
  if (spec.receivedAt < now.toISOString().slice(0, 10)) return undefined;
  const { receivedAt, rules } = spec;
  const kept = {
    metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion },
    spec: { receivedAt, rules },
  };
  return kept as KubernetesObject;
}
