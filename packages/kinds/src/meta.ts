/**
 * The envelope every object shares.
 * Source: Kubernetes API conventions, "Objects" and "Typical status properties".
 */

/** One entry of `metadata.managedFields` (server-side apply bookkeeping). */
export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: object;
  subresource?: string;
}

/** Reference from a child to the object that owns it; the owner must live in the same namespace (or be cluster-scoped). */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** `metadata`; times are RFC 3339 strings with second precision, as the API serves them. */
export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any Kubernetes object, as JSON. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

/** An object of one of our kinds. `status` is absent until a controller (or the server) has written it. */
export interface Resource<Spec, Status> extends KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec: Spec;
  status?: Status;
}

/** List envelope: `metadata.resourceVersion` is where a watch continues, `metadata.continue` where the next page starts. */
export interface KubernetesList<T> {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

export type Scope = "Namespaced" | "Cluster";

/**
 * What a client needs to address a kind. Our own kinds (`defineKind`) and the core kinds (`coreKind`) both are one;
 * the type parameter is the object it stands for.
 */
export interface KindRef<T extends KubernetesObject = KubernetesObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: Scope;
  /** Type carrier only; never present at run time. */
  readonly objectType?: T;
}

/** The object type a `KindRef` stands for. */
export type ObjectOf<K extends KindRef> = K extends KindRef<infer T> ? T : never;

/** `v1` for the core group, `group/version` for all others. */
export function apiVersionOf(kind: KindRef): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** `pods` for the core group, `pullrequests.forge.krate.a5c.ai` for all others: how kubectl prints a resource. */
export function resourceNameOf(kind: KindRef): string {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}
