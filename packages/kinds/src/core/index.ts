/** Kinds of Kubernetes itself that our programs read or write, typed by `kubernetes-types` (types only, no code). */

import type { Lease as LeaseType } from "kubernetes-types/coordination/v1.js";
import type {
  ConfigMap as ConfigMapType,
  Event as EventType,
  Namespace as NamespaceType,
  Node as NodeType,
  Pod as PodType,
  Secret as SecretType,
  ServiceAccount as ServiceAccountType,
} from "kubernetes-types/core/v1.js";
import { foreignKind } from "../define-kind.ts";

export type { ConfigMapType, EventType, LeaseType, NamespaceType, NodeType, PodType, SecretType, ServiceAccountType };

const v1 = { group: "", version: "v1" } as const;

export const Namespace = foreignKind<NamespaceType>({
  ...v1,
  kind: "Namespace",
  plural: "namespaces",
  scope: "Cluster",
});
export const Node = foreignKind<NodeType>({ ...v1, kind: "Node", plural: "nodes", scope: "Cluster" });
export const Pod = foreignKind<PodType>({ ...v1, kind: "Pod", plural: "pods" });
export const Secret = foreignKind<SecretType>({ ...v1, kind: "Secret", plural: "secrets" });
export const ConfigMap = foreignKind<ConfigMapType>({ ...v1, kind: "ConfigMap", plural: "configmaps" });
export const ServiceAccount = foreignKind<ServiceAccountType>({
  ...v1,
  kind: "ServiceAccount",
  plural: "serviceaccounts",
});
export const Event = foreignKind<EventType>({ ...v1, kind: "Event", plural: "events" });
export const Lease = foreignKind<LeaseType>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
});
