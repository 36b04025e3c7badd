/** Everything that was read of the sources → the entries of the tab. Pure but for the day it is. */
import type {
  BranchProtection,
  GitEvent,
  KubernetesObject,
  ObjectOf,
  RefPolicy,
  Repository,
  WebhookSubscription,
} from "@krate/kinds";
import type { HookEntry, HookObject, HookRow, SourceRow, SourceState } from "./hook-rows.ts";
import type { Place } from "./matching/rules.ts";
import { boundPolicyRow, type CelPolicy, kyvernoCelRow, type PolicyBinding } from "./rows/admission-policies.ts";
import { gitRuleRows, refusalsOf } from "./rows/git-rules.ts";
import { type KyvernoPolicy, kyvernoPolicyRow } from "./rows/kyverno-policies.ts";
import { outboundRows } from "./rows/outbound.ts";
import { type WebhookConfiguration, webhookRows } from "./rows/webhook-configurations.ts";
import { type HookSource, hookSources, resourceOf, type SourceName } from "./sources.ts";

/** What was read of one source. */
export interface SourceContent {
  state: SourceState;
  objects: readonly KubernetesObject[];
  /** There are more than are held. */
  truncated: boolean;
  message?: string;
}

export interface ExplorerInput {
  namespace: string;
  /** Absent: everything of the organization. */
  repository: string | undefined;
  /** Of the namespace; undefined when the user may not read it. */
  namespaceLabels: Record<string, string> | undefined;
  sources: Readonly<Record<SourceName, SourceContent>>;
  now: Date;
}

export function hookEntries(input: ExplorerInput): HookEntry[] {
  const { namespace, repository, namespaceLabels, sources } = input;
  const place: Place = {
    namespace,
    repository,
    namespaceLabels: {
      // The server keeps this one on every namespace.
      labels: { "kubernetes.io/metadata.name": namespace, ...namespaceLabels },
      isComplete: namespaceLabels !== undefined,
    },
  };
  return [
    ...gitRows(input),
    ...outboundRows(of<ObjectOf<typeof WebhookSubscription>>(sources.subscriptions), repository),
    ...admissionRows(input, place),
    ...(Object.keys(hookSources) as SourceName[]).map((name) => sourceRow(name, sources[name])),
  ];
}

/** Objects of a source, as its kind. The API server has validated them. */
function of<T extends KubernetesObject>({ objects }: SourceContent): readonly T[] {
  return objects as readonly T[];
}

function gitRows({ namespace, repository, sources, now }: ExplorerInput): HookRow[] {
  return gitRuleRows({
    namespace,
    repository,
    repositories: of<ObjectOf<typeof Repository>>(sources.repository),
    branchProtections: of<ObjectOf<typeof BranchProtection>>(sources.branchProtections),
    refPolicies: of<ObjectOf<typeof RefPolicy>>(sources.refPolicies),
    refusals: refusalsOf(of<ObjectOf<typeof GitEvent>>(sources.refusals), {
      now,
      isComplete: !sources.refusals.truncated,
    }),
  });
}

function admissionRows({ sources }: ExplorerInput, place: Place): HookRow[] {
  const bindings = (name: "validatingBindings" | "mutatingBindings") =>
    sources[name].state === "ready" ? of<PolicyBinding>(sources[name]) : undefined;
  const each = <T extends KubernetesObject>(
    name: SourceName,
    build: (object: HookObject, content: T) => HookRow | HookRow[] | undefined,
  ): HookRow[] => of<T>(sources[name]).flatMap((content) => build(objectOf(hookSources[name], content), content) ?? []);
  const validating = bindings("validatingBindings");
  const mutating = bindings("mutatingBindings");
  return [
    ...each<CelPolicy>("validatingPolicies", (object, policy) => boundPolicyRow(object, policy, validating, place)),
    ...each<CelPolicy>("mutatingPolicies", (object, policy) => boundPolicyRow(object, policy, mutating, place)),
    ...(["kyvernoClusterPolicies", "kyvernoPolicies"] as const).flatMap((name) =>
      each<KyvernoPolicy>(name, (object, policy) => kyvernoPolicyRow(object, policy, place)),
    ),
    ...(
      ["kyvernoValidating", "kyvernoNamespacedValidating", "kyvernoMutating", "kyvernoNamespacedMutating"] as const
    ).flatMap((name) => each<CelPolicy>(name, (object, policy) => kyvernoCelRow(object, policy, place))),
    ...(["validatingWebhooks", "mutatingWebhooks"] as const).flatMap((name) =>
      each<WebhookConfiguration>(name, (object, configuration) => webhookRows(object, configuration, place)),
    ),
  ];
}

function objectOf(source: HookSource, { metadata }: KubernetesObject): HookObject {
  const { name = "", namespace } = metadata ?? {};
  return { kind: source.kind, resource: resourceOf(source), name, ...(namespace && { namespace }) };
}

function sourceRow(name: SourceName, { state, message, truncated }: SourceContent): SourceRow {
  const source: HookSource = hookSources[name];
  const tooMany = truncated ? `Only the first ${source.maxItems} were read.` : undefined;
  const text = message ?? tooMany;
  return {
    type: "source",
    layer: source.layer,
    name: source.kind,
    uid: `source/${name}`,
    createdAt: "",
    resource: resourceOf(source),
    scope: source.scope,
    state,
    ...(text && { message: text }),
  };
}
