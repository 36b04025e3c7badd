/**
 * The variables of admission policies and match conditions.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#validation-expression and
 * k8s.io/apiserver/pkg/admission/plugin/cel/compile.go.
 */
import { authorizerTypeName, resourceCheckTypeName } from "./functions/authorizer.ts";
import type { CelType } from "./types.ts";
import { listOf, mapOf, objectOf, parseType, types } from "./types.ts";

const { string, bool, dyn, int } = types;
const groupVersionKind = objectOf("kubernetes.GroupVersionKind", { group: string, version: string, kind: string });
const groupVersionResource = objectOf("kubernetes.GroupVersionResource", {
  group: string,
  version: string,
  resource: string,
});

/** `request`, as an AdmissionRequest without the object. */
export const requestType: CelType = objectOf("kubernetes.AdmissionRequest", {
  kind: groupVersionKind,
  resource: groupVersionResource,
  subResource: string,
  requestKind: groupVersionKind,
  requestResource: groupVersionResource,
  requestSubResource: string,
  name: string,
  namespace: string,
  operation: string,
  userInfo: objectOf("kubernetes.UserInfo", {
    username: string,
    uid: string,
    groups: listOf(string),
    extra: mapOf(string, listOf(string)),
  }),
  dryRun: bool,
  options: dyn,
});

/** `namespaceObject`: null for cluster-scoped objects. */
export const namespaceType: CelType = objectOf("kubernetes.Namespace", {
  metadata: objectOf("kubernetes.NamespaceMetadata", {
    name: string,
    generateName: string,
    namespace: string,
    labels: mapOf(string, string),
    annotations: mapOf(string, string),
    UID: string,
    creationTimestamp: types.timestamp,
    deletionGracePeriodSeconds: int,
    deletionTimestamp: types.timestamp,
    generation: int,
    resourceVersion: string,
    finalizers: listOf(string),
  }),
  spec: objectOf("kubernetes.NamespaceSpec", { finalizers: listOf(string) }),
  status: objectOf("kubernetes.NamespaceStatus", {
    conditions: listOf(
      objectOf("kubernetes.NamespaceCondition", {
        status: string,
        type: string,
        lastTransitionTime: types.timestamp,
        message: string,
        reason: string,
      }),
    ),
    phase: string,
  }),
});

export interface AdmissionVariables {
  /** The policy has a paramKind. @defaultValue false */
  params?: boolean;
  /** Match conditions of webhooks have no `namespaceObject`, `params` and `variables`. @defaultValue false */
  matchCondition?: boolean;
  /** Types of the composed variables that come before the expression. */
  variables?: Readonly<Record<string, CelType>>;
}

/** The variables to compile an expression with. */
export function admissionVariables({
  params = false,
  matchCondition = false,
  variables,
}: AdmissionVariables = {}): Record<string, CelType> {
  const always = {
    object: dyn,
    oldObject: dyn,
    request: requestType,
    authorizer: parseType(authorizerTypeName),
    "authorizer.requestResource": parseType(resourceCheckTypeName),
  };
  if (matchCondition) return always;
  return {
    ...always,
    namespaceObject: namespaceType,
    ...(params && { params: dyn }),
    ...(variables !== undefined && { variables: objectOf("kubernetes.variables", variables) }),
  };
}
